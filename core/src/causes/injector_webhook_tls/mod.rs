//! The API server does not trust the certificate of the injection webhook.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW9011",
    slug: "injector-webhook-tls",
    since: "0.1.0",
    error: None,
    conditions: &[(Certain, Event(event::Event::WebhookUntrusted))],
    confirm: &[Confirm {
        id: "ca-bundle",
        steps: &[
            Command("kubectl get mutatingwebhookconfigurations -l app=sidecar-injector"),
            Command("kubectl get mutatingwebhookconfiguration istio-sidecar-injector -o jsonpath='{.webhooks[0].clientConfig.caBundle}' | md5sum"),
            Command("kubectl -n istio-system get configmap istio-ca-root-cert -o jsonpath='{.data.root-cert\\.pem}' | base64 -w 0 | md5sum"),
            Note(
                "Different sums: the webhook has an old or empty `caBundle`. With revisions the name is `istio-sidecar-injector-REVISION` or `istio-revision-tag-…`; check each one, and look whether its Service still exists.",
                "两个值不同：webhook 里的 `caBundle` 是旧的或为空。使用 revision 时名字是 `istio-sidecar-injector-REVISION` 或 `istio-revision-tag-…`；逐个检查，同时看它指向的 Service 是否还在。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "reload",
            applicability: Review,
            steps: &[
                Command("kubectl -n istio-system rollout restart deployment istiod"),
                Command("kubectl -n istio-system rollout status deployment istiod"),
                Note(
                    "istiod writes the current root into the webhooks when it starts and whenever they change. If its CA was replaced by hand (`cacerts`), every workload has to be restarted, too, or the old root kept in `cacerts` until all certificates have been renewed.",
                    "istiod 启动时以及 webhook 变动时，会把当前根证书写进去。如果手工换过 CA（`cacerts`），所有工作负载也要重启，或者把旧根证书保留在 `cacerts` 里直到证书全部轮换完。",
                ),
            ],
            verify: &[
                Command("kubectl get mutatingwebhookconfiguration istio-sidecar-injector -o jsonpath='{.webhooks[0].clientConfig.caBundle}' | md5sum"),
                Command("kubectl -n {namespace} run injection-test --image=registry.k8s.io/pause:3.10 --dry-run=server -o name"),
                Note("The sum is now that of the root certificate, and the test pod is accepted.", "值与根证书一致，且测试 Pod 能通过校验。"),
            ],
        },
        Fix {
            id: "stop-overwriting",
            applicability: Manual,
            steps: &[
                Command("kubectl get mutatingwebhookconfiguration istio-sidecar-injector -o yaml --show-managed-fields | grep -E 'manager:|caBundle'"),
                Note(
                    "If the bundle turns stale again, something else writes it: exclude `webhooks[].clientConfig.caBundle` from GitOps (`ignoreDifferences` in Argo CD, a drift-ignore rule in Flux), and delete webhooks of a revision that was removed (`istioctl uninstall --revision REVISION`, `istioctl tag remove TAG`).",
                    "如果又变成旧值，说明有别的东西在写它：让 GitOps 忽略 `webhooks[].clientConfig.caBundle`（Argo CD 的 `ignoreDifferences`，Flux 的漂移忽略规则），并清理已卸载 revision 残留的 webhook（`istioctl uninstall --revision REVISION`、`istioctl tag remove TAG`）。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} run injection-test --image=registry.k8s.io/pause:3.10 --dry-run=server -o name"),
                Note("It is still accepted after the next synchronisation of the GitOps tool.", "GitOps 下一次同步之后仍能通过。"),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/common-problems/injection/#x509-certificate-related-errors",
        "https://istio.io/latest/docs/tasks/security/cert-management/plugin-ca-cert/",
        "https://github.com/istio/istio/issues/6186",
    ],
}
