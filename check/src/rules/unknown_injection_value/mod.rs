//! A label for injection has a value that means nothing to the webhook.

use crate::edit::Edit;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Metadata, ResourceKind};
use crate::rules::declare_rule;
use crate::vocabulary::labels::{self, DATAPLANE_MODE, INJECT, INJECTION};

declare_rule! {
    code: "MWC711",
    slug: "unknown-injection-value",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &[],
    kinds: [],
    each: Metadata,
    message: "label {label} cannot be {value}, only {values}",
    message_zh: "label {label} 的值不能是 {value}，只能是 {values}",
    confirm: &[
Confirm { id: "log", steps: &[Command("kubectl -n istio-system logs deployment/istiod -c discovery"), Note("For pods, the log has a line `Invalid value for sidecar.istio.io/inject`.", "Pod 上写错时，日志里有 `Invalid value for sidecar.istio.io/inject`。")] },
    ],
    fixes: &[
Fix { id: "value", applicability: Review, steps: &[Patch(PatchKind::Fragment, "# Namespace\nmetadata:\n  labels:\n    istio-injection: enabled\n")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/#controlling-the-injection-policy",
"Istio pkg/kube/inject/inject.go, 1.30",
    ],
}

fn check<'a>(_: &Mesh<'a>, metadata: Metadata<'a>, findings: &mut Findings<'a>) {
    let keys: &[&str] = match metadata.kind {
        ResourceKind::Namespace => &[INJECTION, DATAPLANE_MODE],
        ResourceKind::Pod => &[INJECT, DATAPLANE_MODE],
        _ => return,
    };
    for key in keys {
        let Some(value) = metadata.labels().node(key) else { continue };
        let (Some(text), [on, off]) = (value.as_str(), labels::values_of_injection(key)) else { continue };
        let wanted = if is_yes(text) { on } else { off };
        // Whatever is not the word that turns it on leaves a namespace as it is.
        let is_harmless = *key != INJECT && !is_yes(text);
        if text.is_empty() || text == *on || text == *off || is_harmless {
            continue;
        }
        let finding = Finding::new(&metadata.resource, value).with("label", *key).with("value", text);
        let finding = finding.with("values", format!("{on}, {off}"));
        let written = if *key == INJECT { format!("\"{wanted}\"") } else { (*wanted).to_owned() };
        findings.add(if is_yes(text) || is_no(text) { finding.cured_by(Edit::replace(value, written)) } else { finding });
    }
}

fn is_yes(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    matches!(text.as_str(), "true" | "yes" | "y" | "on" | "1" | "enable" | "enabled" | "ambient")
}

fn is_no(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    matches!(text.as_str(), "false" | "no" | "n" | "off" | "0" | "disable" | "disabled")
}
