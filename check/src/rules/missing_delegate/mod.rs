//! A route leaves its requests to a VirtualService that is not there.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{ResourceKind, VirtualService};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC223",
    slug: "missing-delegate",
    since: "0.1.0",
    severity: Error,
    explains: [no_route],
    equivalent: &[],
    kinds: [VirtualService],
    each: VirtualService,
    message: "no VirtualService {namespace}/{name} without hosts takes these requests",
    message_zh: "没有不带 hosts 的 VirtualService {namespace}/{name} 来处理这些请求",
    confirm: &[
        Confirm {
            id: "delegates",
            steps: &[
                Command("kubectl get virtualservices --all-namespaces"),
                Note("The delegate is not in the list, or has hosts.", "列表里没有这个 delegate，或者它写了 hosts。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "delegate",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Resource,
                "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n  name: {service}-routes\n  namespace: {service_namespace}\nspec:\n  http:\n    - route:\n        - destination:\n            host: {service}\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &["https://istio.io/latest/docs/reference/config/networking/virtual-service/#Delegate", "Istio pilot/pkg/model/virtualservice.go, 1.30"],
}

fn check<'a>(mesh: &Mesh<'a>, root: VirtualService<'a>, findings: &mut Findings<'a>) {
    if root.is_delegate() {
        return;
    }
    for delegate in root.http().filter_map(|route| route.get("delegate")) {
        let Some((node, name)) = delegate.get("name").and_then(|node| Some((node, node.text()?))) else { continue };
        let namespace =
            delegate.get("namespace").and_then(Node::text).filter(|name| !name.is_empty()).unwrap_or(root.0.namespace);
        let finding = || Finding::new(&root.0, node).with("name", name).with("namespace", namespace);
        let all = || mesh.in_namespace(ResourceKind::VirtualService, namespace).map(VirtualService);
        match mesh.find(ResourceKind::VirtualService, namespace, name).map(VirtualService) {
            Some(found) if found.is_delegate() => {}
            Some(found) => findings.add(finding().beside(&found.0, found.0.spec().get("hosts").unwrap_or(found.0.root))),
            None if all().any(|other| other.is_delegate()) => findings.add(finding().likely()),
            None => findings.unknown(&root.0, node, format!("VirtualService {namespace}/{name}")),
        }
    }
}
