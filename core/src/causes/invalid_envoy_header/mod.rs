//! 400 IH: an x-envoy-… request header that is checked strictly has a bad value.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW1008",
    slug: "invalid-envoy-header",
    since: "0.1.0",
    error: Some(HttpRequestError),
    conditions: &[
        (Certain, Family(details::Family::StrictCheck)),
        (Likely, All(&[Flag(ResponseFlag::IH), Absent(Field::Details)])),
    ],
    confirm: &[Confirm {
        id: "checked-headers",
        steps: &[
            Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -A8 strictCheckHeaders"),
            Note(
                "The list names the headers that are checked. The one in braces in the details is the one that failed; look at its value in the client's request.",
                "列表里是会被严格检查的请求头。details 花括号里的就是没通过的那个，去看客户端请求里它的值。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "header-value",
            applicability: Manual,
            steps: &[Note(
                "`x-envoy-upstream-rq-timeout-ms`, `x-envoy-upstream-rq-per-try-timeout-ms` and `x-envoy-max-retries` take a whole number without a unit; `x-envoy-retry-on` and `x-envoy-retry-grpc-on` take a comma-separated list of the words in Envoy's documentation. A client that has no wish leaves the header out.",
                "`x-envoy-upstream-rq-timeout-ms`、`x-envoy-upstream-rq-per-try-timeout-ms`、`x-envoy-max-retries` 只接受不带单位的整数；`x-envoy-retry-on`、`x-envoy-retry-grpc-on` 接受 Envoy 文档里的词，用逗号分隔。没有特殊要求就不要带这些请求头。",
            )],
            verify: &[Note(
                "The same request with the corrected value is answered by the application.",
                "改正取值后，同一个请求由应用返回。",
            )],
        },
        Fix {
            id: "ignore-header",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# VirtualService of the hop before: it takes the header away
spec:
  http:
    - headers:
        request:
          remove:
            - x-envoy-upstream-rq-timeout-ms
      route:
        - destination:
            host: {host}
",
                ),
                Note(
                    "Or delete `strict_check_headers` from the EnvoyFilter that set it: without it a bad value is ignored, as it is by default.",
                    "或者从设置它的 EnvoyFilter 里删掉 `strict_check_headers`：默认行为就是忽略错误的取值。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=5m | grep failed_strict_check"),
                Note(
                    "Run it while the client sends requests: it prints nothing.",
                    "客户端发请求期间执行：没有输出。",
                ),
            ],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/router/v3/router.proto",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter",
        "Envoy source/common/router/router.cc, 1.40",
    ],
}
