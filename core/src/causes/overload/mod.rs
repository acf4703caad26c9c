//! 503 `envoy overloaded`: the overload manager of the proxy refused or ended the request.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW7001",
    slug: "overload",
    since: "0.1.0",
    error: Some(ProxyInternalError),
    conditions: &[
        (
            Certain,
            Any(&[
                Details(Word::Overload),
                Family(details::Family::OverloadError),
                ResetBefore(Reset::OverloadManagerReset),
                ResetAfter(Reset::OverloadManagerReset),
                Closed(CloseReason::Overload),
            ]),
        ),
        (Likely, All(&[Flag(ResponseFlag::OM), Absent(Field::Details)])),
    ],
    confirm: &[Confirm {
        id: "pressure",
        steps: &[
            Command("kubectl top pod {pod} -n {namespace} --containers"),
            Command("kubectl exec {pod} -n {namespace} -c istio-proxy -- pilot-agent request GET memory"),
            Command("istioctl proxy-config bootstrap {pod}.{namespace} -o json | grep -A40 overloadManager"),
            Note(
                "The third command shows the limits: with `fixed_heap`, compare `heap_size` of the second with `maxHeapSizeBytes` times the threshold of `stop_accepting_requests`. No output there means that this proxy has no overload manager, and somebody else's answer was read.",
                "第三条命令显示阈值：用的是 `fixed_heap` 时，拿第二条的 `heap_size` 跟 `maxHeapSizeBytes` 乘以 `stop_accepting_requests` 的阈值比。如果第三条没有输出，说明这个代理根本没有 overload manager，看到的是别的代理的响应。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "more-memory",
            applicability: Review,
            steps: &[
                Patch(PatchKind::Fragment, PROXY_MEMORY),
                Note(
                    "Raise `max_heap_size_bytes` in the bootstrap that sets it as well (`sidecar.istio.io/bootstrapOverride`, or the settings of another control plane), and keep it below the container's limit; otherwise the threshold stays where it was. The pods are replaced. A gateway is better served by more replicas.",
                    "设置它的那份 bootstrap 里的 `max_heap_size_bytes` 也要一起调大（`sidecar.istio.io/bootstrapOverride`，或其他控制面的对应配置），并且要低于容器的内存上限，否则阈值不变。Pod 会滚动重建。网关更适合加副本。",
                ),
            ],
            verify: &[
                Command("kubectl top pod {pod} -n {namespace} --containers"),
                Note(
                    "Name the new pod. Under the same load its memory stays below the threshold and no line with `overload` or the flag OM follows.",
                    "换成新 Pod 名。同样负载下内存低于阈值，且不再出现 `overload` 或 OM 的日志。",
                ),
            ],
        },
        Fix {
            id: "smaller-configuration",
            applicability: Review,
            steps: &[
                Patch(PatchKind::Resource, OWN_NAMESPACE_ONLY),
                Note(
                    "Add every namespace that workloads here call, as `NAMESPACE/*`: what is not listed becomes unknown to these proxies. It does not apply to gateways. One `Sidecar` without `workloadSelector` per namespace: merge into an existing one.",
                    "把本 namespace 的工作负载会调用的每个 namespace 都以 `NAMESPACE/*` 加进去：没列出的服务，这些代理就不认识了。对网关不生效。每个 namespace 只能有一个不带 `workloadSelector` 的 `Sidecar`，已有的就合并进去。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} | wc -l"),
                Command("kubectl exec {pod} -n {namespace} -c istio-proxy -- pilot-agent request GET memory"),
                Note(
                    "The number of clusters falls; `allocated` falls with it, at the latest after a restart, and calls to all services that are needed still work.",
                    "cluster 数量下降，`allocated` 也随之下降（最迟重启后），并且所需服务都还能调通。",
                ),
            ],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/operations/overload_manager/overload_manager",
        "https://istio.io/latest/docs/reference/config/annotations/",
        "https://istio.io/latest/docs/reference/config/networking/sidecar/",
        "Envoy source/common/http/conn_manager_impl.cc, 1.40",
    ],
}
