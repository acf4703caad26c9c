//! Whether the patches of EnvoyFilters have landed.
//!
//! Source: Istio `pilot/pkg/networking/core/envoyfilter`, 1.30.

use meshwhy_check::document::Node;
use meshwhy_check::mesh::Mesh;
use meshwhy_check::model::{ConfigPatch, EnvoyFilter, ResourceKind};
use meshwhy_core::Lang;
use serde_json::Value;

use super::field::merged;
use super::place::{Place, has_traffic, places};
use super::selection::selects;
use super::{AREA, MOST, where_to_look};
use crate::ConfigDump;
use crate::doctor::Examined;
use crate::matching::Truth;
use crate::words::say;

/// Most characters of a pattern that Istio takes.
const LONGEST_VERSION: usize = 1024;

/// What became of a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Landing {
    Landed,
    Missing,
    /// Nothing that it matches is there.
    NoPlace,
    Open,
}

pub(super) fn examine(dump: &ConfigDump<'_>, mesh: &Mesh<'_>, lang: Lang) -> Vec<Examined> {
    let filters: Vec<EnvoyFilter<'_>> = mesh.of(ResourceKind::EnvoyFilter).map(EnvoyFilter).collect();
    let patches: Vec<ConfigPatch<'_>> = filters.iter().flat_map(EnvoyFilter::patches).collect();
    let mut examined = Vec::new();
    for filter in &filters {
        let selected = selects(dump, mesh, &filter.0);
        if selected == Truth::No {
            continue;
        }
        for (index, patch) in filter.patches().enumerate() {
            let selected = selected.min(is_for(dump, patch));
            if selected == Truth::No {
                continue;
            }
            let landing = match landing(dump, patch) {
                Landing::Missing if selected == Truth::Unknown || may_be_undone(patch, &patches) => Landing::Open,
                landing => landing,
            };
            if landing == Landing::NoPlace && patch.apply_to() != Some("CLUSTER") && !has_traffic(dump, patch) {
                continue;
            }
            let what = description(filter, patch, index);
            examined.push(line(&what, landing, lang));
        }
    }
    examined.sort_by_key(|one| one.good);
    examined.truncate(MOST);
    examined
}

fn description(filter: &EnvoyFilter<'_>, patch: ConfigPatch<'_>, index: usize) -> String {
    let (namespace, name) = (filter.0.namespace, filter.0.name);
    let (kind, operation) = (patch.apply_to().unwrap_or("?"), patch.operation_name().unwrap_or("?"));
    let value = patch.value_name().or_else(|| patch.anchor()?.text()).map(|name| format!(" `{name}`")).unwrap_or_default();
    format!("EnvoyFilter {namespace}/{name} configPatches[{index}], {kind} {operation}{value}")
}

fn line(what: &str, landing: Landing, lang: Lang) -> Examined {
    match landing {
        Landing::Landed => Examined::good(AREA, say!(lang, "{what}: is there", "{what}：已生效")),
        Landing::Missing => Examined::bad(
            AREA,
            say!(lang, "{what}: selects this proxy and is not there", "{what}：选中了此代理但未生效"),
            where_to_look(lang),
        ),
        Landing::NoPlace => Examined::open(
            AREA,
            say!(lang, "{what}: nothing in this proxy matches", "{what}：此代理中没有匹配的位置"),
            say!(
                lang,
                "Names match exactly, and a filter that is patched has to be there: compare `match` with the dump.",
                "名称须完全一致，且被修补的过滤器必须存在：请将 `match` 与转储比对。"
            ),
        ),
        Landing::Open => Examined::open(
            AREA,
            say!(lang, "{what}: whether it landed cannot be decided", "{what}：无法判断是否生效"),
            say!(
                lang,
                "Look for what it sets in `istioctl proxy-config all POD -o json`.",
                "请在 `istioctl proxy-config all POD -o json` 中查找其设置的内容。"
            ),
        ),
    }
}

/// Whether a patch is for a proxy like this one.
fn is_for(dump: &ConfigDump<'_>, patch: ConfigPatch<'_>) -> Truth {
    let (Some(id), Some(bootstrap)) = (dump.id(), &dump.bootstrap) else { return Truth::Unknown };
    let context = patch.matched().and_then(|matched| matched.str_at(&["context"])).unwrap_or("ANY");
    let context = match (context, id.kind) {
        ("ANY", "sidecar" | "router") | ("SIDECAR_INBOUND" | "SIDECAR_OUTBOUND", "sidecar") | ("GATEWAY", "router") => Truth::Yes,
        (_, "sidecar" | "router") => Truth::No,
        _ => Truth::Unknown,
    };
    let version = &*bootstrap.node.metadata.istio_version;
    let version = match patch.proxy_version().and_then(Node::text) {
        None => Truth::Yes,
        Some(_) if version.is_empty() => Truth::Unknown,
        Some(pattern) if pattern.len() > LONGEST_VERSION => Truth::Unknown,
        Some(pattern) => regex::Regex::new(pattern).map_or(Truth::Unknown, |pattern| pattern.is_match(version).into()),
    };
    let metadata = patch.matched().and_then(|matched| matched.at(&["proxy", "metadata"])).is_some_and(|it| !it.is_empty());
    Truth::all([context, version, if metadata { Truth::Unknown } else { Truth::Yes }])
}

/// Whether another patch of the files may take away what this one brought.
fn may_be_undone(patch: ConfigPatch<'_>, all: &[ConfigPatch<'_>]) -> bool {
    let takes = |other: &ConfigPatch<'_>| matches!(other.operation_name(), Some("REMOVE" | "REPLACE"));
    all.iter().any(|other| other.apply_to() == patch.apply_to() && takes(other))
}

fn landing(dump: &ConfigDump<'_>, patch: ConfigPatch<'_>) -> Landing {
    let (Some(kind), Some(operation)) = (patch.apply_to(), patch.operation_name()) else { return Landing::Open };
    match (kind, operation) {
        ("CLUSTER", "ADD") => added_cluster(dump, patch),
        ("CLUSTER", "MERGE") => merged_cluster(dump, patch),
        ("HTTP_FILTER" | "NETWORK_FILTER" | "LISTENER_FILTER", _) if dump.has.listeners => {
            let places = places(dump, patch);
            match (operation, patch.value_name()) {
                ("ADD" | "INSERT_BEFORE" | "INSERT_AFTER" | "INSERT_FIRST", Some(name)) => {
                    outcome(&places, |place| place.has(name).into())
                }
                ("MERGE", _) => outcome(&places, |place| merged_into(place, patch)),
                _ => Landing::Open,
            }
        }
        _ => Landing::Open,
    }
}

/// It landed where one place shows it; it is missing only where a place that is certainly meant lacks it, and so do all others.
fn outcome(places: &[Place], shows: impl Fn(&Place) -> Truth) -> Landing {
    let shown: Vec<(Truth, Truth)> = places.iter().map(|place| (place.is_meant, shows(place))).collect();
    if shown.is_empty() {
        return Landing::NoPlace;
    }
    match Truth::any(shown.iter().map(|(_, shows)| *shows)) {
        Truth::Yes => Landing::Landed,
        Truth::No if shown.iter().any(|(is_meant, _)| *is_meant == Truth::Yes) => Landing::Missing,
        _ => Landing::Open,
    }
}

/// Whether the filter that a patch is for has what it merges in.
fn merged_into(place: &Place, patch: ConfigPatch<'_>) -> Truth {
    let Some(anchor) = patch.anchor().and_then(Node::text) else { return Truth::Unknown };
    let found = place.filters.iter().find(|(name, _)| name == anchor).and_then(|(_, config)| config.as_ref());
    let wanted = patch.value().and_then(|value| value.get("typed_config").or_else(|| value.get("typedConfig")));
    match (wanted, found) {
        (Some(wanted), Some(config)) => merged(wanted, config),
        _ => Truth::Unknown,
    }
}

fn added_cluster(dump: &ConfigDump<'_>, patch: ConfigPatch<'_>) -> Landing {
    match patch.value_name() {
        Some(name) if dump.cluster(name).is_some() => Landing::Landed,
        Some(_) if dump.has.clusters && patch.matched().is_none_or(|matched| matched.get("cluster").is_none()) => {
            Landing::Missing
        }
        _ => Landing::Open,
    }
}

/// Only a cluster that is matched by its name is certainly meant.
fn merged_cluster(dump: &ConfigDump<'_>, patch: ConfigPatch<'_>) -> Landing {
    let matched = patch.matched().and_then(|matched| matched.get("cluster"));
    let Some(name) = matched.and_then(|cluster| cluster.str_at(&["name"])) else { return Landing::Open };
    let Some(cluster) = dump.cluster(name) else { return Landing::NoPlace };
    let config = serde_json::from_str::<Value>(cluster.json()).ok();
    match patch.value().zip(config).map(|(wanted, config)| merged(wanted, &config)) {
        Some(Truth::Yes) => Landing::Landed,
        Some(Truth::No) if matched.is_some_and(|cluster| cluster.entries().count() == 1) => Landing::Missing,
        _ => Landing::Open,
    }
}
