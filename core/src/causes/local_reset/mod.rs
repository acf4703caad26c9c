//! 503 LR: this proxy itself gave up the stream to the upstream.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW5009",
    slug: "local-reset",
    since: "0.1.0",
    error: Some(ProxyInternalError),
    conditions: &[
        (
            Certain,
            Any(&[
                ResetBefore(Reset::LocalReset),
                ResetAfter(Reset::LocalReset),
                ResetBefore(Reset::LocalRefusedStreamReset),
                ResetAfter(Reset::LocalRefusedStreamReset),
                ResetBefore(Reset::Http1PrematureUpstreamHalfClose),
                ResetAfter(Reset::Http1PrematureUpstreamHalfClose),
                Details(Word::LocalReset),
            ]),
        ),
        (Likely, All(&[Flag(ResponseFlag::LR), Absent(Field::Details)])),
    ],
    confirm: &[
        Confirm {
            id: "codec-log",
            steps: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=15m | grep -E 'local_reset|premature_upstream_half_close|codec_error'"),
                Note(
                    "`|codec_error` in the details: the bytes of the upstream did not pass this proxy's HTTP codec. `premature_upstream_half_close`: the upstream closed its direction before the request was complete. To see the rule that was broken run `istioctl proxy-config log POD --level http2:debug,client:debug` and repeat the request.",
                    "details 里有 `|codec_error`：上游的字节没能通过本代理的 HTTP codec。`premature_upstream_half_close`：请求还没发完，上游就关闭了自己的方向。想看具体违反了哪条规则，执行 `istioctl proxy-config log POD --level http2:debug,client:debug` 后重发请求。",
                ),
            ],
        },
        Confirm {
            id: "filters",
            steps: &[
                Command("kubectl get envoyfilters,wasmplugins -A"),
                Note(
                    "A filter or module that ends streams itself leaves the same trace. Note which of these select this proxy.",
                    "自己会结束 stream 的过滤器或模块也会留下同样的痕迹。看其中哪些选中了本代理。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "upstream-bytes",
            applicability: Manual,
            steps: &[
                Command("kubectl port-forward -n {service_namespace} service/{service} {port}:{port}"),
                Command("curl -v --http2-prior-knowledge http://127.0.0.1:{port}/"),
                Note(
                    "Run the second command in another terminal with the failing path, for a server of HTTP/1.1 with `--http1.1`: it asks the application without a proxy. Correct what curl complains about: header names or values with forbidden characters, a response before the request was read whose connection is then closed, contradictory lengths.",
                    "第二条命令在另一个终端里执行，路径换成出错的路径；服务端是 HTTP/1.1 时用 `--http1.1`。这样绕过代理直接访问应用。curl 报什么就改什么：响应头名或值有非法字符、请求没读完就返回并断开、长度互相矛盾。",
                ),
            ],
            verify: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=5m | grep -cE 'local_reset|premature_upstream_half_close'"),
                Note(
                    "After the failing request was sent again several times: 0, and it is answered completely.",
                    "失败的请求再发几次之后：输出 0，响应完整返回。",
                ),
            ],
        },
        Fix {
            id: "without-filter",
            applicability: Review,
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -nE '\"name\": \"(envoy|istio|extenstions|extensions)\\.'"),
                Note(
                    "In a test environment take the EnvoyFilter, WasmPlugin or TrafficExtension in question away and repeat the request. If it succeeds then, the filter is at fault: correct or upgrade it.",
                    "在测试环境里去掉可疑的 EnvoyFilter、WasmPlugin 或 TrafficExtension，再发一次请求。如果成功了，就是这个过滤器的问题：修正或升级它。",
                ),
            ],
            verify: &[Note(
                "With the corrected filter in place the request is answered without LR.",
                "换上修正后的过滤器，请求能正常返回，没有 LR。",
            )],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage#response-flags",
        "Envoy source/common/router/upstream_codec_filter.cc, 1.40",
        "Envoy source/common/http/utility.cc, 1.40",
    ],
}
