//! Whether VirtualServices, DestinationRules and AuthorizationPolicies have arrived: Istio writes in routes, clusters and policies which
//! resource they come from.
//!
//! Source: Istio `pilot/pkg/networking/util/util.go`, `pilot/pkg/model/push_context.go` and `pilot/pkg/security/authz/builder`, 1.30.

use std::collections::BTreeSet;

use meshwhy_check::document::Node;
use meshwhy_check::mesh::{Mesh, covers, full_host};
use meshwhy_check::model::{AuthorizationPolicy, DestinationRule, Gateway, PolicyAction, Resource, ResourceKind, VirtualService};
use meshwhy_core::Lang;

use super::held::Held;
use super::selection::{has_labels, selects};
use super::{AREA, MOST, where_to_look};
use crate::ConfigDump;
use crate::doctor::Examined;
use crate::matching::Truth;
use crate::words::say;

/// Most names in one line.
const MOST_NAMES: usize = 8;

pub(super) fn examine(dump: &ConfigDump<'_>, mesh: &Mesh<'_>, lang: Lang) -> Vec<Examined> {
    let held = Held::new(dump);
    let kinds = [ResourceKind::VirtualService, ResourceKind::DestinationRule, ResourceKind::AuthorizationPolicy];
    let mut examined = Vec::new();
    let (mut given, mut elsewhere) = (BTreeSet::new(), BTreeSet::new());
    for resource in kinds.into_iter().flat_map(|kind| mesh.of(kind)) {
        let name = format!("{} {}/{}", resource.kind.name(), resource.namespace, resource.name);
        if held.names.contains(&name) {
            let difference = match resource.kind {
                ResourceKind::VirtualService => super::routes::difference(&held, &name, VirtualService(resource), lang),
                _ => None,
            };
            examined.push(difference.unwrap_or_else(|| Examined::good(AREA, say!(lang, "{name}: is there", "{name}：已生效"))));
        } else {
            match belongs(dump, mesh, &held, &resource) {
                Truth::Yes => examined.push(Examined::bad(
                    AREA,
                    say!(lang, "{name}: is for this proxy and is not there", "{name}：应作用于此代理但不存在"),
                    where_to_look(lang),
                )),
                Truth::Unknown => drop(elsewhere.insert(name.clone())),
                Truth::No => {}
            }
        }
        given.insert(name);
    }
    examined.sort_by_key(|one| one.good);
    examined.truncate(MOST);
    let others: BTreeSet<String> = held.names.difference(&given).cloned().collect();
    examined.extend(names(&elsewhere).map(|names| {
        Examined::open(
            AREA,
            say!(lang, "not in this proxy, perhaps rightly: {names}", "不在此代理中，可能本应如此：{names}"),
            say!(
                lang,
                "A Sidecar's egress, another resource for the same host, or a selector may keep them away; else the dump is older.",
                "可能被 Sidecar 的 egress、同一主机的其他资源或选择器排除；否则说明转储较旧。"
            ),
        )
    }));
    examined.extend(names(&others).map(|names| {
        Examined::open(
            AREA,
            say!(lang, "in this proxy and not among the given files: {names}", "在此代理中但不在给定文件中：{names}"),
            say!(
                lang,
                "Give all manifests, or look in the cluster where these come from; what was deleted should be gone.",
                "请提供全部清单，或在集群中查看其来源；已删除的资源不应再出现。"
            ),
        )
    }));
    examined
}

fn names(all: &BTreeSet<String>) -> Option<String> {
    let (count, shown) = (all.len(), all.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>().join(", "));
    (count > 0).then(|| if count > MOST_NAMES { format!("{shown}, … ({count})") } else { shown })
}

/// Whether a resource that is not there should be.
fn belongs(dump: &ConfigDump<'_>, mesh: &Mesh<'_>, held: &Held, resource: &Resource<'_>) -> Truth {
    let (Some(id), Some(bootstrap)) = (dump.id(), &dump.bootstrap) else { return Truth::Unknown };
    let namespace = &*bootstrap.node.metadata.namespace;
    let is_known = if resource.has_namespace() && !namespace.is_empty() { Truth::Yes } else { Truth::Unknown };
    let belongs = match resource.kind {
        ResourceKind::AuthorizationPolicy => {
            let policy = AuthorizationPolicy(*resource);
            let is_enforced = matches!(policy.action(), Some(PolicyAction::Allow | PolicyAction::Deny | PolicyAction::Custom));
            if !is_enforced || policy.is_dry_run() {
                return Truth::No;
            }
            let leaves_name = policy.rules().next().is_some() && held.has_managers && dump.has.listeners;
            selects(dump, mesh, resource).min(if leaves_name { Truth::Yes } else { Truth::Unknown })
        }
        _ if !resource.is_visible_in(namespace) => Truth::No,
        // Routes for TLS and TCP are chains, which do not say where they come from.
        ResourceKind::VirtualService if VirtualService(*resource).http().next().is_none() => return Truth::No,
        ResourceKind::DestinationRule => of_destination_rule(dump, mesh, held, DestinationRule(*resource), namespace),
        ResourceKind::VirtualService if id.kind == "router" => of_gateway(dump, mesh, VirtualService(*resource), namespace),
        // A Sidecar that is not among the files may hide it.
        ResourceKind::VirtualService if VirtualService(*resource).is_on_mesh() => Truth::Unknown,
        _ => Truth::No,
    };
    belongs.min(is_known)
}

/// One of the client's own namespace or of the service's counts, before those of the root namespace.
fn of_destination_rule(dump: &ConfigDump<'_>, mesh: &Mesh<'_>, held: &Held, rule: DestinationRule<'_>, own: &str) -> Truth {
    let namespace = rule.0.namespace;
    let host = rule.host().and_then(Node::text).map(|host| full_host(host, namespace)).unwrap_or_default();
    let is_near = (namespace == own && own != mesh.root_namespace())
        || meshwhy_check::mesh::kubernetes_name(&host).is_some_and(|(_, of_service)| of_service == namespace);
    match held.hosts.get(&host) {
        Some(false) if is_near && rule.0.selector().is_none() && dump.has.clusters => Truth::Yes,
        _ => Truth::Unknown,
    }
}

/// Gateways get every VirtualService that names one of theirs and shares a host with it.
fn of_gateway(dump: &ConfigDump<'_>, mesh: &Mesh<'_>, service: VirtualService<'_>, own: &str) -> Truth {
    let named: Vec<(&str, &str)> = service.named_gateways().map(|(_, name)| name).collect();
    if named.is_empty() {
        return Truth::No;
    }
    let gateways = mesh.of(ResourceKind::Gateway).filter(|gateway| named.contains(&(gateway.namespace, gateway.name)));
    let serves = |gateway: Gateway<'_>| {
        let patterns = gateway.servers().filter(|server| !server.passes_tls_through()).flat_map(|it| it.hosts());
        let patterns: Vec<&str> = patterns.filter_map(Node::text).map(|host| host.strip_prefix("*/").unwrap_or(host)).collect();
        service.hosts().filter_map(Node::text).any(|host| patterns.iter().any(|pattern| covers(pattern, host)))
    };
    let judged = gateways.map(|gateway| {
        let selected = Gateway(gateway).selector().map_or(Truth::Unknown, |selector| has_labels(dump, selector));
        let is_served = gateway.namespace == own && dump.has.routes && serves(Gateway(gateway));
        selected.min(if is_served { Truth::Yes } else { Truth::Unknown })
    });
    let judged: Vec<Truth> = judged.collect();
    if judged.is_empty() { Truth::Unknown } else { Truth::any(judged) }
}
