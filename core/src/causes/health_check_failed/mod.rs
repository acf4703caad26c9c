//! 503 LH: the health check filter answered that this proxy, or a cluster that it watches, is not healthy.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW7006",
    slug: "health-check-failed",
    since: "0.1.0",
    error: Some(DestinationUnavailable),
    conditions: &[
        (
            Certain,
            Any(&[
                Details(Word::HealthCheckFailed),
                Details(Word::HealthCheckFailedClusterEmpty),
                Details(Word::HealthCheckFailedClusterUnhealthy),
                Details(Word::HealthCheckFailedNoClusterFound),
                Details(Word::HealthCheckCached),
            ]),
        ),
        (Likely, All(&[Flag(ResponseFlag::LH), Absent(Field::Details)])),
    ],
    confirm: &[Confirm {
        id: "which",
        steps: &[
            Command("kubectl exec {pod} -n {namespace} -c istio-proxy -- pilot-agent request GET stats | grep -E 'server\\.(live|state)'"),
            Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -A30 envoy.filters.http.health_check"),
            Command("istioctl proxy-config endpoints {pod}.{namespace}"),
            Note(
                "`server.live: 0`: the proxy was told to fail its health check, by a shutdown or by `healthcheck/fail`. Otherwise the second output names the clusters under `clusterMinHealthyPercentages`; look at their endpoints in the third.",
                "`server.live: 0`：代理被要求健康检查失败，可能是正在关闭，或有人调用了 `healthcheck/fail`。否则看第二条输出 `clusterMinHealthyPercentages` 里列的 cluster，再到第三条里看它们的 endpoint。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "healthy-endpoints",
            applicability: Manual,
            steps: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace}"),
                Note(
                    "Make the watched service healthy again (ready pods, no ejected endpoints), or lower the percentage in the filter. For `health_check_failed_no_cluster_found` correct the name in `cluster_min_healthy_percentages`: in Istio it has the form `outbound|PORT||HOST`.",
                    "让被检查的服务恢复健康（Pod 就绪、没有被摘除的 endpoint），或调低过滤器里的百分比。`health_check_failed_no_cluster_found` 则改正 `cluster_min_healthy_percentages` 里的名字：在 Istio 里形如 `outbound|PORT||HOST`。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace}"),
                Note("The endpoints are HEALTHY, and the health check answers 200.", "endpoint 为 HEALTHY，健康检查返回 200。"),
            ],
        },
        Fix {
            id: "end-maintenance",
            applicability: Review,
            steps: &[
                Command("kubectl exec {pod} -n {namespace} -c istio-proxy -- pilot-agent request POST healthcheck/ok"),
                Note(
                    "Only if somebody took this proxy out by `healthcheck/fail` and it is to serve again. A proxy that shuts down fails its health check on purpose, so that load balancers stop sending: let it.",
                    "仅当有人用 `healthcheck/fail` 摘掉了这个代理、现在要恢复服务时使用。正在关闭的代理是有意让健康检查失败，好让负载均衡不再发流量过来：不要干预。",
                ),
            ],
            verify: &[
                Command("kubectl exec {pod} -n {namespace} -c istio-proxy -- pilot-agent request GET stats | grep server.live"),
                Note("It prints 1, and the health check answers 200.", "输出 1，健康检查返回 200。"),
            ],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/health_check_filter",
        "https://www.envoyproxy.io/docs/envoy/latest/operations/admin#post--healthcheck-fail",
        "Envoy source/extensions/filters/http/health_check/health_check.cc, 1.40",
    ],
}
