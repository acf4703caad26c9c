//! 503 UF: the connection to the upstream was not ready before the connect timeout.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW3003",
    slug: "upstream-connection-timeout",
    since: "0.1.0",
    error: Some(ConnectionTimeout),
    conditions: &[
        (Certain, Any(&[ResetBefore(Reset::ConnectionTimeout), UpstreamTransport(TransportKind::ConnectionTimedOut)])),
        (
            Likely,
            All(&[
                Flag(ResponseFlag::UF),
                Absent(Field::Details),
                Absent(Field::UpstreamTransportFailure),
                Any(&[Not(&DurationBelow(1000)), All(&[Status(0), Not(&DurationBelow(100))])]),
                Present(Field::UpstreamHost),
            ]),
        ),
        (Likely, All(&[Closed(CloseReason::ConnectFailed), Absent(Field::UpstreamTransportFailure)])),
    ],
    suspected: &[
        Suspicion {
            when: All(&[Any(&[Flag(ResponseFlag::UF), ResetBefore(Reset::RemoteConnectionFailure), ResetBefore(Reset::ConnectionFailure)]), Absent(Field::UpstreamTransportFailure)]),
            decide_by: "the failed requests took as long as `connectTimeout`",
            decide_by_zh: "失败请求的耗时等于 `connectTimeout`",
        },
    ],
    confirm: &[Confirm {
        id: "reach",
        steps: &[
            Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- curl -sv --max-time 5 telnet://{upstream_address}"),
            Note(
                "It reports a connection at once: TCP works, so the TLS handshake (or a moment of overload) is to blame. `Trying` and then a timeout: packets are dropped on the way. The distroless proxy image has no `curl`.",
                "立刻显示已连接：TCP 是通的，问题在 TLS 握手（或者当时瞬间过载）。只有 `Trying`、随后超时：包在路上被丢了。distroless 版代理镜像里没有 `curl`。",
            ),
            Command("kubectl -n {service_namespace} get pods -o wide"),
            Command("kubectl get nodes"),
            Command("kubectl -n {service_namespace} get networkpolicies"),
            Note(
                "The address must belong to a pod that exists, on a node that is Ready, and no NetworkPolicy may shut the client out.",
                "这个地址要对应一个仍然存在的 Pod，所在节点是 Ready，并且没有 NetworkPolicy 把客户端挡在外面。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "network-policy",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# the NetworkPolicy that selects the server's pods: one more entry
spec:
  ingress:
    - from:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: {namespace}
",
                ),
                Note(
                    "Without `ports` all ports are allowed; if you list them, list the pod's ports (targetPort), and 15008 for ambient. Check egress policies of the client's namespace, and security groups or firewalls between the nodes, as well.",
                    "不写 `ports` 就是放行所有端口；要写的话，写 Pod 的端口（targetPort），Ambient 还要加 15008。客户端命名空间的 egress 策略、节点之间的安全组和防火墙也要查。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- curl -sv --max-time 5 telnet://{upstream_address}"),
                Note(
                    "It reports a connection at once, and the same request succeeds.",
                    "立刻显示已连接，且同一个请求成功。",
                ),
            ],
        },
        Fix {
            id: "dead-endpoint",
            applicability: Manual,
            steps: &[Note(
                "Take the address out of use: delete the pod on the dead node, drain that node, or correct the address in the WorkloadEntry, ServiceEntry or Endpoints that is maintained by hand. An application whose accept queue is full needs more replicas or a longer backlog.",
                "让这个地址不再被使用：删掉故障节点上的 Pod 或 drain 该节点；手工维护的 WorkloadEntry、ServiceEntry、Endpoints 则改正里面的地址。应用的 accept 队列满了，就加副本或调大 backlog。",
            )],
            verify: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace} --cluster '{cluster}'"),
                Note(
                    "Only addresses of living pods are listed, and the same request succeeds every time.",
                    "列表里只剩存活 Pod 的地址，同一个请求每次都成功。",
                ),
            ],
        },
        Fix {
            id: "plaintext-upstream",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# DestinationRule: this port of the server does not speak TLS
spec:
  trafficPolicy:
    portLevelSettings:
      - port:
          number: {port}
        tls:
          mode: DISABLE
",
                ),
                Note(
                    "Only where the server has no sidecar and takes plaintext; the traffic is then not encrypted. Often it is enough to remove a DestinationRule that forces ISTIO_MUTUAL: automatic mTLS decides per endpoint.",
                    "仅用于没有 sidecar、只接受明文的服务端；此后这段流量不加密。很多时候删掉强制 ISTIO_MUTUAL 的 DestinationRule 就够了：auto mTLS 会按 endpoint 自行决定。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --port {port} -o json | grep -E '\"(name|tlsMode|sni)\"'"),
                Note(
                    "The cluster of the host is listed without `sni`, and the same request succeeds far below the connect timeout.",
                    "列出的该 host 的 cluster 不再带 `sni`，且同一个请求远早于 connect timeout 就成功。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/destination-rule/#ConnectionPoolSettings-TCPSettings",
        "https://istio.io/latest/docs/ops/configuration/traffic-management/tls-configuration/",
        "https://kubernetes.io/docs/concepts/services-networking/network-policies/",
        "Envoy source/common/conn_pool/conn_pool_base.cc, 1.40",
    ],
}
