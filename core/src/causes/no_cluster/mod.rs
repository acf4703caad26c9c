//! 503 NC: the route names a cluster that this proxy does not have.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW2003",
    slug: "no-cluster",
    since: "0.1.0",
    error: Some(ProxyConfigurationError),
    conditions: &[
        (
            Certain,
            Any(&[Details(Word::ClusterNotFound), Details(Word::CacheNoCluster), Details(Word::DynamicForwardProxyClusterIsGone)]),
        ),
        (Likely, All(&[Flag(ResponseFlag::NC), Absent(Field::Details)])),
        // Before Envoy 1.25 (Istio 1.17) a missing cluster had the flag of a missing route.
        (Likely, All(&[Flag(ResponseFlag::NR), Status(503), Absent(Field::Details)])),
    ],
    confirm: &[Confirm {
        id: "clusters",
        steps: &[
            Command(r#"istioctl proxy-config routes {pod}.{namespace} -o json | grep -oE '"outbound[|][^"]*"' | sort -u"#),
            Command("istioctl proxy-config clusters {pod}.{namespace} --direction outbound"),
            Note(
                "The first command prints the clusters that the routes name, `outbound|port|subset|host`. One of them is missing from the second list: the host, its port or its subset.",
                "第一条命令列出路由引用的 cluster，格式是 `outbound|端口|subset|host`。其中会有一个在第二条命令的列表里找不到：缺的是 host、端口或 subset。",
            ),
            Command("istioctl analyze --all-namespaces"),
            Note(
                "IST0101 names hosts and subsets that routes refer to and nothing defines.",
                "IST0101 会指出被路由引用、但没有任何地方定义的 host 和 subset。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "subset",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# DestinationRule of the same host: the subset that the route names
spec:
  subsets:
    - name: v2
      labels:
        version: v2
",
                ),
                Note(
                    "Make before break: apply the DestinationRule, wait until the proxies have it, then the VirtualService; take away in the reverse order. That avoids the short burst of 503 during a change.",
                    "先建后用：先下发 DestinationRule，等代理都拿到了，再下发 VirtualService；删除时顺序相反。这样变更过程中就不会出现一小波 503。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --direction outbound"),
                Note(
                    "The host has a row with the subset, and the same request no longer gets 503 with the flag NC.",
                    "该 host 下有了这个 subset 的一行，且同一个请求不再得到 503 加 NC。",
                ),
            ],
        },
        Fix {
            id: "destination",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# VirtualService: the full host name and a port that the Service has
spec:
  http:
    - route:
        - destination:
            host: notifier.messaging.svc.cluster.local
            port:
              number: 8900
",
                ),
                Note(
                    "`port.number` is a port of the Service, not its targetPort. A host outside the cluster needs a ServiceEntry.",
                    "`port.number` 写的是 Service 的端口，不是 targetPort。集群外的 host 需要有 ServiceEntry。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --direction outbound"),
                Note(
                    "The destination's host and port are in the list, and the same request no longer gets 503 with the flag NC.",
                    "列表里有目标 host 和端口，且同一个请求不再得到 503 加 NC。",
                ),
            ],
        },
        Fix {
            id: "visibility",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r#"# DestinationRule (or ServiceEntry) in another namespace than the client
spec:
  exportTo:
    - "*"
"#,
                ),
                Note(
                    "A Sidecar resource must list the destination in `egress.hosts`, too; a Service can be hidden by the annotation `networking.istio.io/exportTo`.",
                    "客户端命名空间里若有 Sidecar 资源，`egress.hosts` 也要包含该目标；Service 也可能被注解 `networking.istio.io/exportTo` 限制了可见范围。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --direction outbound"),
                Note(
                    "The destination is in the list, with the DestinationRule in the last column, and the same request succeeds.",
                    "列表里有该目标，最后一列显示了对应的 DestinationRule，且同一个请求成功。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/best-practices/traffic-management/#avoid-503-errors-while-reconfiguring-service-routes",
        "https://istio.io/latest/docs/reference/config/analysis/ist0101/",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage",
        "Envoy source/common/router/router.cc, 1.40",
    ],
}
