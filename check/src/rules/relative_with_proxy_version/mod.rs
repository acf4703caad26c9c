//! Patches for the same filter depend on each other and on the version of the proxy.

use super::relative_without_priority::relative_patches;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC755",
    slug: "relative-with-proxy-version",
    since: "0.1.0",
    severity: Info,
    persona: Pedantic,
    explains: [],
    equivalent: &["IST0155"],
    kinds: [EnvoyFilter],
    message: "{operation} without a priority, beside a patch for the same filter that is for single proxy versions",
    message_zh: "{operation} 没有写 priority，而同一个 filter 另有按 proxyVersion 匹配的 patch",
    confirm: &[
        Confirm {
            id: "versions",
            steps: &[
                Command("istioctl proxy-status"),
                Note("Proxies of more than one version are connected.", "连着的代理不止一个版本。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "priority",
            applicability: Review,
            steps: &[Patch(PatchKind::Fragment, "# EnvoyFilter\nspec:\n  priority: 10\n")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &["https://istio.io/latest/docs/reference/config/analysis/ist0155/"],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for (filter, patch, is_versioned) in relative_patches(mesh) {
        let Some(operation) = patch.operation() else { continue };
        if is_versioned {
            findings.add(Finding::new(&filter.0, operation).with("operation", operation.text().unwrap_or_default()));
        }
    }
}
