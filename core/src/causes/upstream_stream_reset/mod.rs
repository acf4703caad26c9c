//! 503 UR: the upstream reset the request's HTTP/2 stream, its connection lived on.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW5006",
    slug: "upstream-stream-reset",
    since: "0.1.0",
    error: Some(ConnectionTerminated),
    conditions: &[
        (
            Certain,
            Any(&[
                ResetBefore(Reset::RemoteReset),
                ResetAfter(Reset::RemoteReset),
                ResetBefore(Reset::RemoteRefusedStreamReset),
                ResetAfter(Reset::RemoteRefusedStreamReset),
                ResetBefore(Reset::RemoteResetNoError),
                ResetAfter(Reset::RemoteResetNoError),
                ResetBefore(Reset::RemoteConnectError),
                ResetAfter(Reset::RemoteConnectError),
                Details(Word::CacheUpstreamReset),
                Details(Word::CacheAbortedBody),
                Details(Word::CacheAbortedHeaders),
                Details(Word::CacheAbortedLookup),
                Details(Word::CacheAbortedTrailers),
            ]),
        ),
        // Without the reason in braces every failure before the headers looks alike; a flag tells them apart.
        (Likely, All(&[Details(Word::UpstreamResetBeforeResponseStarted), Absent(Field::Flags)])),
        (Likely, All(&[Flag(ResponseFlag::UR), Not(&Status(0)), Absent(Field::Details)])),
    ],
    confirm: &[
        Confirm {
            id: "next-hop",
            steps: &[
                Command("kubectl get endpointslices -n {service_namespace} -l kubernetes.io/service-name={service} -o custom-columns='ADDRESSES:.endpoints[*].addresses,PODS:.endpoints[*].targetRef.name'"),
                Note(
                    "Take the pod that has the upstream's address and search its `istio-proxy` log for the request id. A line there that fails otherwise, for example `0 DR http2.header_list_size_too_large`, shows that its proxy reset the stream; a line with the same UR and a cluster that begins with `inbound|` shows that the application did.",
                    "找到拥有该上游地址的 Pod，在它的 `istio-proxy` 日志里查这个 request id。如果那里是另一种失败，例如 `0 DR http2.header_list_size_too_large`，说明是它的代理重置的；如果同样是 UR 且 cluster 以 `inbound|` 开头，说明是应用重置的。",
                ),
            ],
        },
        Confirm {
            id: "refused-or-aborted",
            steps: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=15m | grep -oE 'remote_(refused_stream_)?reset[^}]*' | sort | uniq -c"),
                Note(
                    "`remote_refused_stream_reset`: the server did not begin to work on the request, which may be repeated. `remote_reset`: it may have.",
                    "`remote_refused_stream_reset`：服务端还没开始处理，可以放心重试。`remote_reset`：可能已经处理过了。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "server",
            applicability: Manual,
            steps: &[
                Command("kubectl logs {pod} -n {namespace} --since=15m"),
                Note(
                    "On the server's pod: look for a handler that panicked or returned before it read the request, a limit of concurrent streams, a guard against too many resets or pings (`ENHANCE_YOUR_CALM`), a limit of header size, a deadline that ran out, or a shutdown that does not wait for open calls.",
                    "在服务端 Pod 上看：处理函数 panic 或没读完请求就返回、并发 stream 数上限、防止重置或 ping 过多的保护（`ENHANCE_YOUR_CALM`）、请求头大小限制、deadline 到期、停机时没有等在途调用结束。",
                ),
            ],
            verify: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=5m | grep -cE 'remote_(refused_stream_)?reset'"),
                Note(
                    "On the client's pod, after the failing call was repeated several times, also while the server is rolled out anew: 0.",
                    "在客户端 Pod 上执行，失败的调用多重复几次、并在服务端滚动发布期间也试过之后：输出 0。",
                ),
            ],
        },
        Fix {
            id: "retry",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "spec:\n  http:\n    - route:\n        - destination:\n            host: {host}\n      retries:\n        attempts: 2\n        retryOn: connect-failure,refused-stream,unavailable,reset\n",
                ),
                Note(
                    "Istio's default already repeats refused streams, so it is `reset` that is new here: only for calls that may run twice. A response that has begun is never repeated.",
                    "Istio 默认已经会重试被拒绝的 stream，这里新增的是 `reset`：只能用于可以重复执行的调用。已经开始的响应不会重试。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config routes {pod}.{namespace} -o json | grep -n '\"retryOn\"'"),
                Note(
                    "The list contains `reset`, and the calls no longer end in 503 UR under normal traffic.",
                    "列表里包含 `reset`；正常流量下，调用不再以 503 UR 结束。",
                ),
            ],
        },
    ],
    sources: &[
        "https://www.rfc-editor.org/rfc/rfc9113#name-rst_stream",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/response_code_details",
        "Envoy source/common/http/utility.cc, 1.40",
        "Envoy source/common/router/router.cc, 1.40",
    ],
}
