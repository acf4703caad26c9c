//! 403 UAEX ext_authz_denied: the external authorizer said no.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW6004",
    slug: "ext-authz-denied",
    since: "0.1.0",
    error: Some(HttpRequestDenied),
    conditions: &[
        (Certain, Any(&[All(&[Details(Word::ExtAuthzDenied), Not(&StatusClass(3))]), Closed(CloseReason::ExtAuthz)])),
        (Likely, All(&[Flag(ResponseFlag::UAEX), Absent(Field::Details), Absent(Field::PolicyStatus), Not(&StatusClass(3))])),
    ],
    suspected: &[
        Suspicion {
            when: All(&[Any(&[Status(401), Status(403)]), Absent(Field::Details), Absent(Field::Flags), Absent(Field::UpstreamHost)]),
            decide_by: "the access log has `UAEX` or `ext_authz_denied`",
            decide_by_zh: "access log 里有 `UAEX` 或 `ext_authz_denied`",
        },
    ],
    confirm: &[
        Confirm {
            id: "policy",
            steps: &[
                Command("kubectl get authorizationpolicies -A -o custom-columns=NS:.metadata.namespace,NAME:.metadata.name,ACTION:.spec.action,PROVIDER:.spec.provider.name"),
                Note(
                    "Policies with action CUSTOM send their requests to the provider in the last column.",
                    "动作为 CUSTOM 的策略会把请求交给最后一列的 provider 判断。",
                ),
            ],
        },
        Confirm {
            id: "provider",
            steps: &[
                Command("kubectl get configmap istio -n istio-system -o jsonpath='{.data.mesh}' | grep -A20 extensionProviders"),
                Note(
                    "It names the authorizer's service and the headers it is sent; with a revision the ConfigMap is called `istio-REVISION`. Its log has the reason of the refusal, under the same request id.",
                    "这里有外部授权服务的地址和发给它的请求头；带 revision 安装时 ConfigMap 名为 `istio-REVISION`。拒绝的理由在外部授权服务自己的日志里，用 request id 去找。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "decision",
            applicability: Manual,
            steps: &[Note(
                "If the refusal is right, the caller needs credentials or rights that the authorizer accepts. If it is wrong, change the authorizer's own rules; nothing in Istio decides here.",
                "如果拒绝是对的，调用方需要具备外部授权服务认可的凭证或权限；如果拒绝错了，就改外部授权服务自己的规则，这里并不是 Istio 在判断。",
            )],
            verify: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=1m | grep ext_authz_denied"),
                Note(
                    "No line for the same request, and it gets the application's own status.",
                    "同样的请求不再产生这样的日志，返回的是应用自己的状态码。",
                ),
            ],
        },
        Fix {
            id: "headers",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "meshConfig:\n  extensionProviders:\n    - name: PROVIDER\n      envoyExtAuthzHttp:\n        service: AUTHORIZER.NAMESPACE.svc.cluster.local\n        port: 8000\n        includeRequestHeadersInCheck:\n          - authorization\n          - cookie\n          - x-forwarded-for\n        headersToDownstreamOnDeny:\n          - content-type\n          - www-authenticate\n",
                ),
                Note(
                    "An HTTP authorizer sees only method, path, host, content length and `authorization` unless more headers are listed; a gRPC one sees all. The second list lets the caller see why it was refused.",
                    "HTTP 类型的外部授权服务默认只能看到方法、路径、host、content-length 和 `authorization`，其他请求头要列出来；gRPC 类型能看到全部。第二个列表让调用方看到被拒的原因。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -A12 '\"allowedHeaders\"'"),
                Note(
                    "The proxy sends these headers, and the request that the authorizer could not recognise before is allowed.",
                    "代理会带上这些请求头，之前因为缺请求头而认不出的请求现在能通过。",
                ),
            ],
        },
        Fix {
            id: "scope",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "spec:\n  action: CUSTOM\n  provider:\n    name: PROVIDER\n  rules:\n    - to:\n        - operation:\n            notPaths:\n              - /healthz\n              - /public/*\n",
                ),
                Note(
                    "Merge into the AuthorizationPolicy with action CUSTOM: these paths are no longer sent to the authorizer.",
                    "合并到动作为 CUSTOM 的 AuthorizationPolicy：这些路径不再交给外部授权服务。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep 'istio-ext-authz-ns'"),
                Note(
                    "The proxy has the policy under this name; requests to the exempted paths succeed, others are still checked.",
                    "代理上有这个名字的策略；豁免路径的请求能通过，其他请求仍然要检查。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/tasks/security/authorization/authz-custom/",
        "https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/",
        "https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/ext_authz/v3/ext_authz.proto",
        "Envoy source/extensions/filters/http/ext_authz/ext_authz.cc, 1.40",
    ],
}
