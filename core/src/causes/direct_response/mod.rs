//! direct_response: the route itself is configured to answer with an error.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW2005",
    slug: "direct-response",
    since: "0.1.0",
    error: None,
    conditions: &[
        (Certain, All(&[Details(Word::DirectResponse), StatusAtLeast(400), Not(&Route(RouteName::BlockAll))])),
        // A header tells no status.
        (
            Likely,
            All(&[
                Details(Word::DirectResponse),
                Not(&Any(&[StatusClass(2), StatusClass(3)])),
                Not(&Route(RouteName::BlockAll)),
            ]),
        ),
    ],
    confirm: &[
        Confirm {
            id: "routes",
            steps: &[
                Command("istioctl proxy-config routes {pod}.{namespace} -o json | grep -B12 -A4 '\"directResponse\"'"),
                Note(
                    "The block above `directResponse` has the route's match and name; its metadata names the VirtualService or HTTPRoute that it was made from.",
                    "`directResponse` 上面那一段就是这条路由的匹配条件和名字，metadata 里写着它来自哪个 VirtualService 或 HTTPRoute。",
                ),
            ],
        },
        Confirm {
            id: "resources",
            steps: &[
                Command("kubectl get virtualservices -A -o yaml | grep -nE 'name:|directResponse:|status: [45]'"),
                Command("kubectl get httproutes -A -o custom-columns='NAMESPACE:.metadata.namespace,NAME:.metadata.name,BACKENDS:.spec.rules[*].backendRefs[*].name,REASON:.status.parents[*].conditions[*].reason'"),
                Note(
                    "An HTTPRoute whose rule has no backend, or only backends of weight 0, answers 500 as the Gateway API demands.",
                    "HTTPRoute 的规则没有 backend，或者 backend 权重全为 0，会按 Gateway API 的要求返回 500。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "route-rule",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# VirtualService: rules are tried in order, the answer comes last and covers only what it should
spec:
  http:
    - match:
        - uri:
            prefix: /api/
      route:
        - destination:
            host: {host}
    - match:
        - uri:
            prefix: /maintenance
      directResponse:
        status: 503
        body:
          string: down for maintenance
",
                ),
                Note(
                    "Delete the rule if its time is over; else narrow its `match` or move it behind the rules that must win.",
                    "这条规则已经过时就删掉；否则收窄它的 `match`，或者把它挪到应当优先的规则后面。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config routes {pod}.{namespace}"),
                Note(
                    "The request's path is listed with a cluster, and the same request is answered by the application.",
                    "该请求的 path 对应到一个 cluster，且同一个请求由应用返回。",
                ),
            ],
        },
        Fix {
            id: "backend",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                r"# HTTPRoute
spec:
  rules:
    - backendRefs:
        - name: {service}
          port: {port}
",
            )],
            verify: &[
                Command("kubectl get httproutes -A -o custom-columns='NAMESPACE:.metadata.namespace,NAME:.metadata.name,REASON:.status.parents[*].conditions[*].reason'"),
                Note(
                    "The reasons are `Accepted` and `ResolvedRefs`, and the same request is answered by the application.",
                    "REASON 是 `Accepted` 和 `ResolvedRefs`，且同一个请求由应用返回。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPDirectResponse",
        "https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/response_code_details",
        "Envoy source/common/router/router.cc, 1.40",
    ],
}
