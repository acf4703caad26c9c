//! 404 NR: no virtual host of the route table covers the request's Host.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW2002",
    slug: "no-virtual-host",
    since: "0.1.0",
    error: Some(DestinationNotFound),
    refines: no_route,
    conditions: &[(Certain, All(&[Details(Word::RouteNotFound), Absent(Field::VirtualHost)]))],
    confirm: &[Confirm {
        id: "domains",
        steps: &[
            Command(r#"istioctl proxy-config routes {pod}.{namespace} -o json | grep -F '"{host}"'"#),
            Note(
                "No output: no virtual host of this proxy has the name among its domains (unless a wildcard such as `*.example.com` covers it).",
                "没有输出：这个代理的所有 virtual host 的 domains 里都没有这个名字（除非有 `*.example.com` 这样的通配域名覆盖它）。",
            ),
            Command("istioctl analyze --all-namespaces"),
            Note(
                "IST0132 names a VirtualService host that its Gateway does not offer.",
                "IST0132 会指出 VirtualService 里有、但它所绑定的 Gateway 没有开放的 host。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "gateway-host",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# VirtualService that serves the host
spec:
  hosts:
    - {host}
  gateways:
    - istio-system/public-gateway
",
                ),
                Patch(
                    PatchKind::Fragment,
                    r"# Gateway: the server of that port must offer the host as well
spec:
  servers:
    - port:
        number: 80
        name: http
        protocol: HTTP
      hosts:
        - {host}
",
                ),
                Note(
                    "Write `namespace/name` of the Gateway that the clients reach. With the Gateway API the same goes for `hostnames` of the HTTPRoute and `hostname` of the listener.",
                    "`gateways` 写客户端实际经过的那个 Gateway 的“命名空间/名称”。用 Gateway API 时，对应的是 HTTPRoute 的 `hostnames` 和 listener 的 `hostname`。",
                ),
            ],
            verify: &[
                Command(r#"istioctl proxy-config routes {pod}.{namespace} -o json | grep -F '"{host}"'"#),
                Note(
                    "The host is listed among the domains, and the same request no longer gets 404 with the flag NR.",
                    "domains 里出现了该 host，且同一个请求不再得到 404 加 NR。",
                ),
            ],
        },
        Fix {
            id: "service-name",
            applicability: Manual,
            steps: &[Note(
                "Let the client call the Service by its DNS name, so that the Host header is one that Istio knows. If it must call pod IPs of a headless Service, send the Service name as Host, or declare the port as TCP (name `tcp-…`), which gives up HTTP features there.",
                "让客户端用 Service 的 DNS 名访问，这样 Host 才是 Istio 认识的。如果必须直接访问 headless Service 的 Pod IP，就把 Host 设成 Service 名，或者把端口声明为 TCP（端口名用 `tcp-…`），代价是这个端口没有 HTTP 能力。",
            )],
            verify: &[Note(
                "The access log of the next request shows the Service name as authority and an upstream cluster, and the application answers.",
                "之后的请求在访问日志里 authority 是 Service 名，upstream_cluster 有值，并且由应用返回。",
            )],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/configuration/traffic-management/traffic-routing/",
        "https://istio.io/latest/docs/reference/config/networking/gateway/",
        "https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes",
        "Envoy source/common/router/config_impl.cc, 1.40",
    ],
}
