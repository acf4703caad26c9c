//! A line of ztunnel that means no harm.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW9012",
    slug: "ztunnel-benign-log",
    since: "0.1.0",
    error: None,
    nature: Benign,
    conditions: &[(Certain, Event(event::Event::ZtunnelBenign))],
    confirm: &[Confirm {
        id: "no-error",
        steps: &[
            Command("kubectl -n istio-system get pods -l app=ztunnel -o wide"),
            Command("kubectl -n istio-system logs -l app=ztunnel --since=15m --tail=-1 --prefix | grep 'error='"),
            Command("istioctl ztunnel-config workloads --workload-namespace {namespace}"),
            Note(
                "Harmless: all ztunnel pods are ready, no line with `error=` concerns your workloads at the time of the failure, and they are listed with the protocol HBONE.",
                "无害的样子：ztunnel 的 Pod 都就绪，故障时刻没有与你的工作负载相关的 `error=` 日志，且它们在列表里的协议为 HBONE。",
            ),
        ],
    }],
    fixes: &[Fix {
        id: "leave-it",
        applicability: Safe,
        steps: &[
            Command("istioctl ztunnel-config workloads --workload-namespace {namespace}"),
            Note(
                "Nothing to change. For a request that fails, look for a line with `error=` that has the two addresses of that connection, and in the log of the waypoint if there is one: ztunnel only sees connections.",
                "无需修改。请求失败时，应找带 `error=`、且含该连接两端地址的日志；有 waypoint 的再看它的日志：ztunnel 只看得到连接。",
            ),
            Note(
                "No longer harmless: `error=` in an access line, `XDS client connection error` with growing intervals (the control plane cannot be reached), or a ztunnel pod that is not ready.",
                "以下情况就不是无害的：访问日志行里有 `error=`、`XDS client connection error` 重试间隔越来越长（控制面连不上），或 ztunnel 的 Pod 未就绪。",
            ),
        ],
        verify: &[
            Command("kubectl -n istio-system logs -l app=ztunnel --since=5m --tail=-1 | grep -c 'error='"),
            Note("While your requests succeed, it prints 0 or a number that does not grow.", "请求正常期间输出 0，或数字不再增长。"),
        ],
    }],
    sources: &[
        "https://istio.io/latest/docs/ambient/usage/troubleshoot-ztunnel/",
        "https://github.com/istio/ztunnel/issues/400",
        "https://github.com/istio/istio/wiki/Troubleshooting-Istio-Ambient",
    ],
}
