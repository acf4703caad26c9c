//! A regular expression that Istio refuses.

mod syntax;

use crate::document::Node;
use crate::edit::Edit;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::VirtualService;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC216",
    slug: "invalid-regex",
    since: "0.1.0",
    severity: Error,
    explains: [admission_refused],
    equivalent: &["IST0106"],
    kinds: [VirtualService],
    each: VirtualService,
    message: "RE2 refuses this expression: {reason}",
    message_zh: "RE2 不接受这个表达式：{reason}",
    confirm: &[
        Confirm {
            id: "apply",
            steps: &[
                Command("kubectl apply --dry-run=server -f virtual-service.yaml"),
                Note("The webhook answers: error parsing regexp.", "webhook 返回：error parsing regexp。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "expression",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# VirtualService: any name below example.com\nspec:\n  http:\n    - match:\n        - authority:\n            regex: '.*\\.example\\.com'\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/virtual-service/#StringMatch",
        "https://istio.io/latest/docs/reference/config/analysis/ist0106/",
        "https://www.envoyproxy.io/docs/envoy/latest/api-v3/type/matcher/v3/regex.proto",
    ],
}

/// Conditions that are one text each, and those that are texts by name.
const SINGLE: [&str; 4] = ["uri", "scheme", "method", "authority"];
const NAMED: [&str; 3] = ["headers", "withoutHeaders", "queryParams"];

fn check<'a>(_: &Mesh<'a>, service: VirtualService<'a>, findings: &mut Findings<'a>) {
    for expression in service.http().flat_map(expressions) {
        let Some(text) = expression.text() else { continue };
        let Some(reason) = syntax::refusal(text) else { continue };
        let finding = Finding::new(&service.0, expression).with("reason", reason);
        findings.add(match syntax::of_wildcard(text) {
            Some(meant) => finding.cured_by(Edit::replace(expression, format!("'{meant}'"))),
            None => finding,
        });
    }
}

/// The expressions of an HTTP route.
fn expressions(route: Node<'_>) -> Vec<Node<'_>> {
    let mut found = Vec::new();
    for matched in route.list("match") {
        found.extend(SINGLE.iter().filter_map(|key| matched.get(key)?.get("regex")));
        for key in NAMED {
            let conditions = matched.get(key).into_iter().flat_map(Node::entries);
            let expressions = conditions.filter_map(|(_, condition)| condition.get("regex"));
            // Alone it is no expression there: it means that the header is present.
            found.extend(expressions.filter(|regex| key != "withoutHeaders" || regex.text() != Some("*")));
        }
    }
    found.extend(
        route.at(&["corsPolicy", "allowOrigins"]).into_iter().flat_map(Node::items).filter_map(|origin| origin.get("regex")),
    );
    found.extend(route.at(&["rewrite", "uriRegexRewrite", "match"]));
    found
}
