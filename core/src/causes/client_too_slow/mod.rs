//! 408: the client did not finish sending its request in time.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW1011",
    slug: "client-too-slow",
    since: "0.1.0",
    error: Some(HttpRequestError),
    conditions: &[
        (
            Certain,
            Any(&[Details(Word::RequestOverallTimeout), Details(Word::RequestHeaderTimeout), Details(Word::DownstreamHeaderTimeout)]),
        ),
    ],
    confirm: &[Confirm {
        id: "limits",
        steps: &[
            Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -E 'requestTimeout|requestHeadersTimeout'"),
            Note(
                "These are the times that this proxy gives a client to send everything, or all headers. Compare them with the duration and the bytes received in the log line: few bytes after the whole time is a client that stalls; many are a large upload over a slow line.",
                "这就是代理给客户端发完整个请求、或发完全部请求头的时间。与日志行里的耗时和接收字节数对比：时间用完却只收到几个字节，是客户端卡住了；收到很多，则是大文件走慢速线路。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "client",
            applicability: Manual,
            steps: &[Note(
                "Let the client open the connection only when it has the request ready, send a body as long as its `Content-Length` says, and split large uploads. Connections that never send anything are scanners or attacks, and the limit did its work.",
                "让客户端准备好请求再建连接；body 的长度要与 `Content-Length` 一致；大文件分片上传。什么都不发的连接是扫描或攻击，这个限制正是为此而设。",
            )],
            verify: &[Note(
                "The same request is answered by the application instead of 408.",
                "同一个请求由应用返回，不再是 408。",
            )],
        },
        Fix {
            id: "longer-limit",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    http_connection_manager!("slow-uploads", "request_timeout: 600s", "request_headers_timeout: 30s"),
                ),
                Note(
                    "Better change the EnvoyFilter that set the limit: two that set the same field are applied by priority, then by age. 0 switches a limit off, which makes the gateway an easy victim of slow clients.",
                    "最好直接改设置该限制的那个 EnvoyFilter：两个设置同一字段时，按优先级、再按创建时间先后应用。设成 0 即关闭限制，网关会很容易被慢速客户端拖垮。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -E 'requestTimeout|requestHeadersTimeout'"),
                Note(
                    "The new times are listed, and the slow upload is answered by the application.",
                    "能看到新的时间，且慢速上传由应用返回。",
                ),
            ],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/timeouts",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/best_practices/edge",
        "Envoy source/common/http/conn_manager_impl.cc, 1.40",
    ],
}
