//! A value is of another type than its field.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::rules::declare_rule;
use crate::schema::ProblemKind;

declare_rule! {
    code: "MWC107",
    slug: "wrong-type",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0106"],
    kinds: [],
    message: "{field} must be {wanted}, and is {given}",
    message_zh: "{field} 应该是 {wanted}，这里是 {given}",
    confirm: SERVER_SIDE_DRY_RUN,
    fixes: FIELDS_OF_THE_KIND,
    sources: API_REFERENCE,
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for (resource, problem) in mesh.schema_problems() {
        let ProblemKind::Type(wanted) = &problem.kind else { continue };
        let finding = Finding::new(resource, problem.node).with("field", problem.field.clone()).with("wanted", wanted.clone());
        findings.add(finding.with("given", problem.node.value().kind()));
    }
}
