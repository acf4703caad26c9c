//! A warning about configuration that has no effect on traffic.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW9002",
    slug: "xds-benign-warning",
    since: "0.1.0",
    error: None,
    nature: Benign,
    conditions: &[(Certain, Event(event::Event::XdsWarning))],
    confirm: &[Confirm {
        id: "accepted",
        steps: &[
            Command("istioctl proxy-status | grep {pod}"),
            Command("kubectl exec {pod} -n {namespace} -c istio-proxy -- pilot-agent request GET stats | grep -E '(cds|lds)\\.update_rejected'"),
            Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep -c rejected"),
            Note(
                "SYNCED, counters that do not grow and no line with `rejected`: the proxy took everything that it was sent.",
                "SYNCED、计数不再增长，且没有含 `rejected` 的日志：下发的配置代理全部接受了。",
            ),
        ],
    }],
    fixes: &[Fix {
        id: "leave-it",
        applicability: Safe,
        steps: &[
            Command("istioctl proxy-status | grep {pod}"),
            Note(
                "Nothing to change for the sake of traffic. A warning about a deprecated field is worth a ticket before the next upgrade: the field's owner is an EnvoyFilter of yours or a control plane that is older than the proxy.",
                "就流量而言无需修改。如果是字段弃用的告警，值得在下次升级前处理：来源要么是自己写的 EnvoyFilter，要么是比代理旧的控制面。",
            ),
            Note(
                "No longer harmless: the word `rejected` in the same line or right after it, or a proxy that stays STALE.",
                "以下情况就不是无害的：同一行或紧接着出现 `rejected`，或代理长时间处于 STALE。",
            ),
        ],
        verify: &[
            Command("kubectl exec {pod} -n {namespace} -c istio-proxy -- pilot-agent request GET stats | grep -E '(cds|lds)\\.update_rejected'"),
            Note("The numbers do not grow over some minutes.", "观察几分钟，数字没有增长。"),
        ],
    }],
    sources: &[
        "https://github.com/envoyproxy/envoy/issues/15698",
        "https://istio.io/latest/docs/ops/diagnostic-tools/proxy-cmd/",
    ],
}
