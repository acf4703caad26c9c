//! An EnvoyFilter puts in an HTTP filter that the dump of a proxy of its own does not have.

use meshwhy_core::node_id::pod_and_namespace;

use crate::document::Node;
use crate::finding::{Finding, Findings, Related};
use crate::mesh::Mesh;
use crate::model::{ConfigDump, ConfigPatch, EnvoyFilter, TrafficContext, selects};
use crate::rules::declare_rule;
use crate::scope::targets;

declare_rule! {
    code: "MWC776",
    slug: "filter-patch-not-landed",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &[],
    kinds: [EnvoyFilter],
    each: EnvoyFilter,
    message: "the proxy of {pod} has no HTTP filter {filter}",
    message_zh: "{pod} 的代理里没有 HTTP filter {filter}",
    confirm: &[
        Confirm {
            id: "listeners",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o yaml"),
                Note("The filter is in no `httpFilters` list. The dump may be older than the patch.", "`httpFilters` 里都没有这个 filter。也可能 dump 比 patch 还早。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "match",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# EnvoyFilter\nspec:\n  configPatches:\n    - applyTo: HTTP_FILTER\n      match:\n        context: SIDECAR_INBOUND\n        listener:\n          filterChain:\n            filter:\n              name: envoy.filters.network.http_connection_manager\n              subFilter:\n                name: envoy.filters.http.router\n      patch:\n        operation: INSERT_BEFORE\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/common-problems/network-issues/#envoyfilter-configuration-does-not-take-effect",
        "Istio pilot/pkg/networking/core/envoyfilter/listener_patch.go, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, filter: EnvoyFilter<'a>, findings: &mut Findings<'a>) {
    for dump in mesh.config_dumps().filter(|dump| holds_for(mesh, &filter, *dump)) {
        for patch in filter.patches() {
            let Some((name, contexts)) = put_in(patch, dump) else { continue };
            let lists: Vec<_> = contexts.iter().flat_map(|context| dump.http_filters(*context)).collect();
            let (Some(node), false) = (patch.value().and_then(|value| value.get("name")), lists.is_empty()) else { continue };
            if lists.iter().all(|list| !list.contains(&name)) {
                let pod = dump.id().and_then(|id| pod_and_namespace(id.proxy)).map_or("-", |(pod, _)| pod);
                let mut finding = Finding::new(&filter.0, node).with("filter", name).with("pod", pod).likely();
                finding.related.extend(dump.node().map(|node| Related { resource: None, place: node.place() }));
                findings.add(finding);
            }
        }
    }
}

/// Whether an EnvoyFilter is for the proxy of a dump.
fn holds_for(mesh: &Mesh<'_>, filter: &EnvoyFilter<'_>, dump: ConfigDump<'_>) -> bool {
    let is_near = filter.0.namespace == mesh.root_namespace() || dump.namespace() == Some(filter.0.namespace);
    is_near && targets(&filter.0).next().is_none() && filter.0.selector().is_none_or(|selector| selects(selector, dump.labels()))
}

/// The HTTP filter that a patch puts into all connection managers of some contexts; `None` where it puts in none, or into some of them only.
fn put_in<'a>(patch: ConfigPatch<'a>, dump: ConfigDump<'_>) -> Option<(&'a str, Vec<TrafficContext>)> {
    let is_addition = patch.operation_name().is_some_and(|name| name == "ADD" || name.starts_with("INSERT"));
    let is_everywhere = patch.matched().is_none_or(|matched| {
        let has_only = |node: Option<Node<'_>>, known: &[&str]| {
            node.is_none_or(|node| node.entries().all(|(key, _)| key.text().is_some_and(|key| known.contains(&key))))
        };
        has_only(Some(matched), &["context", "listener"])
            && has_only(patch.listener(), &["filterChain"])
            && has_only(matched.at(&["listener", "filterChain"]), &["filter"])
    });
    if patch.apply_to() != Some("HTTP_FILTER") || !is_addition || !is_everywhere {
        return None;
    }
    let word = patch.matched().and_then(|matched| matched.str_at(&["context"])).unwrap_or("ANY");
    let own: &[TrafficContext] = match dump.id()?.kind {
        "sidecar" => &[TrafficContext::Inbound, TrafficContext::Outbound],
        "router" => &[TrafficContext::Gateway],
        _ => return None,
    };
    let asked = |context: &&TrafficContext| word == "ANY" || TrafficContext::parse(word) == Some(**context);
    Some((patch.value_name()?, own.iter().filter(asked).copied().collect()))
}
