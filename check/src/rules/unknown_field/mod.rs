//! A field that its kind does not have.

use crate::edit::Edit;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::rules::declare_rule;
use crate::schema::ProblemKind;

declare_rule! {
    code: "MWC106",
    slug: "unknown-field",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0133"],
    kinds: [],
    message: "{kind} has no field {field} here{meant}",
    message_zh: "{kind} 的这个位置没有字段 {field}{meant}",
    confirm: SERVER_SIDE_DRY_RUN,
    fixes: FIELDS_OF_THE_KIND,
    sources: API_REFERENCE,
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for (resource, problem) in mesh.schema_problems() {
        let ProblemKind::Unknown(meant) = problem.kind else { continue };
        let hint = meant.map_or_else(String::new, |meant| format!(" ({meant}?)"));
        let finding = Finding::new(resource, problem.node);
        let finding = finding.with("kind", resource.kind.name()).with("field", problem.field.clone()).with("meant", hint);
        findings.add(match meant {
            Some(meant) => finding.cured_by(Edit::replace(problem.node, meant)),
            None => finding,
        });
    }
}
