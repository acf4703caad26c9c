//! 429 RL: a rate limit refused the request.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW6009",
    slug: "rate-limited",
    since: "0.1.0",
    error: Some(HttpRequestDenied),
    conditions: &[
        (
            Certain,
            Any(&[
                Details(Word::RequestRateLimited),
                Details(Word::LocalRateLimited),
                Details(Word::RateLimitedByQuota),
                Closed(CloseReason::RateLimit),
            ]),
        ),
        (Likely, All(&[Flag(ResponseFlag::RL), Absent(Field::Details)])),
    ],
    suspected: &[
        Suspicion {
            when: All(&[Status(429), Absent(Field::Details), Absent(Field::Flags), Absent(Field::UpstreamHost)]),
            decide_by: "the access log has `RL`, `local_rate_limited` or `request_rate_limited`",
            decide_by_zh: "access log 里有 `RL`、`local_rate_limited` 或 `request_rate_limited`",
        },
    ],
    confirm: &[Confirm {
        id: "limits",
        steps: &[
            Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -E -A6 '\"(tokenBucket|rateLimitService)\"'"),
            Command("istioctl proxy-config routes {pod}.{namespace} -o json | grep -E -A6 '\"(tokenBucket|rateLimits)\"'"),
            Command("kubectl get envoyfilters -A -o json | grep -n -E 'ratelimit|max_tokens'"),
            Note(
                "`tokenBucket` is a limit of this proxy alone: so many requests per interval and pod. `rateLimitService` and `rateLimits` mean that a service counts for all.",
                "`tokenBucket` 是单个代理自己的限额：每个 Pod 每个周期允许多少请求。有 `rateLimitService`、`rateLimits` 则表示由一个服务统一计数。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "slow-caller",
            applicability: Manual,
            steps: &[Note(
                "Let the caller spread its requests and wait before trying again, with growing and random pauses; a retry at once only uses up the next tokens. Retries on 429 by another proxy multiply the load as well.",
                "让调用方把请求摊开，被限后等一会儿再试，间隔逐步加长并带随机抖动；立刻重试只会耗掉下一批令牌。其他代理针对 429 的重试同样会放大压力。",
            )],
            verify: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=5m | grep -c -E 'local_rate_limited|request_rate_limited|rate_limited_by_quota'"),
                Note("The number falls, at last to 0.", "数字下降，最终为 0。"),
            ],
        },
        Fix {
            id: "local-limit",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    http_filter!("local-rate-limit", "        context: SIDECAR_INBOUND\n", "local_ratelimit", "LocalRateLimit", "token_bucket:", "  max_tokens: 400", "  tokens_per_fill: 400", "  fill_interval: 60s"),
                ),
                Note(
                    "For `local_rate_limited`. Better still, change the numbers in the EnvoyFilter that set the limit. It holds for each pod: with twice the pods twice as many requests pass. If the limit is on a route, change it there; for a gateway use the context GATEWAY.",
                    "针对 `local_rate_limited`。更好的做法是直接改原来设置限额的 EnvoyFilter。限额按 Pod 计算：Pod 翻倍，放行的请求也翻倍。如果限额设在路由上，就改路由；网关要把 context 换成 GATEWAY。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -A4 '\"tokenBucket\"'"),
                Note("The new numbers are there, and the load that is wanted passes.", "能看到新的数字，期望的流量可以通过。"),
            ],
        },
        Fix {
            id: "service-limit",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "data:\n  config.yaml: |\n    domain: ratelimit\n    descriptors:\n      - key: PATH\n        value: /productpage\n        rate_limit:\n          unit: minute\n          requests_per_unit: 100\n",
                ),
                Note(
                    "For `request_rate_limited`: the ConfigMap of Envoy's reference rate limit service. Domain and keys must be those that the proxy sends; restart the service if it does not watch the file.",
                    "针对 `request_rate_limited`：Envoy 官方限流服务的 ConfigMap。domain 和 key 必须与代理发送的一致；如果服务不会监视文件变化，要重启它。",
                ),
            ],
            verify: &[Note(
                "The load that is wanted passes, and the service's log shows the new limit.",
                "期望的流量可以通过，限流服务的日志里是新的限额。",
            )],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/tasks/policy-enforcement/rate-limit/",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/local_rate_limit_filter",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/rate_limit_filter",
        "Envoy source/extensions/filters/http/local_ratelimit/local_ratelimit.cc, 1.40",
    ],
}
