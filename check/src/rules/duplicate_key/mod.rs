//! A key stands twice in a mapping.

use crate::document::FaultKind;
use crate::finding::{Finding, Findings, Related, Severity};
use crate::mesh::Mesh;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC103",
    slug: "duplicate-key",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &[],
    kinds: [],
    message: "the key {key} stands twice; only the last one counts",
    message_zh: "键 {key} 出现了两次，只有最后一个生效",
    confirm: SERVER_SIDE_DRY_RUN,
    fixes: &[
        Fix {
            id: "rewrite",
            applicability: Manual,
            steps: &[Note("Keep one of the two.", "两个里只留一个。")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://yaml.org/spec/1.2.2/#3213-node-comparison",
        "https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for fault in mesh.faults() {
        let FaultKind::DuplicateKey(former) = fault.kind else { continue };
        let key = mesh.text(fault.place).unwrap_or_default();
        let mut finding = Finding::at(fault.place).with("key", key);
        finding.related.push(Related { resource: None, place: former });
        // Among manifests, a file that does not look like one is somebody's data.
        let is_data = !mesh.resources.is_empty() && !fault.is_manifest;
        findings.add(if is_data { finding.of_severity(Severity::Info) } else { finding });
    }
}
