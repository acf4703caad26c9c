//! A webhook calls an external control plane by its IP address.

use std::net::IpAddr;

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Webhook;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC719",
    slug: "control-plane-ip",
    since: "0.1.0",
    severity: Info,
    explains: [],
    equivalent: &["IST0164"],
    kinds: [MutatingWebhookConfiguration, ValidatingWebhookConfiguration],
    message: "webhook {name} calls {url} by its address",
    message_zh: "webhook {name} 直接用 IP 调用 {url}",
    confirm: &[
Confirm { id: "url", steps: &[Command("kubectl get mutatingwebhookconfigurations -o jsonpath='{.items[*].webhooks[*].clientConfig.url}'")] },
    ],
    fixes: &[
Fix { id: "name", applicability: Review, steps: &[Patch(PatchKind::Fragment, "# values of the remote cluster\nistiodRemote:\n  injectionURL: https://istiod.example.com:15017/inject\n")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/reference/config/analysis/ist0164/",
"https://istio.io/latest/docs/setup/install/external-controlplane/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for webhook in Webhook::of_control_planes(mesh) {
        let Some(url) = webhook.node.at(&["clientConfig", "url"]) else { continue };
        if webhook.address().is_some_and(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()) {
            let name = webhook.node.get("name").and_then(Node::text).unwrap_or(webhook.config.name);
            findings.add(Finding::new(&webhook.config, url).with("name", name).with("url", url.text().unwrap_or_default()));
        }
    }
}
