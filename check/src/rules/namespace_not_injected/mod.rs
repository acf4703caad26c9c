//! A namespace beside others with proxies has no label that asks for one.

use foldhash::HashSet;

use crate::finding::{Finding, Findings};
use crate::mesh::{Mesh, ROOT_NAMESPACE};
use crate::model::{Injector, Resource, ResourceKind, Workload};
use crate::rules::declare_rule;
use crate::vocabulary::labels::{DATAPLANE_MODE, INJECT, INJECTION, REVISION};

declare_rule! {
    code: "MWC701",
    slug: "namespace-not-injected",
    since: "0.1.0",
    severity: Info,
    persona: Pedantic,
    explains: [],
    equivalent: &["IST0102"],
    kinds: [Namespace],
    message: "nothing asks for a proxy in namespace {name}",
    message_zh: "namespace {name} 没有声明要不要注入代理",
    confirm: &[
Confirm { id: "labels", steps: &[Command("kubectl get namespace {namespace} --show-labels"), Note("None of istio-injection, istio.io/rev and istio.io/dataplane-mode is there.", "istio-injection、istio.io/rev、istio.io/dataplane-mode 一个都没有。")] },
    ],
    fixes: &[
Fix { id: "say-so", applicability: Review, steps: &[Patch(PatchKind::Fragment, "# Namespace\nmetadata:\n  labels:\n    istio-injection: enabled # or disabled\n")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/reference/config/analysis/ist0102/",
"https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let asks = |namespace: &Resource<'a>| {
        let labels = namespace.labels();
        let is_asked = labels.get(INJECTION) == Some("enabled") || labels.get(DATAPLANE_MODE) == Some("ambient");
        is_asked || labels.get(REVISION).is_some()
    };
    if !mesh.of(ResourceKind::Namespace).any(|namespace| asks(&namespace)) {
        return;
    }
    let decided: HashSet<&str> =
        mesh.workloads().iter().filter(|workload| decides(workload)).map(|workload| workload.resource.namespace).collect();
    let is_on_by_default = Injector::all(mesh).any(|injector| injector.is_on_by_default());
    for namespace in mesh.of(ResourceKind::Namespace) {
        let labels = namespace.labels();
        let is_labelled = labels.get(INJECTION).is_some_and(|value| !value.is_empty())
            || [REVISION, DATAPLANE_MODE].iter().any(|key| labels.get(key).is_some());
        if is_labelled || is_on_by_default || is_of_the_system(namespace.name) || decided.contains(namespace.name) {
            continue;
        }
        findings.add(Finding::new(&namespace, namespace.name_node()).with("name", namespace.name).likely());
    }
}

/// Whether a workload says itself whether it wants a proxy.
fn decides(workload: &Workload<'_>) -> bool {
    workload.proxy().is_some() || [INJECT, REVISION].iter().any(|key| workload.labels().get(key).is_some())
}

/// Where nobody injects: the control plane's own, and those of Kubernetes.
fn is_of_the_system(name: &str) -> bool {
    name == ROOT_NAMESPACE || name.starts_with("kube-") || name.starts_with("istio-")
}
