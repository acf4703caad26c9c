//! 400 DPE: the client's bytes are not what this listener's protocol allows.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW1004",
    slug: "protocol-error-downstream",
    since: "0.1.0",
    error: Some(HttpRequestError),
    conditions: &[
        (
            Certain,
            Any(&[
                Details(Word::AbsolutePathRejected),
                Details(Word::EarlyConnectData),
                Details(Word::Http1BodyDisallowed),
                Details(Word::Http1CodecError),
                Details(Word::Http1ConnectionHeaderRejected),
                Details(Word::Http1ContentLengthAndChunkedNotAllowed),
                Details(Word::Http1HttpsUrlOnPlaintextConnection),
                Details(Word::Http1InvalidCharacters),
                Details(Word::Http1InvalidScheme),
                Details(Word::Http1InvalidTransferEncoding),
                Details(Word::Http1InvalidUrl),
                Details(Word::Http1UnexpectedUnderscore),
                Details(Word::Http2InvalidHeaderField),
                Details(Word::Http2UnexpectedUnderscore),
                Details(Word::Http2UnknownNghttp2Error),
                Details(Word::Http2UnknownOghttp2Error),
                Details(Word::Http2ViolationOfMessagingRule),
                Details(Word::Http3InconsistentContentLength),
                Details(Word::Http3InvalidHeaderField),
                Details(Word::Http3UnexpectedUnderscore),
                Details(Word::HttpConnectNotSupported),
                Details(Word::HttpInvalidAuthority),
                Details(Word::HttpInvalidMethod),
                Details(Word::HttpInvalidPath),
                Details(Word::HttpInvalidScheme),
                Details(Word::InvalidPath),
                Details(Word::MissingHostHeader),
                Details(Word::MissingPathRejected),
                Details(Word::PathNormalizationFailed),
                Details(Word::QueryMissingContentType),
                Family(details::Family::Uhv),
                DownstreamCodec(CodecFault::Malformed),
                Closed(CloseReason::ProtocolViolation),
            ]),
        ),
        (Likely, All(&[Flag(ResponseFlag::DPE), Absent(Field::Details), Not(&Status(426)), Not(&Status(431))])),
    ],
    suspected: &[
        Suspicion {
            when: All(&[Status(400), Absent(Field::Details), Absent(Field::Flags), Absent(Field::UpstreamHost)]),
            decide_by: "the access log has the flag `DPE`",
            decide_by_zh: "access log 里有 flag `DPE`",
        },
    ],
    confirm: &[Confirm {
        id: "listener",
        steps: &[
            Command("istioctl proxy-config listeners {pod}.{namespace}"),
            Note(
                "Find the port that the client called. `Route: …` in the last column means that the proxy parses HTTP there; a client that sends TLS or another protocol to it gets 400.",
                "找到客户端访问的端口。最后一列是 `Route: …`，说明代理在这个端口上按 HTTP 解析；客户端往这里发 TLS 或别的协议就会得到 400。",
            ),
            Command("istioctl analyze --all-namespaces"),
            Note(
                "It reports ports without a declared protocol (IST0118) and Gateways that claim the same port and host (IST0145).",
                "它会报告没有声明协议的端口（IST0118），以及占用相同端口和 host 的 Gateway（IST0145）。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "declare-protocol",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# Service: the clients send TLS themselves
spec:
  ports:
    - name: https
      port: {port}
      appProtocol: https
",
                ),
                Note(
                    "In a ServiceEntry write `protocol: HTTPS` (or TLS) for the port; for a protocol that is not HTTP use `tcp`. `appProtocol` wins over the name of the port.",
                    "ServiceEntry 则把该端口写成 `protocol: HTTPS`（或 TLS）；不是 HTTP 的协议就用 `tcp`。`appProtocol` 优先于端口名。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} --port {port}"),
                Note(
                    "The last column names a cluster instead of a route, and the client's TLS handshake reaches the real server.",
                    "最后一列变成 Cluster 而不是 Route，客户端的 TLS 握手能一直走到真正的服务端。",
                ),
            ],
        },
        Fix {
            id: "plain-http",
            applicability: Manual,
            steps: &[Note(
                "If the port is meant to be plaintext HTTP, let the client use an `http://` address: the mesh encrypts between the proxies. At a gateway, call the port of the HTTPS server, and give servers of different protocols different ports.",
                "如果这个端口本来就该走明文 HTTP，让客户端改用 `http://` 地址：代理之间由网格加密。经过 Gateway 时应访问 HTTPS server 的端口，不同协议的 server 也不要共用端口。",
            )],
            verify: &[Note(
                "The client's request is answered with the application's own status, and the access log shows its method and path.",
                "客户端请求得到应用自己的状态码，访问日志里能看到 method 和 path。",
            )],
        },
        Fix {
            id: "valid-request",
            applicability: Manual,
            steps: &[Note(
                "Correct the client that builds the message: one of Content-Length and Transfer-Encoding, a Host header, no control characters in header values, a path that starts with a slash.",
                "修正拼装报文的客户端：Content-Length 和 Transfer-Encoding 只留一个，带上 Host 请求头，请求头的值里不要有控制字符，path 以斜杠开头。",
            )],
            verify: &[Note(
                "The same call is answered with the application's own status, and no line with the flag DPE follows.",
                "同样的调用得到应用自己的状态码，之后不再出现带 DPE 的日志。",
            )],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/common-problems/network-issues/#sending-https-to-an-http-port",
        "https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/response_code_details",
        "Envoy source/common/http/http1/codec_impl.cc, 1.40",
        "Envoy source/common/http/conn_manager_impl.cc, 1.40",
    ],
}
