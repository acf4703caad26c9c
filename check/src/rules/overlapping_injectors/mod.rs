//! Two webhooks inject into the same pods.

use std::collections::BTreeSet;

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Webhook;
use crate::rules::declare_rule;
use crate::vocabulary::labels::REVISION;

declare_rule! {
    code: "MWC716",
    slug: "overlapping-injectors",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0139"],
    kinds: [MutatingWebhookConfiguration],
    message: "webhook {name} selects the same pods as {other}",
    message_zh: "webhook {name} 和 {other} 匹配同一批 Pod",
    confirm: &[
Confirm { id: "list", steps: &[Command("kubectl get mutatingwebhookconfigurations"), Command("istioctl tag list")] },
    ],
    fixes: &[
Fix { id: "remove", applicability: Review, steps: &[Command("kubectl delete mutatingwebhookconfiguration istio-sidecar-injector"), Note("Delete the one of the installation that is not used; give each control plane a revision of its own.", "删掉不再使用的那套安装的 webhook；每套控制面各用一个 revision。")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/reference/config/analysis/ist0139/",
"https://istio.io/latest/docs/setup/upgrade/canary/",
    ],
}

/// More webhooks than any mesh has; those of more are not compared.
const MOST: usize = 40;

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let webhooks: Vec<_> = Webhook::injectors(mesh).collect();
    if webhooks.len() > MOST {
        return;
    }
    let revisions: BTreeSet<&str> = webhooks.iter().flat_map(Webhook::revisions).collect();
    let namespaces = combinations("istio-injection", ["enabled", "disabled"], &revisions);
    let pods = combinations("sidecar.istio.io/inject", ["true", "false"], &revisions);
    for (at, webhook) in webhooks.iter().enumerate() {
        let meets = |other: &Webhook<'a>| {
            let both = |part: &str, labels: &[(&str, &str)]| webhook.is_selected(part, labels) && other.is_selected(part, labels);
            namespaces.iter().any(|labels| both("namespaceSelector", labels))
                && pods.iter().any(|labels| both("objectSelector", labels))
        };
        // A later manifest of the same name takes the place of the earlier.
        let others =
            webhooks.iter().enumerate().filter(|(index, other)| *index != at && other.config.name != webhook.config.name);
        let Some((_, other)) = others.into_iter().find(|(_, other)| meets(other)) else { continue };
        let place = webhook.node.get("name").unwrap_or(webhook.node);
        let finding = Finding::new(&webhook.config, place).with("name", webhook.config.name).with("other", other.config.name);
        findings.add(mesh.weighed(finding.beside(&other.config, other.node)));
    }
}

/// The labels that namespaces or pods may have: one key with either value or none, and each revision or none.
fn combinations<'a>(key: &'a str, values: [&'a str; 2], revisions: &BTreeSet<&'a str>) -> Vec<Vec<(&'a str, &'a str)>> {
    let own = std::iter::once(None).chain(values.into_iter().map(Some));
    let with_revision = |value: Option<&'a str>| {
        let revisions = std::iter::once(None).chain(revisions.iter().copied().map(Some));
        revisions.map(move |revision| {
            value.map(|value| (key, value)).into_iter().chain(revision.map(|name| (REVISION, name))).collect()
        })
    };
    own.flat_map(with_revision).collect()
}
