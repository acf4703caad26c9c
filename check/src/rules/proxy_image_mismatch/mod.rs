//! Pods run another proxy image than their control plane injects today.

use std::collections::BTreeMap;

use foldhash::HashMap;

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Injector, ResourceKind, Workload};
use crate::rules::declare_rule;
use crate::vocabulary::labels::{INJECTION, REVISION};

declare_rule! {
    code: "MWC715",
    slug: "proxy-image-mismatch",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &["IST0158"],
    kinds: [Pod],
    message: "{count} pods of namespace {name} run another proxy than {image}, {pod} for one",
    message_zh: "namespace {name} 有 {count} 个 Pod 的代理不是 {image}，例如 {pod}",
    confirm: &[
Confirm { id: "status", steps: &[Command("istioctl proxy-status"), Note("The versions of the proxies differ from that of istiod.", "代理的版本和 istiod 不一致。")] },
    ],
    fixes: &[
Fix { id: "restart", applicability: Review, steps: &[Command("kubectl -n {namespace} rollout restart deployment")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/reference/config/analysis/ist0158/",
"https://istio.io/latest/docs/setup/upgrade/in-place/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let images: HashMap<&str, String> =
        Injector::all(mesh).filter_map(|injector| Some((injector.revision(), injector.proxy_image()?))).collect();
    if images.is_empty() {
        return;
    }
    let mut old: BTreeMap<&str, Vec<(Workload<'a>, Node<'a>)>> = BTreeMap::new();
    for pod in mesh.workloads().iter().filter(|workload| workload.resource.kind == ResourceKind::Pod) {
        let has_own_image = pod.annotations().get("sidecar.istio.io/proxyImage").is_some();
        let Some(wanted) = revision(mesh, pod).and_then(|revision| images.get(revision)) else { continue };
        let Some(image) = pod.proxy().and_then(|proxy| proxy.0.get("image")).filter(|_| !has_own_image) else { continue };
        if image.text().is_some_and(|image| !is_of(image, wanted)) {
            old.entry(pod.resource.namespace).or_default().push((*pod, image));
        }
    }
    for (name, pods) in old {
        let (Some(namespace), Some((first, _))) = (mesh.namespace(name), pods.first()) else { continue };
        let wanted = revision(mesh, first).and_then(|revision| images.get(revision)).cloned().unwrap_or_default();
        let finding = Finding::new(&namespace, namespace.name_node()).with("name", name).with("image", wanted);
        let finding = finding.with("count", pods.len().to_string()).with("pod", first.resource.name);
        findings.add(pods.iter().take(MOST_SHOWN).fold(finding, |finding, (pod, image)| finding.beside(&pod.resource, *image)));
    }
}

/// How many pods are pointed at.
const MOST_SHOWN: usize = 10;

/// The revision that injects into a pod's namespace.
fn revision<'a>(mesh: &Mesh<'a>, pod: &Workload<'a>) -> Option<&'a str> {
    let labels = mesh.namespace(pod.resource.namespace)?.labels();
    let is_enabled = labels.get(INJECTION) == Some("enabled");
    labels.get(REVISION).or_else(|| is_enabled.then_some("default"))
}

/// Whether an image is the wanted one, or one of its variants.
fn is_of(image: &str, wanted: &str) -> bool {
    image.strip_prefix(wanted).is_some_and(|rest| matches!(rest, "" | "-distroless" | "-debug"))
}
