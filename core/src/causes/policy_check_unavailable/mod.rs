//! 503 UAEX with a Mixer status: the policy check of Istio 1.7 and earlier could not be made.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW6008",
    slug: "policy-check-unavailable",
    since: "0.1.0",
    error: Some(ProxyInternalError),
    conditions: &[(Certain, All(&[Flag(ResponseFlag::UAEX), Present(Field::PolicyStatus)]))],
    confirm: &[Confirm {
        id: "mixer",
        steps: &[
            Command("kubectl get endpoints istio-policy -n istio-system"),
            Command("kubectl get configmap istio -n istio-system -o jsonpath='{.data.mesh}' | grep disablePolicyChecks"),
            Note(
                "No addresses while policy checks are on: nobody can answer the check.",
                "策略检查开着，却没有地址：没有人能应答检查。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "upgrade",
            applicability: Manual,
            steps: &[Note(
                "Upgrade: Mixer is gone since Istio 1.8 (November 2020), and no release with it gets security fixes. What its adapters did is done by AuthorizationPolicy, by an external authorizer (action CUSTOM) or by Envoy's rate limit filters today.",
                "升级：Mixer 从 Istio 1.8（2020 年 11 月）起已被移除，带 Mixer 的版本都不再有安全修复。它的功能如今由 AuthorizationPolicy、外部授权服务（动作 CUSTOM）和 Envoy 的限流过滤器承担。",
            )],
            verify: &[
                Command("istioctl version"),
                Note(
                    "Control plane and proxies are 1.8 or later; new access-log lines have no `istio_policy_status`.",
                    "控制面和代理都是 1.8 或更高；新的访问日志里没有 `istio_policy_status`。",
                ),
            ],
        },
        Fix {
            id: "checks-off",
            applicability: Review,
            steps: &[
                Command("kubectl get configmap istio -n istio-system -o yaml | sed 's/disablePolicyChecks: false/disablePolicyChecks: true/' | kubectl apply -f -"),
                Command("kubectl rollout restart deployment {workload} -n {namespace}"),
                Note(
                    "Until then, if no adapter is in use: a proxy that still has the old filter drops it only when restarted.",
                    "升级之前，如果没有在用任何 adapter，可以先关掉检查；仍带旧过滤器的代理要重启才会去掉它。",
                ),
            ],
            verify: &[
                Command("kubectl get configmap istio -n istio-system -o jsonpath='{.data.mesh}' | grep disablePolicyChecks"),
                Note("It says true, and requests are no longer answered 503 UAEX.", "显示 true，请求不再得到 503 UAEX。"),
            ],
        },
        Fix {
            id: "mixer-pods",
            applicability: Review,
            steps: &[
                Command("kubectl scale deployment istio-policy -n istio-system --replicas=2"),
                Note("If its checks are needed.", "如果确实需要它的检查。"),
            ],
            verify: &[
                Command("kubectl get endpoints istio-policy -n istio-system"),
                Note("Two addresses, and requests succeed.", "有两个地址，请求恢复正常。"),
            ],
        },
    ],
    sources: &[
        "https://github.com/istio/istio/issues/19056",
        "https://istio.io/latest/news/releases/1.8.x/announcing-1.8/",
        "https://istio.io/latest/news/releases/1.8.x/announcing-1.8/upgrade-notes/",
    ],
}
