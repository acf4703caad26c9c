//! The control plane answered and ended the stream with an error of its own.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW9004",
    slug: "xds-control-plane-error",
    since: "0.1.0",
    error: None,
    conditions: &[(Certain, Event(event::Event::XdsControlPlaneError))],
    confirm: &[Confirm {
        id: "both-ends",
        steps: &[
            Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep -E 'gRPC config stream closed|xdsproxy|Failed to (warm|generate)'"),
            Command("kubectl -n istio-system logs -l app=istiod --since=30m --tail=-1 --prefix | grep -E 'error|warn' | grep {pod}"),
            Command("istioctl proxy-status | grep {pod}"),
            Note(
                "Code 16 or 7 (`authentication failure`, `Unauthenticated`): istiod does not accept the proxy's token. Code 2 or 13 with a sentence: istiod failed while it built the configuration, and its own log says at what. Code 8: the stream or a message was too large, or istiod limits new connections.",
                "16 或 7（`authentication failure`、`Unauthenticated`）：istiod 不认这个代理的 token。2 或 13 且带一句话：istiod 在生成配置时失败，具体看它自己的日志。8：消息过大，或 istiod 在对新连接限流。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "fresh-identity",
            applicability: Review,
            steps: &[
                Command("kubectl -n {namespace} get pod {pod} -o yaml | grep -B3 -A6 'audience: istio-ca'"),
                Command("kubectl -n {namespace} rollout restart deployment {workload}"),
                Note(
                    "For codes 16 and 7: the token must be projected for the audience `istio-ca`, the clocks of the nodes must agree, and istiod must trust the cluster that issued it (in multi-cluster setups a remote secret that is current). The restart gives the pod a new token.",
                    "针对 16 和 7：token 的 audience 必须是 `istio-ca`，节点时钟要一致，istiod 要信任签发 token 的集群（多集群下 remote secret 要是最新的）。重启会让 Pod 拿到新 token。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-status | grep {workload}"),
                Note("The new pod is listed and SYNCED.", "新 Pod 在列表中且为 SYNCED。"),
            ],
        },
        Fix {
            id: "offending-resource",
            applicability: Manual,
            steps: &[
                Command("istioctl analyze -A"),
                Command("kubectl -n istio-system get deployment istiod -o jsonpath='{.spec.template.spec.containers[0].image}'"),
                Note(
                    "For an error while building: take back the resource that istiod's log names or that was changed last (EnvoyFilter, ServiceEntry, a Service with unusual ports). If nothing was changed, it is a fault of this istiod version: look it up by the text of the message, and upgrade to the latest patch release.",
                    "针对生成配置时出错：撤回 istiod 日志里点名的、或最近改动的资源（EnvoyFilter、ServiceEntry、端口异常的 Service）。如果没人改过配置，就是这个 istiod 版本的缺陷：用报错原文去搜 issue，并升级到最新补丁版本。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-status"),
                Note("All proxies are SYNCED, and istiod's log no longer repeats the message.", "所有代理都是 SYNCED，istiod 日志不再重复该报错。"),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/diagnostic-tools/proxy-cmd/",
        "https://istio.io/latest/docs/ops/common-problems/security-issues/",
        "https://grpc.io/docs/guides/status-codes/",
        "Istio pilot/pkg/xds/ads.go and delta.go, 1.30",
    ],
}
