//! A stream or connection reached the age at which it is ended, busy or not.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW5008",
    slug: "max-duration",
    since: "0.1.0",
    error: Some(HttpResponseTimeout),
    conditions: &[
        (
            Certain,
            Any(&[
                Details(Word::MaxDurationTimeout),
                Details(Word::UpstreamMaxStreamDurationReached),
                Details(Word::DurationTimeout),
                Closed(CloseReason::MaxDuration),
            ]),
        ),
        (Likely, All(&[Absent(Field::Details), Any(&[Flag(ResponseFlag::DT), Flag(ResponseFlag::UMSDR)])])),
    ],
    confirm: &[
        Confirm {
            id: "limits",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -nE 'max(Stream|Connection|DownstreamConnection)Duration'"),
                Command("istioctl proxy-config routes {pod}.{namespace} -o json | grep -n -A 4 maxStreamDuration"),
                Command("istioctl proxy-config cluster {pod}.{namespace} --fqdn {host} --port {port} -o json | grep -n maxStreamDuration"),
                Note(
                    "The limit equals the duration in the access-log line: every such line has nearly the same one.",
                    "这个上限与访问日志里的耗时一致：同类的每一行耗时都几乎相同。",
                ),
            ],
        },
        Confirm {
            id: "owner",
            steps: &[
                Command("kubectl get destinationrules -A -o custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name,HOST:.spec.host,MAX:.spec.trafficPolicy.connectionPool.tcp.maxConnectionDuration"),
                Command("kubectl get envoyfilters -A -o custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name"),
                Note(
                    "For TCP the DestinationRule sets it, for HTTP streams an EnvoyFilter (`max_stream_duration`).",
                    "TCP 由 DestinationRule 设置，HTTP 的 stream 由 EnvoyFilter（`max_stream_duration`）设置。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "tcp-limit",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "spec:\n  trafficPolicy:\n    connectionPool:\n      tcp:\n        maxConnectionDuration: 24h\n",
                ),
                Note(
                    "Leave the field out for no limit.",
                    "删掉这个字段就是不限制。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -n maxDownstreamConnectionDuration"),
                Note(
                    "The new value is shown, or none. A connection older than the old limit lives on.",
                    "显示新的取值，或者没有。存活时间超过旧上限的连接仍然保持。",
                ),
            ],
        },
        Fix {
            id: "stream-limit",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    http_connection_manager!(workload "stream-duration", "common_http_protocol_options:", "  max_stream_duration: 7200s"),
                ),
                Note(
                    "Better: correct or delete the EnvoyFilter that set the limit. A limit of the route or of the cluster is set elsewhere and must be changed there.",
                    "更好的做法：修改或删除当初设置上限的 EnvoyFilter。路由和 cluster 上的上限写在别处，要到那里去改。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -n maxStreamDuration"),
                Note(
                    "The new value is shown, and a stream that lasts longer than the old one is not ended.",
                    "显示新的取值；持续时间超过旧上限的 stream 不再被结束。",
                ),
            ],
        },
        Fix {
            id: "reconnect",
            applicability: Manual,
            steps: &[Note(
                "If the limit is wanted, for instance so that clients spread over new servers, let the client open the stream or connection anew when it ends and go on where it was.",
                "如果这个上限是有意设置的，比如为了让客户端分散到新的服务端，就让客户端在结束后重新建立流或连接，从断点继续。",
            )],
            verify: &[Note(
                "The client goes on after the limit without an error for its user.",
                "到达上限后客户端能继续工作，用户看不到错误。",
            )],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/timeouts",
        "https://istio.io/latest/docs/reference/config/networking/destination-rule/#ConnectionPoolSettings-TCPSettings",
        "https://github.com/envoyproxy/envoy/issues/21731",
        "Envoy source/common/http/conn_manager_impl.cc, 1.40",
        "Envoy source/common/tcp_proxy/tcp_proxy.cc, 1.40",
    ],
}
