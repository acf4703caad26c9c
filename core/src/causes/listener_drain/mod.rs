//! 0 DC filter_chain_is_being_removed: the proxy replaced a listener and cut the connections that were left.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW7002",
    slug: "listener-drain",
    since: "0.1.0",
    error: Some(ConnectionTerminated),
    conditions: &[
        (
            Certain,
            Any(&[Closed(CloseReason::Drain), Details(Word::ForcedGoaway), Details(Word::DeferredCloseOnDrainedConnection)]),
        ),
    ],
    confirm: &[
        Confirm {
            id: "updates",
            steps: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=1h | grep -E 'filter_chain_is_being_removed|tcp_proxy_drain_close|deferred_close_on_drained_connection'"),
                Command("kubectl exec {pod} -n {namespace} -c istio-proxy -- pilot-agent request GET stats | grep -E 'listener_manager\\.(listener_modified|listener_in_place_updated|listener_removed|total_filter_chains_draining|total_listeners_draining|lds\\.update_time)'"),
                Note(
                    "Lines that come in bursts, one drain time (45 s in Istio by default) after `lds.update_time`, while the counters of updates grow: it was a change of configuration.",
                    "日志成批出现，时间正好在 `lds.update_time` 之后一个排空时长（Istio 默认 45 s），同时更新次数在增长：就是配置变更导致的。",
                ),
            ],
        },
        Confirm {
            id: "change",
            steps: &[
                Command("kubectl get envoyfilters,peerauthentications,sidecars,telemetries,wasmplugins -A --sort-by=.metadata.creationTimestamp"),
                Note(
                    "Which of these was created or changed just before? `metadata.managedFields` of a resource has the time of its last change; the audit log or the GitOps history has who did it.",
                    "看哪个资源恰好在此之前创建或改动过？资源的 `metadata.managedFields` 里有最后修改时间；是谁改的要看审计日志或 GitOps 历史。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "longer-drain",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r#"# Deployment: how long this proxy lets old connections finish
spec:
  template:
    metadata:
      annotations:
        proxy.istio.io/config: |
          drainDuration: 300s
"#,
                ),
                Note(
                    "Longer than the longest request. The pods are replaced once. Old and new filter chains live side by side for that time and cost memory. For all proxies: `meshConfig.defaultConfig.drainDuration`.",
                    "要比最长的请求还长。Pod 会滚动重建一次。这段时间里新旧 filter chain 并存，会多占内存。要对所有代理生效，设置 `meshConfig.defaultConfig.drainDuration`。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=30m | grep -c filter_chain_is_being_removed"),
                Note(
                    "Name the new pod and change a listener on purpose, e.g. by an access-log setting of a Telemetry resource that you take back: it prints 0 while requests of usual length run.",
                    "换成新 Pod 名，再有意触发一次 listener 变更（例如临时改一下 Telemetry 里的访问日志设置再撤回）：在正常时长的请求运行期间输出为 0。",
                ),
            ],
        },
        Fix {
            id: "resumable-streams",
            applicability: Manual,
            steps: &[Note(
                "For connections that never end by themselves (WebSocket, server-sent events, gRPC streams, database connections) no drain time is long enough: let clients reconnect and resume, react to GOAWAY and `Connection: close`, and change listener-wide resources together and off peak rather than one after the other all day.",
                "对不会自行结束的连接（WebSocket、SSE、gRPC 流、数据库连接），多长的排空时间都不够：应让客户端能断线重连并续传，响应 GOAWAY 和 `Connection: close`；会影响整个 listener 的资源集中在低峰期一起改，而不是全天零散地改。",
            )],
            verify: &[Note(
                "Change a listener on purpose: the clients reconnect within seconds and users see no error.",
                "有意触发一次 listener 变更：客户端在数秒内重连，用户无感知。",
            )],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/operations/draining",
        "https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#ProxyConfig",
        "https://github.com/istio/istio/issues/34855",
        "Envoy source/common/listener_manager/active_stream_listener_base.cc, 1.40",
    ],
}
