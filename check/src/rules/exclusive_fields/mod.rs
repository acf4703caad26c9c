//! Fields exclude each other, and several are there.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::rules::declare_rule;
use crate::schema::ProblemKind;

declare_rule! {
    code: "MWC111",
    slug: "exclusive-fields",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0106"],
    kinds: [],
    message: "only one of {fields} may be there",
    message_zh: "{fields} 只能写一个",
    confirm: SERVER_SIDE_DRY_RUN,
    fixes: FIELDS_OF_THE_KIND,
    sources: API_REFERENCE,
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for (resource, problem) in mesh.schema_problems() {
        let ProblemKind::Exclusive(fields) = &problem.kind else { continue };
        findings.add(Finding::new(resource, problem.node).with("fields", fields.clone()));
    }
}
