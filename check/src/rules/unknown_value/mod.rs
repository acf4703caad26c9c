//! A value is none of those that its field takes.

use crate::edit::Edit;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::rules::declare_rule;
use crate::schema::ProblemKind;

declare_rule! {
    code: "MWC108",
    slug: "unknown-value",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0106"],
    kinds: [],
    message: "{field}: {given} is none of {values}{meant}",
    message_zh: "{field}：{given} 不在可选值 {values} 之内{meant}",
    confirm: SERVER_SIDE_DRY_RUN,
    fixes: FIELDS_OF_THE_KIND,
    sources: API_REFERENCE,
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for (resource, problem) in mesh.schema_problems() {
        let ProblemKind::Value(values, meant) = &problem.kind else { continue };
        let hint = meant.map_or_else(String::new, |meant| format!(" ({meant}?)"));
        let finding = Finding::new(resource, problem.node).with("field", problem.field.clone()).with("values", values.clone());
        let finding = finding.with("given", problem.node.text().unwrap_or_default()).with("meant", hint);
        findings.add(match meant {
            Some(meant) => finding.cured_by(Edit::replace(problem.node, *meant)),
            None => finding,
        });
    }
}
