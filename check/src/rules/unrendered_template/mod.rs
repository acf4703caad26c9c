//! A document is a Helm or Go template.

use crate::document::FaultKind;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC102",
    slug: "unrendered-template",
    since: "0.1.0",
    severity: Info,
    explains: [],
    equivalent: &[],
    kinds: [],
    message: "a template that was not rendered; render it first and check what comes out",
    message_zh: "模板还没有渲染；请先渲染再检查结果",
    confirm: &[
        Confirm {
            id: "render",
            steps: &[Command("helm template RELEASE CHART"), Note("The place holds a value.", "这里会变成具体的值。")],
        },
    ],
    fixes: &[
        Fix {
            id: "rendered",
            applicability: Safe,
            steps: &[Command("helm template RELEASE CHART | meshwhy check -")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://helm.sh/docs/helm/helm_template/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let templates = mesh.faults().filter(|fault| fault.kind == FaultKind::Template);
    templates.for_each(|fault| findings.add(Finding::at(fault.place)));
}
