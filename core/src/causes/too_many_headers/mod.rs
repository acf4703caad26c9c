//! 431 DPE: the request has more headers than the proxy allows.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW1003",
    slug: "too-many-headers",
    since: "0.1.0",
    error: Some(HttpRequestError),
    conditions: &[
        (
            Certain,
            Any(&[
                Details(Word::Http1TooManyHeaders),
                Details(Word::Http2TooManyHeaders),
                Details(Word::Http3TooManyHeaders),
                Details(Word::Http3TooManyTrailers),
                DownstreamCodec(CodecFault::TooManyHeaders),
            ]),
        ),
        (Likely, Event(event::Event::StreamResetByCodec)),
    ],
    suspected: &[
        Suspicion {
            when: All(&[Status(431), Absent(Field::Details)]),
            decide_by: "the request has more than 100 headers, and they are small",
            decide_by_zh: "请求头超过 100 个，而且都很小",
        },
    ],
    confirm: &[Confirm {
        id: "limit",
        steps: &[
            Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep maxHeadersCount"),
            Note(
                "No output: the limit is Envoy's default of 100 headers. Count what the client sends; a name that occurs several times counts each time.",
                "没有输出：用的是 Envoy 默认的 100 个。再数一下客户端实际发了多少个；同名请求头出现几次就算几个。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "fewer-headers",
            applicability: Manual,
            steps: &[Note(
                "Find who adds them: SDKs and gateways that copy every incoming header to outgoing calls, one header per attribute, retries that append instead of replace. Join related values in one header or move them to the body.",
                "找出是谁加的：把收到的请求头原样透传到下游调用的 SDK 或网关、一个属性一个请求头的写法、重试时追加而不是覆盖。相关的值合并到一个请求头里，或者挪到 body。",
            )],
            verify: &[Note(
                "The same request is answered with the application's own status: no 431, no stream reset.",
                "同一个请求得到应用自己的状态码：没有 431，stream 也不再被重置。",
            )],
        },
        Fix {
            id: "raise-limit",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    http_connection_manager!("request-header-count", "common_http_protocol_options:", "  max_headers_count: 200"),
                ),
                Note(
                    "Without `workloadSelector` it changes every proxy of the namespace; in the root namespace the whole mesh. Changing a listener drains its connections. Ambient waypoints need `targetRefs`.",
                    "不写 `workloadSelector` 会影响该命名空间的所有代理，放在根命名空间则影响整个网格。listener 变更会使其上的已有连接进入排空。Ambient 的 waypoint 需要用 `targetRefs`。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep maxHeadersCount"),
                Note(
                    "It prints 200 once per HTTP connection manager, and the same request is answered with the application's own status.",
                    "每个 HTTP connection manager 打印一行 200，且同一个请求得到应用自己的状态码。",
                ),
            ],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/core/v3/protocol.proto",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/response_code_details",
        "https://github.com/envoyproxy/envoy/issues/11774",
        "Envoy source/common/http/http2/codec_impl.cc, 1.40",
    ],
}
