//! 403 …due-to-bad-CUSTOM-action: a CUSTOM policy names a provider that istiod cannot build.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW6007",
    slug: "ext-authz-misconfigured",
    since: "0.1.0",
    error: Some(ProxyConfigurationError),
    refines: rbac_denied,
    conditions: &[(Certain, Any(&[BadCustomAction, Event(event::Event::ExtAuthzProviderMissing)]))],
    confirm: &[
        Confirm {
            id: "names",
            steps: &[
                Command("kubectl get authorizationpolicies -A -o custom-columns=NS:.metadata.namespace,NAME:.metadata.name,ACTION:.spec.action,PROVIDER:.spec.provider.name"),
                Command("kubectl get configmap istio -n istio-system -o jsonpath='{.data.mesh}' | grep -A20 extensionProviders"),
                Note(
                    "Each provider of the first list must appear by the same name in the second. With a revision the ConfigMap is called `istio-REVISION`.",
                    "第一张表里的每个 provider，都必须以同样的名字出现在第二份输出里。带 revision 安装时 ConfigMap 名为 `istio-REVISION`。",
                ),
            ],
        },
        Confirm {
            id: "istiod-log",
            steps: &[
                Command("kubectl logs -n istio-system deployment/istiod -c discovery | grep 'failed to process CUSTOM action'"),
                Note(
                    "The line says what is wrong: `available providers are … but found`, `found errors in provider` (for instance a service that istiod does not know), or `only 1 provider can be used per workload`.",
                    "日志里写明了原因：`available providers are … but found`（没有这个名字）、`found errors in provider`（例如 istiod 不认识所填的服务），或者 `only 1 provider can be used per workload`（同一工作负载用了多个 provider）。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "define-provider",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "meshConfig:\n  extensionProviders:\n    - name: PROVIDER\n      envoyExtAuthzGrpc:\n        service: AUTHORIZER.NAMESPACE.svc.cluster.local\n        port: 9000\n        timeout: 1s\n",
                ),
                Note(
                    "For an HTTP authorizer use `envoyExtAuthzHttp`. `service` must be the full host name of a Service or ServiceEntry, and `port` one of its ports. Change it where the mesh configuration is kept (Helm values or IstioOperator): a list in a second place replaces the first.",
                    "HTTP 类型的授权服务用 `envoyExtAuthzHttp`。`service` 必须是 Service 或 ServiceEntry 的完整域名，`port` 必须是它声明过的端口。要在实际维护网格配置的地方改（Helm values 或 IstioOperator）：列表在另一处再写一份会整体覆盖。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -c 'envoy.filters.http.ext_authz'"),
                Note(
                    "Above 0, and the request is decided by the authorizer. istiod reads the mesh configuration without a restart.",
                    "大于 0，请求由外部授权服务来判断。istiod 不用重启就会读取新的网格配置。",
                ),
            ],
        },
        Fix {
            id: "correct-policy",
            applicability: Review,
            steps: &[
                Patch(PatchKind::Fragment, "spec:\n  action: CUSTOM\n  provider:\n    name: PROVIDER\n"),
                Note(
                    "Merge into the policy if its name of the provider is misspelt. Before Istio 1.30 all CUSTOM policies of one workload must name the same provider.",
                    "如果策略里 provider 的名字写错了，合并到该策略。Istio 1.30 之前，同一工作负载上的所有 CUSTOM 策略必须使用同一个 provider。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -c 'due-to-bad-CUSTOM-action'"),
                Note(
                    "0: no rule of that name is left, and the request is decided by the authorizer.",
                    "输出 0：不再有这样的规则，请求由外部授权服务来判断。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/tasks/security/authorization/authz-custom/",
        "https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/",
        "https://github.com/istio/istio/issues/40944",
        "Istio pilot/pkg/security/authz/builder/builder.go, 1.30",
    ],
}
