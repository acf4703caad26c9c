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
    confirm: &[
        Confirm {
            id: "server",
            steps: &[
                Command("kubectl apply --dry-run=server --validate=strict -f FILE"),
                Note("The API server names the same place.", "API server 报的是同一个位置。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "rewrite",
            applicability: Review,
            steps: &[Command("kubectl explain virtualservice.spec --recursive"), Note(
                "The command lists the fields of a kind; put the kind in question in its place.",
                "这条命令列出某个 kind 的全部字段，把 kind 换成相应的即可。",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/",
        "https://kubernetes.io/docs/reference/kubectl/generated/kubectl_apply/",
    ],
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
