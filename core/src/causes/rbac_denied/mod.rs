//! 403 rbac_access_denied: an AuthorizationPolicy refused the request.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW6001",
    slug: "rbac-denied",
    since: "0.1.0",
    error: Some(HttpRequestDenied),
    conditions: &[(Certain, Any(&[RbacDenied, Closed(CloseReason::Rbac)]))],
    suspected: &[
        Suspicion {
            when: All(&[Status(403), Absent(Field::Details), Absent(Field::Flags), Absent(Field::UpstreamHost)]),
            decide_by: "the access log has `rbac_access_denied_matched_policy[…]`, or the body is `RBAC: access denied`",
            decide_by_zh: "access log 里是 `rbac_access_denied_matched_policy[…]`，或响应体为 `RBAC: access denied`",
        },
    ],
    confirm: &[
        Confirm {
            id: "policies",
            steps: &[
                Command("istioctl x authz check {pod}.{namespace}"),
                Command("kubectl get authorizationpolicies -A"),
                Note(
                    "The first lists what this proxy enforces; policies in the root namespace (usually `istio-system`) hold for all namespaces.",
                    "第一条列出本代理实际执行的策略；根 namespace（通常是 `istio-system`）里的策略对所有 namespace 生效。",
                ),
            ],
        },
        Confirm {
            id: "policy",
            steps: &[
                Command("kubectl get authorizationpolicy {policy} -n {policy_namespace} -o yaml"),
                Note(
                    "Only if the details name a policy. `rule[0]` is the first entry under `rules`.",
                    "仅当 details 里有策略名时可用。`rule[0]` 指 `rules` 下的第一条。",
                ),
            ],
        },
        Confirm {
            id: "substitute",
            steps: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy | grep 'error in converting the wasm config to local'"),
                Note(
                    "A line here means that a Wasm module could not be fetched and a filter that denies everything stands in for it: no AuthorizationPolicy is at fault.",
                    "如果有输出，说明 Wasm 模块拉取失败，被一个拒绝所有请求的过滤器顶替了：与 AuthorizationPolicy 无关。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "allow-caller",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata:\n  name: {workload}-allow-caller\n  namespace: {namespace}\nspec:\n  selector:\n    matchLabels:\n      app: {workload}\n  action: ALLOW\n  rules:\n    - from:\n        - source:\n            principals:\n              - cluster.local/ns/CALLER-NAMESPACE/sa/CALLER-SERVICE-ACCOUNT\n",
                ),
                Note(
                    "Put in the caller's namespace and service account, and the labels of this workload. Better still, add the rule to the ALLOW policy that exists. Principals exist only under mTLS: a caller without sidecar never matches.",
                    "把调用方的 namespace 和 service account，以及本工作负载的标签填进去；更好的做法是把这条规则加到已有的 ALLOW 策略里。principals 依赖 mTLS，没有 sidecar 的调用方永远匹配不上。",
                ),
            ],
            verify: &[
                Command("istioctl x authz check {pod}.{namespace}"),
                Note(
                    "The rule is listed. Let the caller send the request again: the answer is no longer 403 with `RBAC: access denied`.",
                    "列表里有这条规则。让调用方重新发请求：不再返回 403 和 `RBAC: access denied`。",
                ),
            ],
        },
        Fix {
            id: "narrow-deny",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "spec:\n  action: DENY\n  rules:\n    - from:\n        - source:\n            notPrincipals:\n              - cluster.local/ns/CALLER-NAMESPACE/sa/CALLER-SERVICE-ACCOUNT\n      to:\n        - operation:\n            paths:\n              - /admin/*\n",
                ),
                Note(
                    "Merge into the policy that the details name: except the caller, or name the denied paths more exactly. DENY is evaluated before ALLOW, so an ALLOW policy cannot overrule it.",
                    "合并到 details 里点名的那个策略：把调用方排除在外，或者把拒绝的路径写得更精确。DENY 先于 ALLOW 判断，另加 ALLOW 策略不起作用。",
                ),
            ],
            verify: &[
                Command("kubectl get authorizationpolicy {policy} -n {policy_namespace} -o yaml"),
                Note(
                    "The rule is narrower. Let the caller send the request again: it is answered, and requests that must stay denied still get 403.",
                    "规则已收窄。让调用方重新发请求：能正常返回，而该拒绝的请求仍然是 403。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/security/authorization-policy/",
        "https://istio.io/latest/docs/ops/common-problems/security-issues/",
        "https://github.com/envoyproxy/envoy/issues/36346",
        "Envoy source/extensions/filters/http/rbac/rbac_filter.cc, 1.40",
    ],
}
