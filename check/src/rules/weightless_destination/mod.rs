//! A route with several destinations gives one of them no weight.

use crate::document::Node;
use crate::finding::{Finding, Findings, Severity};
use crate::mesh::Mesh;
use crate::model::{RouteProtocol, VirtualService};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC217",
    slug: "weightless-destination",
    since: "0.1.0",
    severity: Error,
    explains: [admission_refused],
    equivalent: &["IST0106"],
    kinds: [VirtualService],
    each: VirtualService,
    message: "this destination has no weight, which means 0 beside others; the route's weights sum up to {total}",
    message_zh: "这个 destination 没有写 weight；有多个 destination 时等于 0。这条路由的 weight 之和是 {total}",
    confirm: &[
        Confirm {
            id: "routes",
            steps: &[
                Command("istioctl proxy-config routes {pod}.{namespace} -o json"),
                Note("The destination is not among the weighted clusters.", "weightedClusters 里没有这个 destination。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "weight",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# VirtualService\nspec:\n  http:\n    - route:\n        - destination:\n            host: {host}\n            subset: v1\n          weight: 90\n        - destination:\n            host: {host}\n            subset: v2\n          weight: 10\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRouteDestination",
        "Istio pkg/config/validation/validation.go, 1.30",
    ],
}

fn check<'a>(_: &Mesh<'a>, service: VirtualService<'a>, findings: &mut Findings<'a>) {
    for list in RouteProtocol::ALL.iter().flat_map(|protocol| service.0.spec().list(protocol.as_str())) {
        let destinations: Vec<_> = list.list("route").collect();
        let weights: Option<Vec<i64>> = destinations.iter().map(|destination| weight(*destination)).collect();
        let Some(total) = weights.map(|weights| weights.iter().sum::<i64>()) else { continue };
        let weightless = destinations.iter().find(|destination| destination.get("weight").is_none_or(Node::is_empty));
        let Some(weightless) = weightless.or(destinations.first().filter(|_| total == 0)) else { continue };
        if destinations.len() < 2 {
            continue;
        }
        let finding = Finding::new(&service.0, *weightless).with("total", total.to_string());
        findings.add(if total == 0 { finding } else { finding.of_severity(Severity::Warning) });
    }
}

/// The weight of a destination, 0 where none is written; `None` where it is no number.
fn weight(destination: Node<'_>) -> Option<i64> {
    destination.get("weight").filter(|weight| !weight.is_empty()).map_or(Some(0), Node::as_integer)
}
