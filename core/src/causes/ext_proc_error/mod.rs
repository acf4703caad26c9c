//! 500 or 504 ext_proc_error: the external processor failed or was too slow.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW6013",
    slug: "ext-proc-error",
    since: "0.1.0",
    error: Some(ProxyInternalError),
    conditions: &[(Certain, Any(&[Family(details::Family::ExtProcError), Closed(CloseReason::ExtProc)]))],
    confirm: &[
        Confirm {
            id: "filter",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -A25 'envoy.filters.http.ext_proc'"),
                Note(
                    "It names the processor's cluster, `messageTimeout` (200 ms if absent) and `failureModeAllow`.",
                    "这里有处理服务的 cluster、`messageTimeout`（没写就是 200 毫秒）和 `failureModeAllow`。",
                ),
            ],
        },
        Confirm {
            id: "processor",
            steps: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace} --cluster 'outbound|9002||PROCESSOR.NAMESPACE.svc.cluster.local'"),
                Command("kubectl logs -n NAMESPACE deployment/PROCESSOR --since=10m"),
                Note("Put in the cluster of the first step.", "换成上一步里的 cluster。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "processor",
            applicability: Manual,
            steps: &[Note(
                "Repair the processor: ready pods, a Service port named `grpc…`, TLS as both sides expect it, one answer to every message in the order they come, and no body mutation in a mode that does not allow it.",
                "修复处理服务：Pod 就绪、Service 端口名为 `grpc…`、双方的 TLS 一致、对每条消息按顺序各应答一次，并且不在不允许的模式下修改 body。",
            )],
            verify: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=1m | grep ext_proc_error"),
                Note("No new lines while requests come in.", "有请求进来时没有新的日志。"),
            ],
        },
        Fix {
            id: "patience",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    http_filter!("ext-proc", "", "ext_proc", "ExternalProcessor", "message_timeout: 1s", "failure_mode_allow: true"),
                ),
                Note(
                    "Where the filter is inserted by an EnvoyFilter that is called so; for an InferencePool of the Gateway API change the failure mode there. `failure_mode_allow` lets requests pass unprocessed: leave it out if the processor enforces something.",
                    "适用于由 EnvoyFilter 以这个名字插入的过滤器；如果来自 Gateway API 的 InferencePool，就在那里改故障模式。`failure_mode_allow` 会让请求不经处理直接通过，如果处理服务承担强制性的检查，就不要写这一行。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -A25 'envoy.filters.http.ext_proc'"),
                Note("The new values are there, and the details no longer appear.", "能看到新的值，这些 details 不再出现。"),
            ],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/ext_proc_filter",
        "https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/ext_proc/v3/ext_proc.proto",
        "https://istio.io/latest/docs/tasks/traffic-management/ingress/gateway-api-inference-extension/",
        "Envoy source/extensions/filters/http/ext_proc/ext_proc.cc, 1.40",
    ],
}
