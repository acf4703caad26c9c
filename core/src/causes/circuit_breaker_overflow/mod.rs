//! 503 UO: the cluster's limit on connections, pending or active requests was full.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW3004",
    slug: "circuit-breaker-overflow",
    since: "0.1.0",
    error: Some(ConnectionLimitReached),
    conditions: &[
        (
            Certain,
            Any(&[
                ResetBefore(Reset::Overflow),
                ResetAfter(Reset::Overflow),
                Closed(CloseReason::UpstreamLimit),
                Details(Word::Overflow),
                Details(Word::DnsCacheOverflow),
                Details(Word::DnsCachePendingRequestsOverflow),
                Details(Word::DynamicForwardProxyPendingRequestOverflow),
                Details(Word::SubClusterOverflow),
            ]),
        ),
        (Likely, All(&[Flag(ResponseFlag::UO), Absent(Field::Details)])),
    ],
    confirm: &[Confirm {
        id: "limits",
        steps: &[
            Command("kubectl exec {pod} -n {namespace} -c istio-proxy -- pilot-agent request GET clusters | grep -F '{cluster}' | grep -E 'max_|active'"),
            Note(
                "While the errors last, `cx_active` or `rq_active`, summed over the endpoints, stands at one of the `default_priority` limits.",
                "报错期间，把各 endpoint 的 `cx_active` 或 `rq_active` 相加，会正好顶在 `default_priority` 的某个上限上。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "raise-limits",
            applicability: Review,
            steps: &[
                Command("kubectl get destinationrules -A -o custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name,HOST:.spec.host,MAX_CONNECTIONS:.spec.trafficPolicy.connectionPool.tcp.maxConnections,MAX_PENDING:.spec.trafficPolicy.connectionPool.http.http1MaxPendingRequests,MAX_REQUESTS:.spec.trafficPolicy.connectionPool.http.http2MaxRequests"),
                Patch(
                    PatchKind::Fragment,
                    "spec:\n  trafficPolicy:\n    connectionPool:\n      tcp:\n        maxConnections: 1000\n      http:\n        http1MaxPendingRequests: 1000\n        http2MaxRequests: 1000\n",
                ),
                Note(
                    "The numbers are examples: take the peak that one client proxy needs, plus a margin that the upstream can carry from all clients together.",
                    "数字只是示例：按单个客户端代理的峰值加余量来定，并确认所有客户端加起来上游扛得住。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config cluster {pod}.{namespace} --fqdn {host} --port {port} -o json | grep -A 12 '\"circuitBreakers\"'"),
                Note(
                    "The new limits are shown. Then repeat the same load and count again: the second command must print 0.",
                    "输出里应是新的上限。然后用同样的压力再跑一遍，下面这条命令应输出 0。",
                ),
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=5m | grep -c overflow"),
            ],
        },
        Fix {
            id: "relieve-upstream",
            applicability: Manual,
            steps: &[Note(
                "Give the upstream more replicas or make it answer faster: requests in flight equal the rate times the response time, so a slow upstream fills any limit.",
                "给上游扩容，或者让它响应得更快：在途请求数等于请求速率乘以响应时间，上游一慢，多大的上限都会被打满。",
            )],
            verify: &[
                Command("kubectl exec {pod} -n {namespace} -c istio-proxy -- pilot-agent request GET clusters | grep -F '{cluster}' | grep -E 'max_|active'"),
                Note(
                    "Under the same load the active counts stay below the limits, and no new line with the flag UO appears in the access log.",
                    "同样的压力下，active 计数低于上限，访问日志里不再出现带 UO 标志的新行。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/tasks/traffic-management/circuit-breaking/",
        "https://istio.io/latest/docs/reference/config/networking/destination-rule/#ConnectionPoolSettings",
        "https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/circuit_breaking",
        "Envoy source/common/conn_pool/conn_pool_base.cc, 1.40",
    ],
}
