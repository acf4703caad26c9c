//! 431 DPE: the request headers exceed the proxy's size limit.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW1002",
    slug: "headers-too-large",
    since: "0.1.0",
    error: Some(HttpRequestError),
    conditions: &[
        (
            Certain,
            Any(&[
                Details(Word::Http1HeadersTooLarge),
                Details(Word::Http2HeaderListSizeTooLarge),
                Details(Word::Http2CookiesTotalBytesTooLarge),
                Details(Word::Http3HeadersTooLarge),
                DownstreamCodec(CodecFault::HeadersTooLarge),
            ]),
        ),
        (Likely, All(&[Status(431), Absent(Field::Details)])),
    ],
    suspected: &[
        Suspicion {
            when: All(&[ResetBefore(Reset::ProtocolError), Not(&UpstreamCodec(CodecFault::Malformed))]),
            decide_by: "only requests with large headers fail, and the next proxy's log has `headers size exceeds limit` or `http2.header_list_size_too_large`: over HTTP/2 it resets the stream instead of answering 431",
            decide_by_zh: "只有请求头很大的请求失败，且下一跳代理的日志里有 `headers size exceeds limit` 或 `http2.header_list_size_too_large`：HTTP/2 下它会直接重置 stream，而不是回 431",
        },
    ],
    confirm: &[Confirm {
        id: "limit",
        steps: &[
            Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep maxRequestHeadersKb"),
            Note(
                "No output: the limit is Envoy's default of 60 KiB. Compare it with what the client sends: request line plus all header names and values; cookies and bearer tokens are the usual bulk.",
                "没有输出：用的是 Envoy 默认的 60 KiB。再跟客户端实际发送的大小比：请求行加上所有请求头的名和值，大头通常是 Cookie 和 Bearer Token。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "smaller-headers",
            applicability: Manual,
            steps: &[Note(
                "Remove what makes the headers grow: cookies that several applications set for one shared domain, session data in cookies, tokens with long group or role lists, headers that each hop appends to.",
                "去掉撑大请求头的内容：多个应用共用一个域名而累积的 Cookie、把会话数据存进 Cookie、带超长用户组或角色列表的 Token、每一跳都往后追加的请求头。",
            )],
            verify: &[Note(
                "The same request is answered with the application's own status instead of 431; for a browser, after the old cookies are deleted.",
                "同一个请求得到应用自己的状态码，不再是 431；如果是浏览器，先清掉旧 Cookie 再试。",
            )],
        },
        Fix {
            id: "raise-limit",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    http_connection_manager!("request-header-size", "max_request_headers_kb: 96"),
                ),
                Note(
                    "Without `workloadSelector` it changes every proxy of the namespace; in the root namespace the whole mesh. Changing a listener drains its connections. Ambient waypoints need `targetRefs`.",
                    "不写 `workloadSelector` 会影响该命名空间的所有代理，放在根命名空间则影响整个网格。listener 变更会使其上的已有连接进入排空。Ambient 的 waypoint 需要用 `targetRefs`。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep maxRequestHeadersKb"),
                Note(
                    "It prints 96 once per HTTP connection manager, and the same request is answered with the application's own status.",
                    "每个 HTTP connection manager 打印一行 96，且同一个请求得到应用自己的状态码。",
                ),
            ],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/response_code_details",
        "Envoy source/common/http/http1/codec_impl.cc, 1.40",
        "Envoy source/common/http/http2/codec_impl.cc, 1.40",
    ],
}
