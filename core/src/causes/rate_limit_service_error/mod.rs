//! 500 RLSE: the rate limit service could not be asked, and the filter fails closed.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW6010",
    slug: "rate-limit-service-error",
    since: "0.1.0",
    error: Some(ProxyInternalError),
    conditions: &[
        (Certain, Any(&[Details(Word::RateLimiterError), Closed(CloseReason::RateLimitService)])),
        (Likely, All(&[Flag(ResponseFlag::RLSE), Absent(Field::Details)])),
    ],
    confirm: &[
        Confirm {
            id: "filter",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -A20 'envoy.filters.http.ratelimit'"),
                Note(
                    "`failureModeDeny` is true, and the cluster and timeout of the service are named; without `timeout` it is 20 ms.",
                    "`failureModeDeny` 为 true，并有限流服务的 cluster 和超时；没写 `timeout` 就是 20 毫秒。",
                ),
            ],
        },
        Confirm {
            id: "service",
            steps: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace} --cluster 'outbound|8081||RATELIMIT.NAMESPACE.svc.cluster.local'"),
                Command("kubectl logs -n NAMESPACE deployment/RATELIMIT --since=10m"),
                Note(
                    "Put in the cluster of the first step. No endpoint, or errors about Redis in the log, say why nobody answers.",
                    "换成上一步里的 cluster。没有 endpoint，或日志里有 Redis 报错，就是没人应答的原因。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "service",
            applicability: Manual,
            steps: &[Note(
                "Bring the rate limit service back: ready pods, its Redis reachable, a Service port named `grpc…` or `http2…`, and a `Sidecar` resource or `exportTo` that does not hide it from this proxy.",
                "恢复限流服务：Pod 就绪、Redis 可达、Service 端口名为 `grpc…` 或 `http2…`，并且没有被 `Sidecar` 资源或 `exportTo` 挡在本代理之外。",
            )],
            verify: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=1m | grep rate_limiter_error"),
                Note("No new lines while requests come in.", "有请求进来时没有新的日志。"),
            ],
        },
        Fix {
            id: "timeout",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    http_filter!("rate-limit-service", "", "ratelimit", "RateLimit", "timeout: 0.25s"),
                ),
                Note(
                    "If the service is well but slower than 20 ms. Better still, change it in the EnvoyFilter that inserts the filter. It is added to the latency of every request that waits in vain.",
                    "适用于服务正常、但应答超过 20 毫秒的情况。更好的做法是直接改插入过滤器的那个 EnvoyFilter。等不到应答的请求，延迟都会增加这么多。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -A20 'envoy.filters.http.ratelimit'"),
                Note("The timeout is 0.250s, and RLSE no longer appears.", "超时为 0.250s，不再出现 RLSE。"),
            ],
        },
        Fix {
            id: "let-through",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    http_filter!("rate-limit-open", "", "ratelimit", "RateLimit", "failure_mode_deny_percent:", "  runtime_key: ratelimit.failure_mode_deny_percent", "  default_value:", "    numerator: 0"),
                ),
                Note(
                    "Requests then pass uncounted while the service is away: Envoy's default, which `failure_mode_deny: true` (as in the Istio task's sample) turns off. A merge cannot set a flag back to false, hence the percentage (Envoy 1.35, Istio 1.27 and later); where the EnvoyFilter that inserts the filter is yours, delete `failure_mode_deny` there instead.",
                    "限流服务不可用时请求直接放行、不计数：这是 Envoy 的默认行为，被 `failure_mode_deny: true`（Istio 官方示例就这么写）关掉了。merge 无法把开关改回 false，所以这里用比例（Envoy 1.35、Istio 1.27 起）；如果插入过滤器的 EnvoyFilter 由你维护，直接删掉其中的 `failure_mode_deny`。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -A24 'envoy.filters.http.ratelimit'"),
                Note("The new field is there, and requests are no longer answered 500.", "能看到新字段，请求不再得到 500。"),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/tasks/policy-enforcement/rate-limit/",
        "https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/ratelimit/v3/rate_limit.proto",
        "Envoy source/extensions/filters/http/ratelimit/ratelimit.cc, 1.40",
    ],
}
