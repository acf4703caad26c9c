//! 408 or 504 SI: no byte moved on the stream for the length of the idle timer.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW5007",
    slug: "stream-idle-timeout",
    since: "0.1.0",
    error: Some(HttpResponseTimeout),
    conditions: &[(Certain, Details(Word::StreamIdleTimeout)), (Likely, All(&[Flag(ResponseFlag::SI), Absent(Field::Details)]))],
    confirm: &[
        Confirm {
            id: "timer",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -n streamIdleTimeout"),
                Command("istioctl proxy-config routes {pod}.{namespace} -o json | grep -nE '\"cluster\"|\"idleTimeout\"'"),
                Note(
                    "`0s` switches the timer off, and is what Istio itself writes. A value of the route wins over that of the listener. The value that counts is close to the duration since the last byte in the access-log line.",
                    "`0s` 表示关闭，Istio 自己写的就是这个值。路由上的值优先于 listener 上的。真正起作用的值，接近访问日志里从最后一个字节算起的耗时。",
                ),
            ],
        },
        Confirm {
            id: "owner",
            steps: &[
                Command("kubectl get envoyfilters -A -o custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name"),
                Note(
                    "With Istio only an EnvoyFilter sets this timer; look for `stream_idle_timeout` and `idle_timeout` in those that select this proxy.",
                    "在 Istio 里只有 EnvoyFilter 会设置这个计时器；在选中本代理的那些 EnvoyFilter 里找 `stream_idle_timeout` 和 `idle_timeout`。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "longer-timer",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    http_connection_manager!(workload "stream-idle-timeout", "stream_idle_timeout: 1800s"),
                ),
                Note(
                    "Better: correct the EnvoyFilter that set the timer, or delete it, which brings Istio's `0s` back. Changing a listener drains its connections. At a gateway that faces the internet keep a limit: without one a slow client holds memory for ever.",
                    "更好的做法：修改当初设置它的 EnvoyFilter，或者删掉它，恢复 Istio 的 `0s`。listener 变更会让其上的已有连接排空。面向公网的网关要保留上限，否则慢客户端会一直占用内存。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -n streamIdleTimeout"),
                Note(
                    "The new value is shown everywhere. A stream that is silent for longer than the old one lives on.",
                    "各处显示的都是新值。静默时间超过旧值的 stream 仍然保持。",
                ),
            ],
        },
        Fix {
            id: "keep-talking",
            applicability: Manual,
            steps: &[Note(
                "Let the side that is silent send something within the limit: a heartbeat message in a gRPC stream, a comment line in server-sent events, a ping in a websocket. HTTP/2 and gRPC keep-alive pings do not count, they belong to the connection. For 408 find out why the client announces a body and does not send it.",
                "让静默的一方在时限之内发点东西：gRPC 流里的心跳消息、SSE 的注释行、websocket 的 ping。HTTP/2 和 gRPC 的 keep-alive ping 不算数，它们属于连接。如果是 408，查客户端为什么声明了 body 却不发送。",
            )],
            verify: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=1h | grep -c stream_idle_timeout"),
                Note(
                    "0 after an hour of normal traffic with long-lived streams.",
                    "有长连接流的正常流量跑一小时之后，输出 0。",
                ),
            ],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/timeouts",
        "https://github.com/envoyproxy/envoy/issues/36712",
        "Envoy source/common/http/conn_manager_impl.cc, 1.40",
    ],
}
