//! A Telemetry sends to a provider that the mesh configuration does not have, or to none.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::ResourceKind;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC803",
    slug: "unknown-telemetry-provider",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &["IST0157"],
    kinds: [Telemetry],
    message: "{part} goes nowhere: the mesh has no provider {provider}",
    message_zh: "{part} 没有去处：网格里没有 provider {provider}",
    confirm: &[
        Confirm {
            id: "providers",
            steps: &[
                Command("kubectl -n istio-system get configmap istio -o jsonpath='{.data.mesh}'"),
                Note(
                    "Neither extensionProviders nor defaultProviders has what the Telemetry counts on.",
                    "extensionProviders 和 defaultProviders 里都没有这个 Telemetry 要用的 provider。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "name",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Telemetry: envoy writes the access log to the proxy's stdout\nspec:\n  accessLogging:\n    - providers:\n        - name: envoy\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0157/",
        "https://istio.io/latest/docs/reference/config/telemetry/#ProviderRef",
        "Istio pilot/pkg/model/telemetry.go, 1.30",
    ],
}

/// The lists of a Telemetry, and what they are called in the default providers.
const PARTS: [&str; 3] = ["accessLogging", "metrics", "tracing"];
/// Those that every mesh has.
const BUILT_IN: [&str; 3] = ["envoy", "prometheus", "stackdriver"];

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let defaults = mesh.mesh_config.and_then(|config| config.at(&["defaultProviders", "accessLogging"]));
    let has_default = defaults.is_some_and(|list| !list.is_empty());
    for telemetry in mesh.of(ResourceKind::Telemetry) {
        for entry in telemetry.spec().list("accessLogging").filter(|entry| !has_default && needs_default(*entry)) {
            let finding =
                Finding::new(&telemetry, entry).with("part", "accessLogging").with("provider", "defaultProviders.accessLogging");
            findings.add(if mesh.mesh_config.is_some() { finding } else { finding.likely() });
        }
        let named = PARTS.into_iter().flat_map(|part| {
            let providers = telemetry.spec().list(part).flat_map(|entry| entry.list("providers"));
            providers.filter_map(move |provider| Some((part, provider.get("name")?)))
        });
        for (part, node) in named {
            let Some(name) = node.text().filter(|name| !BUILT_IN.contains(name)) else { continue };
            if !mesh.has_sole_config() {
                findings.unknown(&telemetry, node, format!("extension provider {name} of the mesh configuration"));
            } else if mesh.extension_provider(name).is_none() {
                findings.add(Finding::new(&telemetry, node).with("part", part).with("provider", name));
            }
        }
    }
}

/// Whether an entry of `accessLogging` writes to the default provider.
fn needs_default(entry: Node<'_>) -> bool {
    let is_disabled = entry.get("disabled").and_then(Node::as_bool) == Some(true);
    !is_disabled && entry.is_mapping() && entry.get("providers").is_none_or(Node::is_empty)
}
