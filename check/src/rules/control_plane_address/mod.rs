//! A webhook of Istio has no address, or one that cannot be read.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Webhook;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC718",
    slug: "control-plane-address",
    since: "0.1.0",
    severity: Warning,
    explains: [injector_webhook_unreachable],
    equivalent: &["IST0163"],
    kinds: [MutatingWebhookConfiguration, ValidatingWebhookConfiguration],
    message: "webhook {name} has no address that can be called",
    message_zh: "webhook {name} 没有可用的地址",
    confirm: &[
Confirm { id: "url", steps: &[Command("kubectl get mutatingwebhookconfigurations -o jsonpath='{.items[*].webhooks[*].clientConfig.url}'")] },
    ],
    fixes: &[
Fix { id: "address", applicability: Review, steps: &[Patch(PatchKind::Fragment, "# values of the remote cluster\nistiodRemote:\n  injectionURL: https://istiod.example.com:15017/inject\n")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/reference/config/analysis/ist0163/",
"https://istio.io/latest/docs/setup/install/external-controlplane/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for webhook in Webhook::of_control_planes(mesh) {
        let client = webhook.node.get("clientConfig");
        let url = client.and_then(|client| client.get("url"));
        let has_service = client.is_some_and(|client| client.get("service").is_some_and(|service| !service.is_empty()));
        let is_missing = url.is_none_or(Node::is_empty) && !has_service;
        let is_broken = url.and_then(Node::as_str).is_some_and(|url| !url.is_empty() && webhook.address().is_none());
        if is_missing || is_broken {
            let place = url.or(client).unwrap_or(webhook.node);
            let name = webhook.node.get("name").and_then(Node::text).unwrap_or(webhook.config.name);
            findings.add(Finding::new(&webhook.config, place).with("name", name));
        }
    }
}
