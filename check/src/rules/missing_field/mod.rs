//! A field that must be there is not.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::rules::declare_rule;
use crate::schema::ProblemKind;

declare_rule! {
    code: "MWC110",
    slug: "missing-field",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0106"],
    kinds: [],
    message: "{kind} lacks the field {field} here",
    message_zh: "{kind} 的这个位置缺少字段 {field}",
    confirm: SERVER_SIDE_DRY_RUN,
    fixes: FIELDS_OF_THE_KIND,
    sources: API_REFERENCE,
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for (resource, problem) in mesh.schema_problems() {
        let ProblemKind::Missing(field) = problem.kind else { continue };
        findings.add(Finding::new(resource, problem.node).with("kind", resource.kind.name()).with("field", field));
    }
}
