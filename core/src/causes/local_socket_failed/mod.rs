//! 503 UF: this proxy could not even open its own end of the connection.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW3006",
    slug: "local-socket-failed",
    since: "0.1.0",
    error: Some(ProxyInternalError),
    conditions: &[
        (
            Certain,
            Any(&[
                UpstreamTransport(TransportKind::BindFailure),
                UpstreamTransport(TransportKind::CannotAssignAddress),
                UpstreamTransport(TransportKind::InvalidArgument),
                UpstreamTransport(TransportKind::NoSuchFile),
                UpstreamTransport(TransportKind::OperationNotPermitted),
                UpstreamTransport(TransportKind::PermissionDenied),
                UpstreamTransport(TransportKind::SocketCreationFailure),
                UpstreamTransport(TransportKind::TooManyOpenFiles),
            ]),
        ),
        (Likely, All(&[ResetBefore(Reset::LocalConnectionFailure), Absent(Field::UpstreamTransportFailure)])),
    ],
    confirm: &[
        Confirm {
            id: "sockets",
            steps: &[
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- cat /proc/net/sockstat"),
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- cat /proc/sys/net/ipv4/ip_local_port_range"),
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- sh -c 'grep -i files /proc/1/limits; for p in /proc/[0-9]*; do echo $p $(ls $p/fd | wc -l); done'"),
                Note(
                    "`tw` near the size of the port range: source ports are used up. Open descriptors near the limit: too many files. The distroless proxy image has no shell: use `kubectl debug`.",
                    "`tw` 接近端口范围的大小：源端口用光了。已打开的描述符接近上限：文件过多。distroless 版代理镜像没有 shell，用 `kubectl debug`。",
                ),
            ],
        },
        Confirm {
            id: "cluster",
            steps: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} -o json | grep -E -A6 'upstreamBindConfig|\"pipe\"'"),
                Note(
                    "Shows whether clusters bind to a source address of their own or lead to a Unix socket, and which.",
                    "看有没有 cluster 绑定了自己的源地址，或者指向 Unix socket，以及具体是哪个。",
                ),
            ],
        },
        Confirm {
            id: "ambient",
            steps: &[
                Command("kubectl -n {namespace} logs {pod} --since=10m | grep connect_originate"),
                Note(
                    "For `Invalid argument` at a waypoint or gateway: the line with the cluster `connect_originate` at the same time and for the same address has the true reason.",
                    "waypoint 或网关上的 `Invalid argument`：同一时间、同一地址、cluster 为 `connect_originate` 的那一行才是真正的原因。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "port-range",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r#"# Deployment of the pod whose proxy ran out of source ports
spec:
  template:
    spec:
      securityContext:
        sysctls:
          - name: net.ipv4.ip_local_port_range
            value: "10240 65535"
"#,
                ),
                Note(
                    "It only helps for a while if every request opens a connection: remove `maxRequestsPerConnection: 1` from DestinationRules, and let client and server keep connections alive.",
                    "如果每个请求都新建连接，这只能撑一阵：去掉 DestinationRule 里的 `maxRequestsPerConnection: 1`，并让客户端和服务端保持长连接。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=10m | grep -c Cannot_assign_requested_address"),
                Note("It prints 0 at the usual load.", "在平常的负载下输出 0。"),
            ],
        },
        Fix {
            id: "socket-path",
            applicability: Review,
            steps: &[
                Note(
                    "Mount the directory of the socket into the proxy's container, for example of the SPIRE agent, and let its mode allow the proxy's user (1337).",
                    "把 socket 所在目录（例如 SPIRE agent 的）挂载进代理容器，并让权限允许代理用户（1337）访问。",
                ),
                Patch(
                    PatchKind::Fragment,
                    r#"# Deployment
spec:
  template:
    metadata:
      annotations:
        sidecar.istio.io/userVolume: '{"agent-socket":{"hostPath":{"path":"/run/agent"}}}'
        sidecar.istio.io/userVolumeMount: '{"agent-socket":{"mountPath":"/run/agent","readOnly":true}}'
"#,
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=5m | grep -cE 'No_such_file|Permission_denied'"),
                Note(
                    "Name the new pod: it prints 0 while requests are sent.",
                    "换成新 Pod 名：发请求期间输出 0。",
                ),
            ],
        },
        Fix {
            id: "proxy-rights",
            applicability: Manual,
            steps: &[Note(
                "`failed to bind`: delete `upstream_bind_config` from the EnvoyFilter, or name an address that the pod has; `interceptionMode: TPROXY` needs the capability NET_ADMIN. `Operation not permitted`: an iptables rule or a seccomp profile on the node refuses. `Too many open files`: raise the limit of the container runtime, or spread the connections over more replicas.",
                "`failed to bind`：从 EnvoyFilter 里删掉 `upstream_bind_config`，或改成 Pod 真正拥有的地址；`interceptionMode: TPROXY` 需要 NET_ADMIN 权限。`Operation not permitted`：节点上的 iptables 规则或 seccomp 配置在拒绝。`Too many open files`：调大容器运行时的限制，或者增加副本分摊连接。",
            )],
            verify: &[Note(
                "The same request succeeds, and the log has no new line with that reason.",
                "同一个请求成功，日志里不再有该原因的新行。",
            )],
        },
    ],
    sources: &[
        "https://github.com/istio/istio/issues/52886",
        "https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/",
        "https://istio.io/latest/docs/reference/config/annotations/",
        "Envoy source/common/network/connection_impl.cc, 1.40",
    ],
}
