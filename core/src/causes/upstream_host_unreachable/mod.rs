//! 503 UF: the network says that the upstream address cannot be reached.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW3005",
    slug: "upstream-host-unreachable",
    since: "0.1.0",
    error: Some(DestinationUnavailable),
    conditions: &[
        (Certain, Any(&[UpstreamTransport(TransportKind::NoRouteToHost), UpstreamTransport(TransportKind::NetworkUnreachable)])),
        (
            Likely,
            All(&[
                Flag(ResponseFlag::UF),
                Absent(Field::Details),
                Absent(Field::UpstreamTransportFailure),
                UpstreamIpv6,
                Any(&[DurationBelow(100), All(&[DurationBelow(1000), Not(&Status(0))])]),
            ]),
        ),
    ],
    suspected: &[
        Suspicion {
            when: All(&[Any(&[Flag(ResponseFlag::UF), ResetBefore(Reset::RemoteConnectionFailure), ResetBefore(Reset::ConnectionFailure)]), Absent(Field::UpstreamTransportFailure)]),
            decide_by: "`upstream_transport_failure_reason` says `No route to host` or `Network is unreachable`",
            decide_by_zh: "`upstream_transport_failure_reason` 为 `No route to host` 或 `Network is unreachable`",
        },
    ],
    confirm: &[
        Confirm {
            id: "address",
            steps: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace} --cluster '{cluster}'"),
                Command("kubectl get pods -A -o wide"),
                Note(
                    "An endpoint whose address no running pod has is stale. An IPv6 address where pods only have IPv4 (or the reverse) is the wrong family.",
                    "endpoint 的地址不属于任何运行中的 Pod，就是过期的。Pod 只有 IPv4 而 endpoint 是 IPv6（或反过来），就是地址族不对。",
                ),
            ],
        },
        Confirm {
            id: "path",
            steps: &[
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- curl -sv --max-time 5 telnet://{upstream_address}"),
                Command("kubectl get networkpolicies -A"),
                Command("kubectl get nodes -o wide"),
                Note(
                    "`No route to host` at once although the pod exists: a firewall rejects (firewalld or iptables with REJECT on a node, a NetworkPolicy of a plugin that rejects instead of drops). The distroless proxy image has no `curl`: use `kubectl debug`.",
                    "Pod 明明在，却立刻得到 `No route to host`：是防火墙在拒绝（节点上的 firewalld 或 iptables REJECT，或者网络插件对 NetworkPolicy 采用拒绝而不是丢弃）。distroless 版代理镜像没有 `curl`，用 `kubectl debug`。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "firewall",
            applicability: Review,
            steps: &[
                Note(
                    "On each node, with root rights; firewalld undoes the rules of the network plugin at every reload, so most Kubernetes distributions ask for it to be off.",
                    "在每个节点上以 root 执行；firewalld 每次 reload 都会冲掉网络插件的规则，所以多数 Kubernetes 发行版都要求关掉它。",
                ),
                Command("systemctl disable --now firewalld"),
                Note(
                    "If it must stay, add the pod and Service networks to its trusted zone instead. If a NetworkPolicy rejects, allow the caller there.",
                    "必须保留的话，就把 Pod 和 Service 网段加进 trusted zone。如果是 NetworkPolicy 拒绝，就在里面放行调用方。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=5m | grep -E 'No_route_to_host|Network_is_unreachable'"),
                Note(
                    "Run it while requests are sent, with the access log on: it prints nothing.",
                    "发请求期间执行（需已开启访问日志）：没有输出。",
                ),
            ],
        },
        Fix {
            id: "address-family",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# Service of the upstream
spec:
  ipFamilyPolicy: SingleStack
  ipFamilies:
    - IPv4
",
                ),
                Note(
                    "The family of an existing Service cannot be exchanged, only a second one added or removed: create it anew if need be. For a host outside the mesh, list IPv4 addresses under `endpoints` of a ServiceEntry with `resolution: STATIC`, or in plain Envoy set `dns_lookup_family: V4_ONLY` on the cluster.",
                    "已有 Service 的主地址族不能直接更换，只能增删第二个，必要时重建。网格外的 host：在 ServiceEntry 里用 `resolution: STATIC` 并在 `endpoints` 下列出 IPv4 地址；原生 Envoy 则在 cluster 上设 `dns_lookup_family: V4_ONLY`。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace} --cluster '{cluster}'"),
                Note(
                    "Only addresses of the family that the pods have are listed, and the same request succeeds.",
                    "只剩下 Pod 所具有的地址族，且同一个请求成功。",
                ),
            ],
        },
        Fix {
            id: "stale-endpoint",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    r"apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: eject-dead-endpoints
  namespace: {service_namespace}
spec:
  host: {host}
  trafficPolicy:
    outlierDetection:
      consecutiveGatewayErrors: 3
      interval: 10s
      baseEjectionTime: 30s
      maxEjectionPercent: 50
",
                ),
                Note(
                    "It takes dead addresses out by itself. Addresses written by hand (WorkloadEntry, ServiceEntry endpoints) must be corrected where they stand. If a DestinationRule for the host exists, add the block to it.",
                    "它会自动摘掉不可用的地址。手写的地址（WorkloadEntry、ServiceEntry 的 endpoints）要在源头改。该 host 已有 DestinationRule 的话，把这一段加进去。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace} --cluster '{cluster}'"),
                Note(
                    "The dead address is gone or shows `FAILED` in the outlier column, and requests succeed.",
                    "失效地址已消失，或在 OUTLIER CHECK 一列显示 `FAILED`，且请求成功。",
                ),
            ],
        },
    ],
    sources: &[
        "https://github.com/istio/istio/issues/46431",
        "https://github.com/katanemo/plano/pull/89",
        "https://istio.io/latest/docs/reference/config/networking/destination-rule/#OutlierDetection",
        "https://kubernetes.io/docs/concepts/services-networking/dual-stack/",
        "Envoy source/common/network/connection_impl.cc, 1.40",
    ],
}
