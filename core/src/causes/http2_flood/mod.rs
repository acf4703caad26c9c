//! A connection is closed because its client looks like an attack: floods of frames, of resets, of unread responses.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW1009",
    slug: "http2-flood",
    since: "0.1.0",
    error: Some(HttpRequestError),
    conditions: &[
        (
            Certain,
            Any(&[
                Details(Word::TooManyPrematureResets),
                Details(Word::Http2OutboundFramesFlood),
                Details(Word::Http2InboundEmptyFramesFlood),
                DownstreamCodec(CodecFault::Flood),
                Closed(CloseReason::Flood),
            ]),
        ),
    ],
    confirm: &[
        Confirm {
            id: "sender",
            steps: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=1h | grep -E 'premature_resets|frames_flood|Flooding|Too_many'"),
                Note(
                    "Look at the downstream remote addresses and at the hours: one pod of your own is a busy client, many foreign addresses at a gateway are an attack.",
                    "看 downstream remote address 和时间：都来自自己的某个 Pod，是繁忙的客户端；网关上大量陌生地址，则是攻击。",
                ),
            ],
        },
        Confirm {
            id: "cancels",
            steps: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=1h | grep -c http2.remote_reset"),
                Note(
                    "A large number means a client that cancels many streams at once, such as a gRPC client with short deadlines or hedged requests.",
                    "数字很大说明客户端在大量取消 stream，例如 deadline 很短或者做对冲请求的 gRPC 客户端。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "client",
            applicability: Manual,
            steps: &[Note(
                "Give the calls a deadline that most of them keep, cancel less, and spread them over several connections; read responses before sending more. At a public gateway block the sender instead.",
                "把 deadline 设到多数请求能完成，减少取消，并分散到多条连接；先读完响应再继续发。公网网关上则是封掉发送方。",
            )],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=10m | grep -cE 'premature_resets|frames_flood|Flooding'"),
                Note(
                    "It prints 0 while the client works at its usual rate.",
                    "客户端按平常的速率工作时输出 0。",
                ),
            ],
        },
        Fix {
            id: "premature-resets",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r#"# Deployment of the workload whose proxy closed the connection
spec:
  template:
    metadata:
      annotations:
        proxy.istio.io/config: |
          runtimeValues:
            overload.premature_reset_total_stream_count: "5000"
"#,
                ),
                Note(
                    "For `too_many_premature_resets` only: Envoy looks at a connection after 500 streams (the default) and closes it when at least half of them were reset within a second. Keep the guard on gateways that face the internet. The pods restart.",
                    "仅用于 `too_many_premature_resets`：默认在一条连接满 500 个 stream 后检查，若至少一半在一秒内被重置就关闭连接。面向公网的网关不要放宽。Pod 会重启。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- pilot-agent request GET runtime | grep -A8 premature_reset_total_stream_count"),
                Note(
                    "Name the new pod: the value is shown, and no new line with `too_many_premature_resets` appears.",
                    "换成新 Pod 名：能看到该值，且不再出现新的 `too_many_premature_resets`。",
                ),
            ],
        },
        Fix {
            id: "frame-limits",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    http_connection_manager!("http2-frame-limits", "http2_protocol_options:", "  max_outbound_frames: 20000", "  max_outbound_control_frames: 2000", "  max_consecutive_inbound_frames_with_empty_payload: 10"),
                ),
                Note(
                    "For the frame floods; the defaults are 10000, 1000 and 1. Add `workloadSelector`.",
                    "用于帧泛洪，默认值分别是 10000、1000 和 1。请加上 `workloadSelector`。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -E 'maxOutbound(Control)?Frames|EmptyPayload'"),
                Note(
                    "The new numbers are listed, and no new line with `frames_flood` appears.",
                    "能看到新的数值，且不再出现新的 `frames_flood`。",
                ),
            ],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/core/v3/protocol.proto",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/runtime",
        "https://github.com/envoyproxy/envoy/security/advisories/GHSA-jhv4-f7mr-xx76",
        "Envoy source/common/http/conn_manager_impl.cc, 1.40",
        "Envoy source/common/http/http2/codec_impl.cc, 1.40",
    ],
}
