//! A patch matches by an object of another kind than it applies to.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{ConfigPatch, EnvoyFilter};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC765",
    slug: "match-of-another-object",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0106"],
    kinds: [EnvoyFilter],
    each: EnvoyFilter,
    message: "{target} cannot be matched by {matched}",
    message_zh: "{target} 不能用 {matched} 来匹配",
    confirm: &[
        Confirm {
            id: "validate",
            steps: &[
                Command("istioctl validate -f envoyfilter.yaml"),
                Note("It says that the match is not for this class of objects.", "会提示 match 和 applyTo 的对象类别不一致。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "pair",
            applicability: Manual,
            steps: &[
                Note(
                    "Match LISTENER, FILTER_CHAIN, NETWORK_FILTER and HTTP_FILTER by listener, ROUTE_CONFIGURATION, VIRTUAL_HOST and HTTP_ROUTE by routeConfiguration, CLUSTER by cluster. subFilter is for HTTP_FILTER only.",
                    "LISTENER、FILTER_CHAIN、NETWORK_FILTER、HTTP_FILTER 用 listener 匹配；ROUTE_CONFIGURATION、VIRTUAL_HOST、HTTP_ROUTE 用 routeConfiguration；CLUSTER 用 cluster。subFilter 只能用于 HTTP_FILTER。",
                ),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/envoy-filter/#EnvoyFilter-EnvoyConfigObjectMatch",
        "Istio pkg/config/validation/envoyfilter/envoyfilter.go, 1.30",
    ],
}

const MATCHES: [&str; 3] = ["listener", "routeConfiguration", "cluster"];

fn check<'a>(_: &Mesh<'a>, filter: EnvoyFilter<'a>, findings: &mut Findings<'a>) {
    for patch in filter.patches() {
        let (Some(matched), Some(target)) = (patch.matched(), patch.apply_to()) else { continue };
        // istiod does not judge what is for waypoints.
        if matched.str_at(&["context"]) == Some("WAYPOINT") {
            continue;
        }
        let wrong = foreign(matched, target).or_else(|| foreign_filter(patch, target));
        if let Some(key) = wrong {
            let finding = Finding::new(&filter.0, key).with("matched", key.text().unwrap_or_default());
            findings.add(finding.with("target", target));
        }
    }
}

fn foreign<'a>(matched: Node<'a>, target: &str) -> Option<Node<'a>> {
    let wanted = match target {
        "LISTENER" | "FILTER_CHAIN" | "NETWORK_FILTER" | "HTTP_FILTER" => "listener",
        "ROUTE_CONFIGURATION" | "VIRTUAL_HOST" | "HTTP_ROUTE" => "routeConfiguration",
        "CLUSTER" => "cluster",
        _ => return None,
    };
    let others = MATCHES.iter().filter(|name| **name != wanted);
    others.filter_map(|name| matched.entry(name)).find(|(_, value)| value.is_mapping()).map(|(key, _)| key)
}

fn foreign_filter<'a>(patch: ConfigPatch<'a>, target: &str) -> Option<Node<'a>> {
    match target {
        "NETWORK_FILTER" | "LISTENER" | "FILTER_CHAIN" => patch.filter()?.entry("subFilter").map(|(key, _)| key),
        _ => None,
    }
}
