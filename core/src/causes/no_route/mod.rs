//! 404 NR: no route of the route table matches the request.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW2001",
    slug: "no-route",
    since: "0.1.0",
    error: Some(DestinationNotFound),
    conditions: &[
        (
            Certain,
            Any(&[
                Details(Word::RouteNotFound),
                Details(Word::RouteConfigurationNotFound),
                Details(Word::CacheNoRoute),
                Closed(CloseReason::NoRoute),
            ]),
        ),
        (Likely, All(&[Flag(ResponseFlag::NR), Not(&Any(&[Status(0), Status(503)])), Absent(Field::Details)])),
    ],
    suspected: &[
        Suspicion {
            when: All(&[Status(404), Absent(Field::Details), Absent(Field::Flags), Absent(Field::UpstreamHost)]),
            decide_by: "the access log has `NR route_not_found`",
            decide_by_zh: "access log 里是 `NR route_not_found`",
        },
    ],
    confirm: &[Confirm {
        id: "routes",
        steps: &[
            Command("istioctl proxy-config routes {pod}.{namespace}"),
            Note(
                "Find the row whose DOMAINS cover the Host header and compare MATCH with the path. Conditions on headers, query parameters and methods are only in the output with `-o json`. A virtual host `blackhole:PORT` means a Gateway without any VirtualService.",
                "找到 DOMAINS 覆盖该 Host 的那一行，拿 MATCH 和请求的 path 对比。请求头、query 参数、method 的匹配条件只有加 `-o json` 才看得到。出现 `blackhole:端口` 这个 virtual host，说明 Gateway 没有绑定任何 VirtualService。",
            ),
            Command("istioctl analyze --all-namespaces"),
        ],
    }],
    fixes: &[
        Fix {
            id: "match",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# VirtualService: `exact` and `regex` must match the whole path, `prefix` its beginning
spec:
  http:
    - match:
        - uri:
            prefix: /devices/
      route:
        - destination:
            host: devices.iot.svc.cluster.local
            port:
              number: 8080
",
                ),
                Note(
                    "Check the rest of the match, too: `port` is the port that the client calls, names of query parameters are case-sensitive, and a rule whose delegate VirtualService does not exist is dropped without a word.",
                    "其余匹配条件也要查：`port` 是客户端访问的端口，query 参数名区分大小写，delegate 指向的 VirtualService 不存在时，整条规则会被悄悄丢掉。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config routes {pod}.{namespace}"),
                Note(
                    "The changed MATCH is listed, and the same request no longer gets 404 with the flag NR.",
                    "列表里出现改后的 MATCH，且同一个请求不再得到 404 加 NR。",
                ),
            ],
        },
        Fix {
            id: "last-route",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# VirtualService: as the last entry of the list
spec:
  http:
    - name: everything-else
      route:
        - destination:
            host: shop.default.svc.cluster.local
            port:
              number: 8080
",
                ),
                Note(
                    "Rules are tried in order and the first match wins: a rule without `match` must come last.",
                    "规则按顺序匹配、先中先得，没有 `match` 的规则必须放在最后。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config routes {pod}.{namespace}"),
                Note(
                    "The virtual host has a row with MATCH `/*`, and the same request is answered by the application.",
                    "该 virtual host 下有一行 MATCH 为 `/*`，且同一个请求由应用返回。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/common-problems/network-issues/#requests-are-rejected-by-envoy",
        "https://istio.io/latest/docs/reference/config/networking/virtual-service/",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/response_code_details",
        "Envoy source/common/router/router.cc, 1.40",
    ],
}
