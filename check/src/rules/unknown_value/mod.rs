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
