//! A match never decides: an earlier one covers it.

use crate::finding::{Finding, Findings, Severity};
use crate::mesh::Mesh;
use crate::model::{Shadow, VirtualService, shadows};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC209",
    slug: "ineffective-match",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &["IST0131"],
    kinds: [VirtualService],
    each: VirtualService,
    message: "an earlier match{of} takes every request that this one asks for",
    message_zh: "这里要匹配的请求，都已经被前面的 match{of} 匹配了",
    confirm: &[
        Confirm {
            id: "routes",
            steps: &[
                Command("istioctl proxy-config routes {pod}.{namespace} -o json"),
                Note("A route with a shorter prefix or fewer conditions stands above this one.", "前缀更短或条件更少的路由排在这条前面。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "order",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# VirtualService: the longer prefix first\nspec:\n  http:\n    - match:\n        - uri:\n            prefix: /api/v2\n      route:\n        - destination:\n            host: {host}\n    - match:\n        - uri:\n            prefix: /api\n      route:\n        - destination:\n            host: {host}\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0131/",
        "https://istio.io/latest/docs/concepts/traffic-management/#routing-rule-precedence",
    ],
}

fn check<'a>(_: &Mesh<'a>, service: VirtualService<'a>, findings: &mut Findings<'a>) {
    for shadow in shadows(&service) {
        if let Shadow::Match { node, by, is_harmless } = shadow {
            let prefix = by.at(&["uri", "prefix"]).and_then(|prefix| prefix.text());
            let finding =
                Finding::new(&service.0, node).with("of", prefix.map_or_else(String::new, |prefix| format!(" ({prefix})")));
            let finding = finding.beside(&service.0, by);
            findings.add(if is_harmless { finding.of_severity(Severity::Info) } else { finding });
        }
    }
}
