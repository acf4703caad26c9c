//! A patch stands relative to a filter that another EnvoyFilter puts in, and nothing says which comes first.

use foldhash::HashMap;

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{ConfigPatch, EnvoyFilter, ResourceKind};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC756",
    slug: "relative-to-patched-filter",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &[],
    kinds: [EnvoyFilter],
    message: "{anchor} comes from the EnvoyFilter {other}, which may be applied after this patch",
    message_zh: "{anchor} 由 EnvoyFilter {other} 加入，它可能在这个 patch 之后才应用",
    confirm: &[
        Confirm {
            id: "ages",
            steps: &[
                Command("kubectl -n {namespace} get envoyfilters --sort-by=.metadata.creationTimestamp"),
                Command("istioctl proxy-config listeners {pod}.{namespace} -o yaml"),
                Note("The filter of the younger one is missing, or out of place.", "后创建的那个 filter 不在，或者位置不对。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "priority",
            applicability: Review,
            steps: &[Patch(PatchKind::Fragment, "# EnvoyFilter that stands relative to the other\nspec:\n  priority: 10\n")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/common-problems/network-issues/#unchanged-envoy-filter-configuration-suddenly-stops-working",
        "Istio pilot/pkg/model/push_context.go, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let filters = || mesh.of(ResourceKind::EnvoyFilter).map(EnvoyFilter);
    // Between namespaces the order is fixed: the root namespace is first.
    let mut makers: HashMap<(&str, &str, &str), Vec<EnvoyFilter<'a>>> = HashMap::default();
    for filter in filters() {
        for (target, name) in filter.patches().filter_map(put_in) {
            makers.entry((filter.0.namespace, target, name)).or_default().push(filter);
        }
    }
    for filter in filters() {
        for patch in filter.patches().filter(|patch| is_ordered(patch.operation_name())) {
            let (Some(target), Some(anchor)) = (patch.apply_to(), patch.anchor()) else { continue };
            let Some(name) = anchor.text().filter(|name| !is_of_istio(name)) else { continue };
            if filter.patches().filter_map(put_in).any(|own| own == (target, name)) {
                continue;
            }
            let makers = makers.get(&(filter.0.namespace, target, name)).map(Vec::as_slice).unwrap_or_default();
            let unordered = |maker: &&EnvoyFilter<'a>| maker.priority() == filter.priority() && shares_workloads(maker, &filter);
            if let Some(maker) = makers.iter().find(unordered) {
                let finding = Finding::new(&filter.0, anchor).with("anchor", name).with("other", maker.0.name);
                findings.add(finding.beside(&maker.0, maker.0.name_node()).likely());
            }
        }
    }
}

/// What a patch applies to, and the name of what it puts in there.
fn put_in<'a>(patch: ConfigPatch<'a>) -> Option<(&'a str, &'a str)> {
    let puts_in = patch.operation_name().is_some_and(|name| name == "ADD" || name.starts_with("INSERT"));
    Some((patch.apply_to()?, patch.value_name()?)).filter(|_| puts_in)
}

fn is_ordered(operation: Option<&str>) -> bool {
    matches!(operation, Some("INSERT_BEFORE" | "INSERT_AFTER" | "REPLACE" | "REMOVE"))
}

/// Whether istiod puts a filter of this name there by itself.
fn is_of_istio(name: &str) -> bool {
    let own = ["router", "cors", "fault", "jwt_authn", "rbac", "ext_authz", "grpc_stats", "grpc_web"];
    name.starts_with("istio")
        || name.starts_with("envoy.filters.network.")
        || name.starts_with("envoy.filters.listener.")
        || name.strip_prefix("envoy.filters.http.").is_some_and(|name| own.contains(&name))
}

/// Whether both may be for the same proxy: a label on which they differ tells them apart.
fn shares_workloads(one: &EnvoyFilter<'_>, other: &EnvoyFilter<'_>) -> bool {
    let (Some(one), Some(other)) = (one.0.selector(), other.0.selector()) else { return true };
    one.entries().all(|(key, value)| {
        let same = key.text().and_then(|key| other.get(key));
        same.is_none_or(|same| same.text() == value.text())
    })
}
