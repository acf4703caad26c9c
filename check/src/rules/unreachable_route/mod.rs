//! A route is never taken: an earlier one takes all its requests.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Shadow, VirtualService, shadows};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC208",
    slug: "unreachable-route",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &["IST0130", "IST0131"],
    kinds: [VirtualService],
    each: VirtualService,
    message: "no request takes this {protocol} route: one before it takes them all",
    message_zh: "没有请求会走到这条 {protocol} 路由：前面的路由已经全部匹配",
    confirm: &[
        Confirm {
            id: "routes",
            steps: &[
                Command("istioctl proxy-config routes {pod}.{namespace} -o json"),
                Note("The route is not there, or stands below one with the same match.", "里面没有这条路由，或者它排在匹配条件相同的路由之后。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "order",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# VirtualService: what is special first, what takes everything last\nspec:\n  http:\n    - match:\n        - uri:\n            prefix: /reviews\n      route:\n        - destination:\n            host: {host}\n    - route:\n        - destination:\n            host: {host}\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0130/",
        "https://istio.io/latest/docs/concepts/traffic-management/#routing-rule-precedence",
        "Istio pkg/config/validation/validation.go, 1.30",
    ],
}

fn check<'a>(_: &Mesh<'a>, service: VirtualService<'a>, findings: &mut Findings<'a>) {
    for shadow in shadows(&service) {
        if let Shadow::Route { route, by } = shadow {
            findings.add(Finding::new(&service.0, route.node).with("protocol", route.protocol.as_str()).beside(&service.0, by));
        }
    }
}
