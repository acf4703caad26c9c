//! The proxy closed the downstream connection itself: idle for too long, no answer to a ping, or another reason of its own.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW7007",
    slug: "connection-closed-by-proxy",
    since: "0.1.0",
    error: Some(ConnectionTerminated),
    conditions: &[
        (
            Certain,
            Any(&[
                Closed(CloseReason::Idle),
                Closed(CloseReason::Other),
                Details(Word::DownstreamLocalDisconnect),
                Details(Word::OnIdleTimeout),
                DownstreamCodec(CodecFault::Closing),
            ]),
        ),
    ],
    confirm: &[Confirm {
        id: "reason",
        steps: &[
            Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=1h | grep -E 'downstream_local_disconnect|on_idle_timeout' | tail -n 20"),
            Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -iE 'idleTimeout|connectionKeepalive|delayedCloseTimeout'"),
            Note(
                "Compare the duration in the log line with the limits: 1 h is the default for idle TCP and HTTP connections. TCP lines carry no reason in Istio's default format; Envoy 1.38 and later has it as `%DOWNSTREAM_LOCAL_CLOSE_REASON%`.",
                "把日志里的时长与各项上限对比：空闲 TCP 和 HTTP 连接默认都是 1 小时。Istio 默认格式的 TCP 日志里没有关闭原因；Envoy 1.38 起可用 `%DOWNSTREAM_LOCAL_CLOSE_REASON%` 打出来。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "heartbeat",
            applicability: Manual,
            steps: &[Note(
                "Let one end send something more often than the shortest idle timeout on the way, cloud load balancers included (often 60 to 350 s): WebSocket ping, gRPC keepalive, `tcp_keepalive` of the database driver's own protocol, a validation query of the connection pool. TCP keep-alive packets do not count for Envoy. For `http2_ping_timeout` the client did not answer in time: look for a paused or overloaded client, or a device in between that dropped the connection.",
                "让某一端的发送间隔短于链路上最短的空闲超时，包括云负载均衡（常见 60 到 350 s）：WebSocket ping、gRPC keepalive、数据库协议层的心跳、连接池的校验查询。TCP keep-alive 包对 Envoy 不算数据。`http2_ping_timeout` 则是客户端没有及时应答：查客户端是否卡住或过载，或者中间设备丢弃了连接。",
            )],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=2h | grep -cE 'downstream_local_disconnect|on_idle_timeout'"),
                Note("The number stands still for longer than the idle timeout while the connection is unused.", "连接闲置超过空闲超时后，数字仍不增长。"),
            ],
        },
        Fix {
            id: "tcp-idle-timeout",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    r"apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: {service}-idle
  namespace: {service_namespace}
spec:
  host: {service}.{service_namespace}.svc.cluster.local
  trafficPolicy:
    connectionPool:
      tcp:
        idleTimeout: 4h
",
                ),
                Note(
                    "For TCP, at the caller's proxy; merge it into a DestinationRule that exists. At the server's proxy and at gateways the limit is the proxy's own: `ISTIO_META_IDLE_TIMEOUT` under `proxyMetadata` (annotation `proxy.istio.io/config`). A longer limit keeps dead connections longer.",
                    "针对 TCP，在调用方代理生效；已有 DestinationRule 的就合并进去。服务端代理和网关用的是代理自身的上限：`proxyMetadata` 里的 `ISTIO_META_IDLE_TIMEOUT`（注解 `proxy.istio.io/config`）。上限调长，死连接也会留得更久。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -i idleTimeout"),
                Note("The new value is there, and an idle connection survives the old limit.", "出现新值，且空闲连接能撑过原来的上限。"),
            ],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/timeouts",
        "https://istio.io/latest/docs/reference/config/networking/destination-rule/#ConnectionPoolSettings-TCPSettings",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage",
        "Envoy source/common/stream_info/utility.h, 1.40",
    ],
}
