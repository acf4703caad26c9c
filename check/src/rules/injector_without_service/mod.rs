//! The webhook of the injector calls a Service that is not there.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::{Lookup, Mesh};
use crate::model::{ResourceKind, Webhook};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC717",
    slug: "injector-without-service",
    since: "0.1.0",
    severity: Error,
    explains: [injector_webhook_unreachable],
    equivalent: &["IST0139"],
    kinds: [MutatingWebhookConfiguration],
    message: "webhook {name} calls Service {service} in {namespace}, which is not there",
    message_zh: "webhook {name} 调用的 Service {service}（{namespace}）不存在",
    confirm: &[
Confirm { id: "service", steps: &[Command("kubectl -n {service_namespace} get service {service}"), Command("kubectl -n {namespace} get events --field-selector reason=FailedCreate")] },
    ],
    fixes: &[
Fix { id: "remove", applicability: Review, steps: &[Command("istioctl tag list"), Note("Delete the webhook of the control plane that is gone, or name the Service of the one that is there.", "删掉已不存在的控制面的 webhook，或者改成现有控制面的 Service。")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/reference/config/analysis/ist0139/",
"https://istio.io/latest/docs/ops/common-problems/injection/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for webhook in Webhook::injectors(mesh) {
        let Some(service) = webhook.node.at(&["clientConfig", "service"]) else { continue };
        let (Some(name), Some(namespace)) = (service.get("name"), service.get("namespace").and_then(Node::text)) else {
            continue;
        };
        let Some(text) = name.text() else { continue };
        // A file with the Service of a control plane holds all of the installation.
        let file = webhook.config.place().file;
        let mut services = mesh.in_namespace(ResourceKind::Service, namespace);
        let has_istiod = services.any(|service| service.name.starts_with("istiod") && service.place().file == file);
        match mesh.host(&format!("{text}.{namespace}.svc.cluster.local"), namespace) {
            Lookup::Missing | Lookup::Elsewhere if has_istiod => {
                let finding = Finding::new(&webhook.config, name).with("name", webhook.config.name);
                findings.add(finding.with("service", text).with("namespace", namespace).likely());
            }
            Lookup::Missing | Lookup::Elsewhere => findings.unknown(&webhook.config, name, format!("Service {namespace}/{text}")),
            Lookup::Found(_) => {}
        }
    }
}
