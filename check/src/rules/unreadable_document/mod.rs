//! A document is no YAML, is nested too deeply, or multiplies its aliases.

use crate::document::FaultKind;
use crate::finding::{Finding, Findings, Severity};
use crate::mesh::Mesh;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC101",
    slug: "unreadable-document",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &[],
    kinds: [],
    message: "{what}",
    message_zh: "{what}",
    confirm: SERVER_SIDE_DRY_RUN,
    fixes: &[
        Fix {
            id: "rewrite",
            applicability: Manual,
            steps: &[Note("Correct what the message names.", "按提示修改。")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://yaml.org/spec/1.2.2/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for fault in mesh.faults() {
        let what = match &fault.kind {
            FaultKind::Syntax(what) => what.clone(),
            FaultKind::Depth => "nested too deeply".to_owned(),
            FaultKind::Aliases => "an alias stands within its own anchor, or aliases multiply".to_owned(),
            FaultKind::Template | FaultKind::DuplicateKey(_) => continue,
        };
        let finding = Finding::at(fault.place).with("what", what);
        // Among manifests, a file that does not look like one is somebody's data.
        let is_data = !mesh.resources.is_empty() && !fault.is_manifest;
        findings.add(if is_data { finding.of_severity(Severity::Info) } else { finding });
    }
}
