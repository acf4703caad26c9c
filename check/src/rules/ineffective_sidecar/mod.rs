//! A Sidecar is meant for pods that have no sidecar but ambient's ztunnel.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Resource, Workload};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC616",
    slug: "ineffective-sidecar",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &["IST0167"],
    kinds: [Sidecar],
    each: Resource,
    message: "{target} is in ambient mode and has no sidecar that this could configure",
    message_zh: "{target} 是 ambient 模式，没有 sidecar 可以让它配置",
    confirm: &[
        Confirm {
            id: "mode",
            steps: &[
                Command("kubectl get namespace {namespace} --show-labels"),
                Note("It has istio.io/dataplane-mode=ambient and no injection label.", "有 istio.io/dataplane-mode=ambient，没有注入标签。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "delete",
            applicability: Review,
            steps: &[Command("kubectl -n {namespace} get sidecars.networking.istio.io"), Note("Delete the Sidecar that nothing uses.", "把没有用到的 Sidecar 删掉。")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0167/",
        "https://istio.io/latest/docs/ambient/migrate/",
        "Istio pkg/config/analysis/analyzers/sidecar/selector.go, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, sidecar: Resource<'a>, findings: &mut Findings<'a>) {
    let namespace = mesh.namespace(sidecar.namespace);
    let Some(selector) = sidecar.selector() else {
        if let Some(namespace) = namespace.filter(is_ambient) {
            let finding = Finding::new(&sidecar, sidecar.name_node()).with("target", format!("namespace {}", namespace.name));
            findings.add(finding.beside(&namespace, namespace.name_node()));
        }
        return;
    };
    let has_sidecar =
        |workload: &Workload<'a>| workload.labels().get("sidecar.istio.io/inject") == Some("true") || workload.proxy().is_some();
    let is_in_ambient = |workload: &Workload<'a>| {
        let redirected = workload.annotations().get("ambient.istio.io/redirection") == Some("enabled");
        let labelled = workload.labels().get("istio.io/dataplane-mode");
        let by_label =
            labelled.map_or_else(|| namespace.is_some_and(|namespace| is_ambient(&namespace)), |mode| mode == "ambient");
        !has_sidecar(workload) && (redirected || by_label)
    };
    if let Some(workload) = mesh.selected(sidecar.namespace, selector).into_iter().find(is_in_ambient) {
        let finding = Finding::new(&sidecar, selector).with("target", workload.resource.id().to_string());
        findings.add(finding.beside(&workload.resource, workload.resource.name_node()));
    }
}

/// Whether pods of a namespace join the mesh without sidecars. Injection labels win.
fn is_ambient(namespace: &Resource<'_>) -> bool {
    let labels = namespace.labels();
    let is_injected =
        labels.get("istio-injection") == Some("enabled") || labels.get("istio.io/rev").is_some_and(|rev| !rev.is_empty());
    !is_injected && labels.get("istio.io/dataplane-mode") == Some("ambient")
}
