//! An HTTP route does two things that exclude each other, or none.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::VirtualService;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC219",
    slug: "conflicting-http-actions",
    since: "0.1.0",
    severity: Error,
    explains: [admission_refused],
    equivalent: &["IST0106"],
    kinds: [VirtualService],
    each: VirtualService,
    message: "Istio refuses an HTTP route with {what}",
    message_zh: "Istio 不接受这样的 HTTP 路由：{what}",
    confirm: &[
        Confirm {
            id: "apply",
            steps: &[
                Command("kubectl apply --dry-run=server -f virtual-service.yaml"),
                Note("The webhook names the two fields, or says that one is required.", "webhook 会指出冲突的两个字段，或者说缺少必填字段。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "split",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# VirtualService: one thing in each route\nspec:\n  http:\n    - match:\n        - uri:\n            prefix: /old\n      redirect:\n        uri: /new\n    - rewrite:\n        uri: /\n      route:\n        - destination:\n            host: {host}\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRoute",
        "Istio pkg/config/validation/virtualservice.go, 1.30",
    ],
}

/// Fields that exclude each other, under what both stand in.
const CONFLICTS: [(&[&str], &str, &str); 12] = [
    (&[], "delegate", "redirect"),
    (&[], "delegate", "route"),
    (&[], "redirect", "route"),
    (&[], "redirect", "fault"),
    (&[], "redirect", "rewrite"),
    (&[], "redirect", "directResponse"),
    (&[], "directResponse", "route"),
    (&[], "directResponse", "fault"),
    (&[], "directResponse", "rewrite"),
    (&[], "mirror", "mirrors"),
    (&["rewrite"], "uri", "uriRegexRewrite"),
    (&["redirect"], "uri", "prefixRewrite"),
];

/// What a route does with a request.
const ACTIONS: [&str; 4] = ["route", "redirect", "directResponse", "delegate"];

fn check<'a>(_: &Mesh<'a>, service: VirtualService<'a>, findings: &mut Findings<'a>) {
    for route in service.http().filter(|route| route.is_mapping()) {
        if let Some((what, one, other)) = conflict(route) {
            findings.add(Finding::new(&service.0, other).with("what", what).beside(&service.0, one));
        } else if !ACTIONS.iter().any(|action| written(route, action).is_some()) {
            findings.add(Finding::new(&service.0, route).with("what", "no route, redirect, directResponse or delegate"));
        }
    }
}

/// The first two fields that exclude each other: both names, and the keys.
fn conflict(route: Node<'_>) -> Option<(String, Node<'_>, Node<'_>)> {
    CONFLICTS.iter().find_map(|(path, one, other)| {
        let parent = route.at(path)?;
        // With delegates, other fields than these two decide elsewhere.
        let is_delegated = path.is_empty() && *one != "delegate" && written(route, "delegate").is_some();
        let (first, second) = (written(parent, one)?, written(parent, other)?);
        (!is_delegated).then(|| (format!("{one} + {other}"), first, second))
    })
}

/// The key of a field that is there and not empty; an empty mapping counts, as it does for Istio.
fn written<'a>(parent: Node<'a>, field: &str) -> Option<Node<'a>> {
    let (key, value) = parent.entry(field)?;
    (value.is_mapping() || !value.is_empty()).then_some(key)
}
