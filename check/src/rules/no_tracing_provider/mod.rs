//! Tracing is configured, and no provider takes the spans.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Resource, ResourceKind};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC804",
    slug: "no-tracing-provider",
    since: "0.1.0",
    severity: Warning,
    explains: [trace_context_missing],
    equivalent: &[],
    kinds: [Telemetry],
    message: "tracing is configured here, and neither this nor defaultProviders.tracing names a provider",
    message_zh: "这里配了 tracing，但它自己和 defaultProviders.tracing 都没有指定 provider",
    confirm: &[
        Confirm {
            id: "tracing",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json"),
                Note("The HTTP connection managers have no tracing provider.", "HTTP connection manager 里没有 tracing 的 provider。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "provider",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Telemetry; the name is one of meshConfig.extensionProviders\nspec:\n  tracing:\n    - providers:\n        - name: otel-tracing\n      randomSamplingPercentage: 1\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/tasks/observability/distributed-tracing/telemetry-api/",
        "Istio pilot/pkg/model/telemetry.go, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let defaults = mesh.mesh_config.and_then(|config| config.at(&["defaultProviders", "tracing"]));
    if defaults.is_some_and(|list| !list.is_empty()) {
        return;
    }
    let root = || mesh.in_namespace(ResourceKind::Telemetry, mesh.root_namespace());
    let is_named_for_mesh = root().any(|telemetry| names_provider(&telemetry));
    for telemetry in mesh.of(ResourceKind::Telemetry) {
        let Some(tracing) = telemetry.spec().get("tracing").filter(|tracing| asks_for_spans(*tracing)) else { continue };
        let mut near = mesh.in_namespace(ResourceKind::Telemetry, telemetry.namespace).take(MOST_NEAR);
        if is_named_for_mesh || near.any(|other| names_provider(&other)) {
            continue;
        }
        if mesh.mesh_config.is_some() {
            findings.add(Finding::new(&telemetry, tracing));
        } else {
            findings.unknown(&telemetry, tracing, "defaultProviders.tracing of the mesh configuration");
        }
    }
}

/// How many resources of a namespace are looked through for a provider to inherit: more than one per workload makes no sense.
const MOST_NEAR: usize = 100;

fn names_provider(telemetry: &Resource<'_>) -> bool {
    telemetry.spec().list("tracing").any(|entry| entry.get("providers").is_some_and(|providers| !providers.is_empty()))
}

fn asks_for_spans(tracing: Node<'_>) -> bool {
    let is_off = |entry: Node<'_>| entry.get("disableSpanReporting").and_then(Node::as_bool) == Some(true);
    !tracing.is_empty() && !tracing.items().all(is_off)
}
