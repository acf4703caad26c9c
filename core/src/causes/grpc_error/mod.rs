//! 200 with a gRPC status that is not 0: the application ended the call with an error.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW5010",
    slug: "grpc-error",
    since: "0.1.0",
    error: None,
    refines: app_error,
    nature: Application,
    conditions: &[
        (Certain, All(&[Details(Word::ViaUpstream), GrpcFailed, Not(&Flag(ResponseFlag::URX))])),
        (Likely, All(&[GrpcFailed, Absent(Field::Details), Absent(Field::Flags)])),
    ],
    confirm: &[
        Confirm {
            id: "metrics",
            steps: &[
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- pilot-agent request GET stats/prometheus | grep istio_requests_total | grep 'request_protocol=\"grpc\"' | grep -v 'grpc_response_status=\"0\"'"),
                Note(
                    "Istio's access log has no gRPC status, its metrics have: `grpc_response_status` is the number, `response_flags=\"-\"` means that the application chose it and no proxy.",
                    "Istio 的访问日志里没有 gRPC 状态，但指标里有：`grpc_response_status` 是状态编号，`response_flags=\"-\"` 说明是应用自己选的，不是代理。",
                ),
            ],
        },
        Confirm {
            id: "without-proxy",
            steps: &[
                Command("kubectl port-forward -n {service_namespace} service/{service} {port}:{port}"),
                Command("grpcurl -plaintext 127.0.0.1:{port} list"),
                Note(
                    "Run the second command in another terminal, then call the failing method the same way: no proxy is involved, so the same status and its message come from the application. `list` needs server reflection; otherwise give `-proto`.",
                    "第二条命令在另一个终端里执行，再用同样的方式调用出错的方法：中间没有代理，得到同样的状态和消息就说明是应用返回的。`list` 需要服务端开启 reflection，否则用 `-proto` 指定。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "by-number",
            applicability: Manual,
            steps: &[Note(
                "3, 5, 6, 9, 11: the request itself; correct the caller. 4 DEADLINE_EXCEEDED: the caller's deadline was too short or the server too slow. 7, 16: credentials or rights, checked by the application. 8 RESOURCE_EXHAUSTED: a quota, or a message over the size limit (4 MiB by default in many libraries). 12 UNIMPLEMENTED: wrong method, package or version of the service. 13, 2: a fault in the server, see its log. 14 UNAVAILABLE: the server refuses work for now. 1 CANCELLED: the caller gave up.",
                "3、5、6、9、11：请求本身有问题，改调用方。4 DEADLINE_EXCEEDED：调用方的 deadline 太短，或服务端太慢。7、16：凭证或权限，由应用校验。8 RESOURCE_EXHAUSTED：配额用完，或消息超过大小限制（很多库默认 4 MiB）。12 UNIMPLEMENTED：方法、包名或服务版本不对。13、2：服务端自身出错，看它的日志。14 UNAVAILABLE：服务端暂时不接受请求。1 CANCELLED：调用方自己放弃了。",
            )],
            verify: &[
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- pilot-agent request GET stats/prometheus | grep istio_requests_total | grep 'request_protocol=\"grpc\"' | grep -v 'grpc_response_status=\"0\"'"),
                Note(
                    "The counter of the number in question no longer grows while the call is repeated.",
                    "重复调用时，对应编号的计数不再增长。",
                ),
            ],
        },
        Fix {
            id: "retry",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "spec:\n  http:\n    - route:\n        - destination:\n            host: {host}\n      retries:\n        attempts: 2\n        perTryTimeout: 2s\n        retryOn: connect-failure,refused-stream,unavailable,cancelled,resource-exhausted\n",
                ),
                Note(
                    "Only for 14, 1 and 8, and only where the server gives the status in its first headers, before any message; `unavailable` and `cancelled` are repeated by default. Do not let the client's library retry as well.",
                    "只针对 14、1、8，而且服务端要在首个响应头里、还没发送任何消息之前就给出状态才有效；`unavailable` 和 `cancelled` 默认就会重试。不要让客户端库同时再重试一遍。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config routes {pod}.{namespace} -o json | grep -n '\"retryOn\"'"),
                Note(
                    "The list contains the conditions, and callers see the status less often.",
                    "列表里有这些条件，调用方看到该状态的次数减少。",
                ),
            ],
        },
    ],
    sources: &[
        "https://grpc.io/docs/guides/status-codes/",
        "https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md",
        "https://istio.io/latest/docs/reference/config/metrics/",
        "Envoy source/common/grpc/status.cc, 1.40",
    ],
}
