//! Envoy ran out of file descriptors.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW7008",
    slug: "file-descriptors-exhausted",
    since: "0.1.0",
    error: None,
    conditions: &[(Certain, Event(event::Event::FileDescriptorsExhausted))],
    confirm: &[Confirm {
        id: "descriptors",
        steps: &[
            Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- sh -c 'for p in /proc/[0-9]*; do grep -q envoy $p/comm && grep \"open files\" $p/limits && ls $p/fd | wc -l; done'"),
            Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- cat /proc/net/sockstat"),
            Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- pilot-agent request GET stats | grep server.total_connections"),
            Note(
                "The number of open descriptors near the soft limit (first number behind `Max open files`) confirms it. A limit of 1024 is far too low; a million and still full means a leak or very many connections. Each request that is forwarded takes two: client and upstream. The distroless proxy image has no shell: use `kubectl debug`.",
                "已打开的描述符数接近软限制（`Max open files` 后的第一个数字），即可确认。上限只有 1024，太低了；上百万还能用完，说明有泄漏或连接极多。转发一个请求要占两个：客户端一个，上游一个。distroless 版代理镜像没有 shell，用 `kubectl debug`。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "runtime-limit",
            applicability: Manual,
            steps: &[Note(
                "Kubernetes has no field for it: containers get the limit of the container runtime. On the nodes, `systemctl show containerd -p LimitNOFILE` (or `crio`, `docker`) shows it; raise it with a drop-in file (`[Service]`, `LimitNOFILE=1048576`), run `systemctl daemon-reload`, restart the runtime and create the pods anew. On a virtual machine the same goes for the unit `istio`. `/etc/security/limits.conf` does not count for services.",
                "Kubernetes 没有这个字段，容器沿用容器运行时的上限。在节点上用 `systemctl show containerd -p LimitNOFILE`（或 `crio`、`docker`）查看；写一个 drop-in 文件调大（`[Service]` 下 `LimitNOFILE=1048576`），执行 `systemctl daemon-reload`，重启运行时，再重建 Pod。虚拟机上则是 `istio` 这个 unit。`/etc/security/limits.conf` 对系统服务不起作用。",
            )],
            verify: &[
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- sh -c 'grep \"open files\" /proc/1/limits'"),
                Note("Name the new pod: it shows the new limit.", "换成新 Pod 名：显示新的上限。"),
            ],
        },
        Fix {
            id: "fewer-connections",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# DestinationRule of the host with the many connections
spec:
  trafficPolicy:
    connectionPool:
      tcp:
        maxConnections: 1000
      http:
        idleTimeout: 60s
",
                ),
                Note(
                    "Choose numbers above the normal load: what exceeds them is refused (`circuit-breaker-overflow`). Take `maxRequestsPerConnection: 1` out, let clients keep connections alive, and spread a gateway over more replicas.",
                    "数值要高于正常负载：超出的会被拒绝（`circuit-breaker-overflow`）。去掉 `maxRequestsPerConnection: 1`，让客户端保持长连接，网关增加副本分摊。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- cat /proc/net/sockstat"),
                Note("`inuse` of TCP stays well below the limit at the usual peak.", "平常的高峰期，TCP 的 `inuse` 明显低于上限。"),
            ],
        },
        Fix {
            id: "client-limit",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r#"# Deployment of the gateway: refuse connections before descriptors run out
spec:
  template:
    metadata:
      annotations:
        proxy.istio.io/config: |
          proxyMetadata:
            ISTIO_META_GLOBAL_DOWNSTREAM_MAX_CONNECTIONS: "20000"
"#,
                ),
                Note(
                    "Istio 1.29 and later. At most half of the descriptor limit. The pods are replaced.",
                    "适用于 Istio 1.29 及以后。取值不要超过描述符上限的一半。Pod 会滚动重建。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config bootstrap {pod}.{namespace} -o json | grep -iE 'max_?active_?downstream_?connections'"),
                Note(
                    "Name the new pod: the value is shown, and the log has no new `Too many open files`.",
                    "换成新 Pod 名：能看到该值，日志里不再有新的 `Too many open files`。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/common-problems/network-issues/#envoy-is-crashing-under-load",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/operations/overload_manager/overload_manager",
        "https://github.com/envoyproxy/envoy/issues/980",
        "https://github.com/envoyproxy/envoy/issues/18038",
        "Envoy source/common/network/socket_interface_impl.cc, 1.40",
    ],
}
