//! A namespace without a label gets proxies, since injection is on by default.

use crate::finding::{Finding, Findings};
use crate::mesh::{Mesh, ROOT_NAMESPACE};
use crate::model::{Injector, ResourceKind};
use crate::rules::declare_rule;
use crate::vocabulary::labels::{DATAPLANE_MODE, INJECTION, REVISION};

declare_rule! {
    code: "MWC714",
    slug: "injected-by-default",
    since: "0.1.0",
    severity: Info,
    explains: [],
    equivalent: &["IST0148"],
    kinds: [Namespace],
    message: "pods of namespace {name} get a proxy without asking",
    message_zh: "namespace {name} 没有声明，也会被注入代理",
    confirm: &[
Confirm { id: "values", steps: &[Command("kubectl -n istio-system get configmap istio-sidecar-injector -o jsonpath='{.data.values}'"), Note("enableNamespacesByDefault is true.", "enableNamespacesByDefault 为 true。")] },
    ],
    fixes: &[
Fix { id: "say-so", applicability: Safe, steps: &[Command("kubectl label namespace {namespace} istio-injection=enabled"), Note("Or `disabled`, where no proxy is wanted.", "不需要代理就写 `disabled`。")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/reference/config/analysis/ist0148/",
"https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let Some(injector) = Injector::all(mesh).find(|injector| injector.revision() == "default" && injector.is_on_by_default())
    else {
        return;
    };
    for namespace in mesh.of(ResourceKind::Namespace).filter(|namespace| namespace.name != ROOT_NAMESPACE) {
        let labels = namespace.labels();
        let is_labelled = labels.get(INJECTION).is_some_and(|value| !value.is_empty())
            || labels.get(REVISION).is_some()
            || labels.get(DATAPLANE_MODE) == Some("ambient");
        if is_labelled || namespace.name.starts_with("kube-") {
            continue;
        }
        let finding = Finding::new(&namespace, namespace.name_node()).with("name", namespace.name);
        findings.add(finding.beside(&injector.resource, injector.resource.name_node()));
    }
}
