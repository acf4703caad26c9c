//! Spans go to a kind of provider that Istio supports no more.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Resource;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC805",
    slug: "removed-tracing-provider",
    since: "0.1.0",
    severity: Warning,
    explains: [trace_context_missing],
    equivalent: &["IST0002"],
    kinds: [Telemetry],
    each: Resource,
    message: "provider {provider} is of the kind {kind}, whose driver is gone",
    message_zh: "provider {provider} 的类型是 {kind}，它的驱动已经被移除",
    confirm: &[
        Confirm {
            id: "providers",
            steps: &[
                Command("kubectl -n istio-system get configmap istio -o jsonpath='{.data.mesh}'"),
                Note("The provider has lightstep or opencensus.", "这个 provider 写的是 lightstep 或 opencensus。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "opentelemetry",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "meshConfig:\n  extensionProviders:\n    - name: otel-tracing\n      opentelemetry:\n        service: {host}\n        port: 4317\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/tasks/observability/distributed-tracing/opentelemetry/",
        "Istio pilot/pkg/networking/core/tracing.go, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, telemetry: Resource<'a>, findings: &mut Findings<'a>) {
    let named = telemetry.spec().list("tracing").flat_map(|entry| entry.list("providers"));
    for node in named.filter_map(|provider| provider.get("name")) {
        let provider = node.text().and_then(|name| mesh.extension_provider(name));
        let removed =
            provider.and_then(|provider| ["lightstep", "opencensus"].into_iter().find(|kind| provider.get(kind).is_some()));
        if let (Some(kind), Some(name)) = (removed, node.text()) {
            findings.add(Finding::new(&telemetry, node).with("provider", name).with("kind", kind));
        }
    }
}
