//! The proxy's container was killed because it needed more memory than its limit.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW9018",
    slug: "proxy-out-of-memory",
    since: "0.1.0",
    error: None,
    conditions: &[(Certain, Event(event::Event::ProxyOutOfMemory)), (Likely, Event(event::Event::ContainerOutOfMemory))],
    suspected: &[
        Suspicion {
            when: Any(&[Event(event::Event::ProxyBackOff), Event(event::Event::ProxyNotStarted)]),
            decide_by: "the last state of the container `istio-proxy` is `OOMKilled`",
            decide_by_zh: "`istio-proxy` 容器的上一次状态是 `OOMKilled`",
        },
    ],
    confirm: &[
        Confirm {
            id: "killed",
            steps: &[
                Command("kubectl -n {namespace} get pod {pod} -o jsonpath='{.status.initContainerStatuses[?(@.name==\"istio-proxy\")]}{.status.containerStatuses[?(@.name==\"istio-proxy\")]}'"),
                Command("kubectl -n {namespace} get pod {pod} -o jsonpath='{.spec.initContainers[?(@.name==\"istio-proxy\")].resources}{.spec.containers[?(@.name==\"istio-proxy\")].resources}'"),
                Command("kubectl top pod {pod} -n {namespace} --containers"),
                Note(
                    "`lastState` with the reason `OOMKilled` of the container `istio-proxy` is proof; exit code 137 with another reason is a kill from outside, such as a failed liveness probe or an eviction.",
                    "`istio-proxy` 容器的 `lastState` 里 reason 为 `OOMKilled`，即可断定；退出码 137 但 reason 不同，是被外部杀掉的，例如 liveness 探针失败或被驱逐。",
                ),
            ],
        },
        Confirm {
            id: "what-for",
            steps: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} | wc -l"),
                Command("istioctl proxy-config endpoints {pod}.{namespace} | wc -l"),
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- pilot-agent request GET memory"),
                Note(
                    "Killed soon after the start, with thousands of clusters: the configuration. A slow rise over days, or a peak with the traffic: connections, buffers, an extension or a leak. `allocated` is what Envoy uses, in bytes.",
                    "启动不久就被杀，且 cluster 有几千个：是配置太大。几天里缓慢上涨，或随流量冲高：是连接、缓冲区、扩展或泄漏。`allocated` 是 Envoy 实际占用的字节数。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "less-configuration",
            applicability: Review,
            steps: &[
                Patch(PatchKind::Resource, OWN_NAMESPACE_ONLY),
                Note(
                    "Add every namespace that is called from this one (`\"shop/*\"`): what is not listed is an unknown host for these proxies. It has no effect on gateways; for them, and for istiod, limit the namespaces that are watched with `discoverySelectors` in the MeshConfig, and set `exportTo` on resources.",
                    "把从这个 namespace 调用到的 namespace 都加上（`\"shop/*\"`）：没列出的，对这些代理来说就是未知主机。它对网关不起作用；网关和 istiod 要靠 MeshConfig 里的 `discoverySelectors` 限制监听的 namespace，并给资源设置 `exportTo`。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} | wc -l"),
                Command("kubectl top pod {pod} -n {namespace} --containers"),
                Note(
                    "The number falls at once, the memory after a restart of the pod; requests to the other namespaces still succeed.",
                    "cluster 数量立刻下降，内存要在 Pod 重启后才降下来；到其他 namespace 的请求仍然成功。",
                ),
            ],
        },
        Fix {
            id: "higher-limit",
            applicability: Review,
            steps: &[
                Patch(PatchKind::Fragment, PROXY_MEMORY),
                Note(
                    "The pods are replaced. For a gateway set `resources` in the values of its chart. The request should be near what is really used, so that the scheduler reckons with it.",
                    "Pod 会滚动重建。网关则在它的 chart values 里设置 `resources`。request 要接近实际用量，调度器才会把它算进去。",
                ),
            ],
            verify: &[
                Command("kubectl top pod {pod} -n {namespace} --containers"),
                Note(
                    "Name the new pod: memory stays below the limit, and the restarts at 0, for a day of normal traffic.",
                    "换成新 Pod 名：正常流量跑一天，内存低于上限，重启次数保持为 0。",
                ),
            ],
        },
        Fix {
            id: "growth",
            applicability: Manual,
            steps: &[
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- pilot-agent request GET stats | grep -E 'server.(total_connections|memory_allocated|concurrency)'"),
                Note(
                    "If memory rises with the connections, limit and shorten them (`connectionPool` in a DestinationRule). If it rises with nothing: take out custom Wasm and Lua extensions one by one, undo labels and tags of many values in Telemetry, set `concurrency` where the container has no CPU limit, and upgrade to the latest patch release before you report a leak.",
                    "如果内存随连接数上涨，就限制连接数、缩短空闲时间（DestinationRule 的 `connectionPool`）。如果什么都没变还在涨：逐个去掉自定义的 Wasm 和 Lua 扩展，撤掉 Telemetry 里取值很多的标签，没有 CPU limit 的容器设置 `concurrency`；报告泄漏之前先升级到最新补丁版本。",
                ),
            ],
            verify: &[
                Command("kubectl top pod {pod} -n {namespace} --containers"),
                Note("After a day of normal traffic the value no longer grows.", "正常流量跑一天，数值不再上涨。"),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/deployment/performance-and-scalability/#cpu-and-memory",
        "https://istio.io/latest/docs/ops/configuration/mesh/configuration-scoping/",
        "https://istio.io/latest/docs/reference/config/networking/sidecar/",
        "https://kubernetes.io/docs/tasks/configure-pod-container/assign-memory-resource/",
        "https://github.com/istio/istio/issues/24196",
        "https://github.com/istio/istio/issues/19925",
    ],
}
