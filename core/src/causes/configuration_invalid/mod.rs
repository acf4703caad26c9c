//! Istio's validation refused a resource.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW9015",
    slug: "configuration-invalid",
    since: "0.1.0",
    error: None,
    conditions: &[
        (Certain, Event(event::Event::ConfigurationRefused)),
        (Likely, Event(event::Event::AnalysisMessage)),
    ],
    confirm: &[Confirm {
        id: "dry-run",
        steps: &[
            Command("istioctl validate -f resource.yaml"),
            Command("kubectl apply --dry-run=server -f resource.yaml"),
            Command("istioctl version"),
            Note(
                "Put your file's name in place of `resource.yaml`. The first command judges with istioctl's rules, the second asks the cluster without changing it. If only the second refuses, istioctl and istiod are of different versions.",
                "把 `resource.yaml` 换成你的文件名。第一条用 istioctl 自带的规则检查，第二条让集群检查但不做改动。只有第二条报错，说明 istioctl 和 istiod 版本不一致。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "analysis",
            applicability: Manual,
            steps: &[
                Command("istioctl analyze -A"),
                Note(
                    "Each line names severity, code and resource. `meshwhy rules CODE` explains the code and shows a wrong and a right manifest; `meshwhy check` finds the same in files, with the line. With `IST0176` the CRDs of the Gateway API come first: `kubectl apply` the bundle of the version that the message asks for.",
                    "每行写明级别、代码和资源。`meshwhy rules 代码` 解释这个代码，并给出错误和正确的写法；`meshwhy check` 能在文件里找出同样的问题并给出行号。`IST0176` 要先升级 Gateway API 的 CRD：`kubectl apply` 消息里要求的那个版本。",
                ),
            ],
            verify: &[
                Command("istioctl analyze -A"),
                Note("The line is gone.", "这一行不再出现。"),
            ],
        },
        Fix {
            id: "correct-resource",
            applicability: Manual,
            steps: &[
                Command("istioctl analyze -n {namespace} resource.yaml"),
                Note(
                    "The text behind `configuration is invalid:` names the field and the rule; several faults stand behind each other. Usual ones: wrong indentation or a missing `-`, a host without a dot or with the wildcard elsewhere than first, weights that do not add up to 100, a `match` without a route, a port name or number outside its range, a regular expression that RE2 does not know (`*.example.com` instead of `.*\\.example\\.com`), an `@type` in an EnvoyFilter that does not exist.",
                    "`configuration is invalid:` 后面写明了字段和规则，有多处错误时会一并列出。常见的有：缩进错误或少了 `-`；host 里没有点，或通配符不在最前面；权重之和不是 100；有 `match` 却没有路由；端口名或端口号超出范围；RE2 不支持的正则（把 `.*\\.example\\.com` 写成了 `*.example.com`）；EnvoyFilter 里的 `@type` 不存在。",
                ),
            ],
            verify: &[
                Command("kubectl apply --dry-run=server -f resource.yaml"),
                Note("It ends in `(server dry run)` and names no error.", "输出以 `(server dry run)` 结尾，没有报错。"),
            ],
        },
        Fix {
            id: "known-version",
            applicability: Manual,
            steps: &[
                Command("istioctl version"),
                Command("kubectl get validatingwebhookconfigurations -o custom-columns='NAME:.metadata.name,SERVICE:.webhooks[*].clientConfig.service.name'"),
                Note(
                    "A field or an API version that this istiod does not know needs a newer one, CRDs first (Helm's chart `base`, or `istioctl upgrade`). With several revisions, resources without a revision label are judged by the default revision: move the tag `default` to the new one (`istioctl tag set default --revision REVISION --overwrite`).",
                    "istiod 不认识的字段或 API 版本，要升级才能用，并且先升级 CRD（Helm 的 `base` chart，或 `istioctl upgrade`）。有多个 revision 时，没带 revision 标签的资源由默认 revision 校验：把 `default` 标签指到新的 revision（`istioctl tag set default --revision REVISION --overwrite`）。",
                ),
            ],
            verify: &[
                Command("kubectl apply --dry-run=server -f resource.yaml"),
                Note("It ends in `(server dry run)` and names no error.", "输出以 `(server dry run)` 结尾，没有报错。"),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/common-problems/validation/#seemingly-valid-configuration-is-rejected",
        "https://istio.io/latest/docs/reference/commands/istioctl/#istioctl-validate",
        "https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/",
        "Istio pkg/webhooks/validation/server/server.go, 1.30",
    ],
}
