//! 503 UC on a reused connection: the server closed it just when the next request was sent.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW5011",
    slug: "keepalive-race",
    since: "0.1.0",
    error: Some(ConnectionTerminated),
    refines: upstream_closed_connection,
    conditions: &[
        // A server that fell over at this request ends the connection as well.
        (
            Likely,
            All(&[
                ResetBefore(Reset::ConnectionTermination),
                UpstreamReused,
                Not(&Cluster(ClusterKind::Passthrough)),
                Any(&[DurationBelow(1000), Absent(Field::Duration)]),
            ]),
        ),
    ],
    suspected: &[
        Suspicion {
            when: Any(&[Flag(ResponseFlag::UC), ResetBefore(Reset::ConnectionTermination)]),
            decide_by: "it happens now and then only, on connections that had been idle for about the application's keep-alive timeout",
            decide_by_zh: "只是偶发，而且出现在空闲时间接近应用 keep-alive 超时的连接上",
        },
    ],
    confirm: &[
        Confirm {
            id: "same-connection",
            steps: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=1h | grep -F '{upstream_address}'"),
                Note(
                    "The failing line and an earlier successful one have the same upstream local address (the field behind the cluster): the same connection. The time between the two is the server's keep-alive timeout, again and again the same: 5 s for Node.js, 2 s for gunicorn, 60 s for many load balancers.",
                    "失败的那行和之前成功的某一行，upstream local address（cluster 后面那个字段）相同，就是同一条连接。两行之间的间隔就是服务端的 keep-alive 超时，而且每次都差不多：Node.js 5 s，gunicorn 2 s，很多负载均衡是 60 s。",
                ),
            ],
        },
        Confirm {
            id: "idle-timeouts",
            steps: &[
                Command("istioctl proxy-config cluster {pod}.{namespace} --fqdn {host} --port {port} -o json | grep -n idleTimeout"),
                Note(
                    "No output: Envoy keeps idle connections for an hour, longer than nearly every server.",
                    "没有输出：Envoy 会把空闲连接保留一小时，比几乎所有服务端都长。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "proxy-closes-first",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "spec:\n  trafficPolicy:\n    connectionPool:\n      http:\n        idleTimeout: 3s\n",
                ),
                Note(
                    "Less than the server's keep-alive timeout. In a DestinationRule in the service's own namespace it holds for the clients' proxies and for the sidecar in front of the application. `maxRequestsPerConnection: 1` avoids the race as well, at the price of a new connection for each request.",
                    "要小于服务端的 keep-alive 超时。写在服务所在 namespace 的 DestinationRule 里，对客户端代理和应用前面的 sidecar 都生效。`maxRequestsPerConnection: 1` 也能避免竞争，代价是每个请求都要新建连接。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config cluster {pod}.{namespace} --fqdn {host} --port {port} -o json | grep -n idleTimeout"),
                Note(
                    "The value is shown (for an `inbound|` cluster use `--direction inbound` instead of `--fqdn`). After an hour of normal traffic the second command prints 0.",
                    "能看到新的取值（如果是 `inbound|` cluster，把 `--fqdn` 换成 `--direction inbound`）。正常流量跑一小时后，下面这条命令输出 0。",
                ),
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=1h | grep -cF 'connection_termination}'"),
            ],
        },
        Fix {
            id: "server-waits-longer",
            applicability: Manual,
            steps: &[Note(
                "Raise the server's keep-alive timeout above that of every client in front of it, for example in Node.js `server.keepAliveTimeout = 65000` with `server.headersTimeout` a little more, in gunicorn `--keep-alive 75`, in Tomcat `keepAliveTimeout`. It narrows the race only if the proxy's own idle timeout is shorter.",
                "把服务端的 keep-alive 超时调到比它前面所有客户端都长，例如 Node.js 的 `server.keepAliveTimeout = 65000`（`server.headersTimeout` 再略大一些），gunicorn 的 `--keep-alive 75`，Tomcat 的 `keepAliveTimeout`。前提是代理的空闲超时更短，否则竞争依然存在。",
            )],
            verify: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=1h | grep -cF 'connection_termination}'"),
                Note("0 after an hour of normal traffic.", "正常流量跑一小时之后，输出 0。"),
            ],
        },
        Fix {
            id: "retry-idempotent",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "spec:\n  http:\n    - match:\n        - method:\n            exact: GET\n      route:\n        - destination:\n            host: {host}\n      retries:\n        attempts: 2\n        retryOn: connect-failure,refused-stream,reset\n",
                ),
                Note(
                    "Only for requests that may be executed twice. Since Istio 1.24 a server's sidecar repeats by itself what it could not yet write (`reset-before-request`); a request that was written when the server closed is not covered by that, nor by the default of the client's side.",
                    "只能用于可以重复执行的请求。从 Istio 1.24 起，服务端 sidecar 会自动重试还没写出去的请求（`reset-before-request`）；如果服务端关闭时请求已经写出，这个机制和客户端侧的默认重试都不管用。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config routes {pod}.{namespace} -o json | grep -n '\"retryOn\"'"),
                Note(
                    "The list contains `reset`, and GET requests no longer end in 503 UC under normal traffic.",
                    "列表里包含 `reset`；正常流量下，GET 请求不再出现 503 UC。",
                ),
            ],
        },
    ],
    sources: &[
        "https://github.com/istio/istio/issues/55138",
        "https://github.com/istio/istio/issues/51704",
        "https://istio.io/latest/docs/reference/config/networking/destination-rule/#ConnectionPoolSettings-HTTPSettings",
        "https://www.rfc-editor.org/rfc/rfc9112#section-9.3.1",
    ],
}
