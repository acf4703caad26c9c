//! No failure: what the lines show went well, even where it looks otherwise.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW0001",
    slug: "none-success",
    since: "0.1.0",
    error: None,
    nature: Benign,
    conditions: &[],
    confirm: &[
        Confirm {
            id: "other-lines",
            steps: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=1h | grep -E '\" [45][0-9][0-9] | (UF|UC|UH|UT|UR|UO|UPE|NR|NC|DPE|DC|LR|SI|RL|UAEX)[ ,]'"),
                Note(
                    "Lines that fail in the last hour, in Istio's TEXT format. No line: this proxy saw no failure; try the pod on the other side, and the gateway.",
                    "最近一小时里失败的行（Istio 的 TEXT 格式）。一行都没有，说明本代理没有看到失败；再看对端的 Pod 和网关。",
                ),
            ],
        },
        Confirm {
            id: "seen-by-istio",
            steps: &[
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- pilot-agent request GET stats/prometheus | grep istio_requests_total | grep -vE 'response_code=\"[123]|grpc_response_status=\"0\"'"),
                Note(
                    "Counts failed requests since the proxy started, gRPC failures behind status 200 included.",
                    "统计代理启动以来失败的请求数，包括 HTTP 状态码为 200 的 gRPC 失败。",
                ),
            ],
        },
    ],
    fixes: &[Fix {
        id: "right-lines",
        applicability: Safe,
        steps: &[
            Command("kubectl logs {pod} -n {namespace} -c istio-proxy --timestamps --since=15m"),
            Note(
                "Give meshwhy the lines of the moment of the failure, from every proxy on the way; the `x-request-id` joins them. If there are none at all, the access log is off, or the request never reached this proxy: DNS, the load balancer, the client's own error. Failed TLS handshakes at the server leave no line either.",
                "把出错那一刻、途经每个代理的日志都交给 meshwhy，`x-request-id` 可以把它们串起来。如果一行都没有，要么访问日志没开，要么请求根本没到本代理：DNS、负载均衡，或者客户端自身的错误。服务端的 TLS 握手失败也不会留下日志。",
            ),
        ],
        verify: &[Note(
            "Among the new lines is one with the time and the path of the failing request.",
            "新的日志里有一行的时间和路径与失败的请求吻合。",
        )],
    }],
    sources: &[
        "https://istio.io/latest/docs/tasks/observability/logs/access-log/",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage#response-flags",
        "https://github.com/istio/istio/issues/29109",
    ],
}
