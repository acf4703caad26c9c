//! The value of an annotation is none that Istio or its proxy accepts.

use crate::finding::{Finding, Findings, Severity};
use crate::mesh::Mesh;
use crate::model::Metadata;
use crate::rules::declare_rule;
use crate::vocabulary::annotations;
use crate::vocabulary::formats::Format;

declare_rule! {
    code: "MWC706",
    slug: "invalid-annotation",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0125"],
    kinds: [],
    each: Metadata,
    message: "{annotation} cannot be {value}; it takes values such as: {example}",
    message_zh: "{annotation} 的值不能是 {value}，合法的写法例如：{example}",
    confirm: &[
Confirm { id: "events", steps: &[Command("kubectl -n {namespace} get events --field-selector reason=FailedCreate"), Command("kubectl -n {namespace} logs {pod} -c istio-proxy --previous")] },
    ],
    fixes: &[
Fix { id: "correct", applicability: Review, steps: &[Patch(PatchKind::Fragment, "# pod template\nmetadata:\n  annotations:\n    sidecar.istio.io/proxyCPU: 200m\n    sidecar.istio.io/proxyMemory: 128Mi\n    sidecar.istio.io/logLevel: warning\n    traffic.sidecar.istio.io/excludeOutboundIPRanges: 10.1.0.0/16,192.168.0.0/16\n")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/reference/config/analysis/ist0125/",
"https://istio.io/latest/docs/reference/config/annotations/",
"Istio pkg/kube/inject/validate.go, 1.30",
    ],
}

fn check<'a>(_: &Mesh<'a>, metadata: Metadata<'a>, findings: &mut Findings<'a>) {
    for (key, value) in metadata.annotations().iter() {
        let Some(annotation) = key.text().and_then(annotations::find) else { continue };
        let Some(text) = value.as_str().filter(|text| !is_template(text)) else { continue };
        if !annotation.is_for(metadata.kind) {
            continue;
        }
        let Some(refused) = annotation.format.refused(text) else { continue };
        let finding = Finding::new(&metadata.resource, value).with("annotation", annotation.name);
        let finding = finding.with("value", refused.trim_end()).with("example", annotation.format.example());
        let is_ignored = annotation.format == Format::TrueOrFalse
            || (annotation.format == Format::ProxyConfig
                && refused != text
                && !refused.starts_with(|letter: char| letter.is_ascii_digit()));
        findings.add(if is_ignored { finding.of_severity(Severity::Warning) } else { finding });
    }
}

/// Whether something is still to be filled in.
fn is_template(text: &str) -> bool {
    text.contains("${") || text.contains("$(") || text.contains("{{")
}
