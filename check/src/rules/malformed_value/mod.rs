//! A value does not have the form of its field.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::rules::declare_rule;
use crate::schema::ProblemKind;

declare_rule! {
    code: "MWC109",
    slug: "malformed-value",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0106"],
    kinds: [],
    message: "{field}: {given} does not have the form that is wanted{wanted}",
    message_zh: "{field}：{given} 的格式不符合要求{wanted}",
    confirm: SERVER_SIDE_DRY_RUN,
    fixes: FIELDS_OF_THE_KIND,
    sources: API_REFERENCE,
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for (resource, problem) in mesh.schema_problems() {
        let wanted = match &problem.kind {
            ProblemKind::Duration => ": 300ms, 5s, 1h".to_owned(),
            ProblemKind::Form(wanted) if wanted.is_empty() => String::new(),
            ProblemKind::Form(wanted) => format!(": {wanted}"),
            _ => continue,
        };
        let given = problem.node.text().unwrap_or_else(|| problem.node.value().kind());
        let finding = Finding::new(resource, problem.node).with("field", problem.field.clone());
        findings.add(finding.with("given", given).with("wanted", wanted));
    }
}
