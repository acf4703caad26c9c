//! Destinations that lead to a cluster which is not there, or to one without endpoints.

use super::request::{FailedRequest, RouteRule, rules_for};
use super::{ConfigurationCause, visibility};
use crate::document::Node;
use crate::mesh::covers;
use crate::mesh::{Lookup, Target, full_host};
use crate::model::{Destination, Labels, ResourceKind, Route, RouteProtocol, selects};
use crate::rules::Message;

const NO_SUBSET: Message = Message {
    en: "no DestinationRule for {host} has a subset {subset}",
    zh: "{host} 的 DestinationRule 里没有 subset {subset}",
};
const HIDDEN_SUBSET: Message = Message {
    en: "exportTo hides {resource}, which has the subset {subset} of {host}, from the proxy that sends there",
    zh: "exportTo 让发送方代理看不到 {resource}，而 {host} 的 subset {subset} 就在其中",
};
const NO_HOST: Message = Message {
    en: "{resource} sends to {host}, which is no host that the mesh knows",
    zh: "{resource} 把请求发往 {host}，网格里没有这个 host",
};
const NO_PORT: Message = Message {
    en: "{resource} sends to port {port} of {host}, which has no such port",
    zh: "{resource} 把请求发往 {host} 的端口 {port}，它没有这个端口",
};
const EMPTY_SUBSET: Message = Message {
    en: "no endpoint of {host} has the label {label} that subset {subset} asks for",
    zh: "{host} 没有带 subset {subset} 所要求的标签 {label} 的 endpoint",
};
const EMPTY_SELECTOR: Message = Message {
    en: "nothing in its namespace has the label {label} that {resource} selects",
    zh: "所在 namespace 里没有带 {resource} 所选标签 {label} 的工作负载",
};
const UNRESOLVED: Message = Message {
    en: "{resource} has proxies resolve {address}, which DNS does not know",
    zh: "{resource} 让代理解析 {address}，DNS 里没有这个名字",
};

/// A destination of the route that the request took, whose cluster does not exist: what certainly lacks it before what may be elsewhere.
pub(super) fn missing<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let routes = request.routes();
    let certain_first = || {
        let of = |wanted: bool| routes.iter().filter(move |rule| rule.is_certain == wanted);
        of(true).chain(of(false))
    };
    let strict =
        || certain_first().find_map(|rule| destinations(rule).find_map(|destination| lacking(request, rule, destination)));
    let elsewhere =
        || certain_first().find_map(|rule| destinations(rule).find_map(|destination| unknown_host(request, rule, destination)));
    strict().or_else(elsewhere)
}

/// The destinations of a rule, of VirtualServices as well as of the Gateway API.
fn destinations<'a>(rule: &RouteRule<'a>) -> impl Iterator<Item = Destination<'a>> + use<'a> {
    let route = Route { protocol: RouteProtocol::Http, node: rule.node };
    route.destinations().chain(rule.node.list("backendRefs").map(Destination))
}

/// The complete host of a destination, and the node that names it.
fn host_of<'a>(rule: &RouteRule<'a>, destination: Destination<'a>) -> Option<(String, Node<'a>)> {
    if rule.resource.kind != ResourceKind::VirtualService {
        let name = destination.0.get("name")?;
        let namespace = destination.0.get("namespace").and_then(Node::text).unwrap_or(rule.resource.namespace);
        return Some((full_host(name.text()?, namespace), name));
    }
    let host = destination.host()?;
    Some((full_host(host.text()?, rule.resource.namespace), host))
}

fn lacking<'a>(
    request: &FailedRequest<'_, 'a, '_>,
    rule: &RouteRule<'a>,
    destination: Destination<'a>,
) -> Option<ConfigurationCause<'a>> {
    let mesh = request.mesh;
    let (host, host_node) = host_of(rule, destination)?;
    let targets = match mesh.host(&host, "") {
        Lookup::Found(targets) => targets,
        Lookup::Missing => return Some(ConfigurationCause::new(&rule.resource, host_node, NO_HOST).with("host", host)),
        Lookup::Elsewhere => Vec::new(),
    };
    if let Some(subset) = destination.subset() {
        let name = subset.text()?;
        let rules = rules_for(mesh, &host);
        let Some(declaring) = rules.iter().find(|rule| rule.subset(name).is_some()) else {
            let missing = ConfigurationCause::new(&rule.resource, subset, NO_SUBSET).with("host", host).with("subset", name);
            return Some(rules.iter().fold(missing, |cause, rule| {
                let place = rule.0.spec().get("subsets").or_else(|| rule.host()).unwrap_or(rule.0.root);
                cause.beside(&rule.0, place)
            }));
        };
        if let Some(hiding) = visibility::hiding_export(request, &declaring.0) {
            let hidden = ConfigurationCause::new(&declaring.0, hiding, HIDDEN_SUBSET).with("host", host).with("subset", name);
            return Some(hidden.beside(&rule.resource, subset));
        }
    }
    let port = destination.port().or_else(|| destination.0.get("port").filter(|port| port.as_integer().is_some()));
    if let Some((node, number)) = port.and_then(|port| Some((port, port.as_integer()?)))
        && !targets.is_empty()
        && !targets.iter().any(|target| has_port(*target, number))
    {
        return Some(ConfigurationCause::new(&rule.resource, node, NO_PORT).with("host", host).with("port", number.to_string()));
    }
    targets.first().and_then(|target| visibility::hiding(request, &host, *target))
}

fn unknown_host<'a>(
    request: &FailedRequest<'_, 'a, '_>,
    rule: &RouteRule<'a>,
    destination: Destination<'a>,
) -> Option<ConfigurationCause<'a>> {
    let (host, node) = host_of(rule, destination)?;
    let is_unknown = matches!(request.mesh.host(&host, ""), Lookup::Elsewhere);
    is_unknown.then_some(())?;
    Some(ConfigurationCause::new(&rule.resource, node, NO_HOST).with("host", host))
}

pub(super) fn has_port(target: Target<'_>, number: i64) -> bool {
    match target {
        Target::Service(service) => service.port(number).is_some(),
        Target::Entry(entry) => entry.ports().any(|port| port.get("number").and_then(Node::as_integer) == Some(number)),
    }
}

/// A subset whose labels no endpoint in the files has.
pub(super) fn empty_subset<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let name = request.subset?;
    let rule = request.destination_rules().into_iter().find(|rule| rule.subset(name).is_some())?;
    let wanted = rule.subset(name)?.get("labels")?;
    let endpoints: Vec<Labels<'a>> = endpoints(request);
    if endpoints.is_empty() || endpoints.iter().any(|labels| selects(wanted, *labels)) {
        return None;
    }
    let unmet = wanted.entries().find(|(key, value)| {
        let key = key.text().unwrap_or_default();
        !endpoints.iter().any(|labels| labels.get(key).is_some() && labels.get(key) == value.text())
    });
    let (key, value) = unmet.or_else(|| wanted.entries().next())?;
    let label = format!("{}={}", key.text().unwrap_or_default(), value.text().unwrap_or_default());
    let host = request.hosts.first().cloned().unwrap_or_default();
    Some(
        ConfigurationCause::new(&rule.0, value, EMPTY_SUBSET)
            .with("host", host)
            .with("label", label)
            .with("subset", name.to_owned()),
    )
}

/// The labels of the endpoints of the host, as the files have them.
pub(super) fn endpoints<'a>(request: &FailedRequest<'_, 'a, '_>) -> Vec<Labels<'a>> {
    let of = |(_, target): (&str, Target<'a>)| -> Vec<Labels<'a>> {
        match target {
            Target::Service(service) => request.mesh.workloads_of(service).iter().map(|workload| workload.labels()).collect(),
            Target::Entry(entry) => {
                let spec = entry.0.spec();
                let selector = spec.at(&["workloadSelector", "labels"]);
                let selected = selector.map(|selector| request.mesh.selected(entry.0.namespace, selector)).unwrap_or_default();
                let listed = spec.list("endpoints").map(|endpoint| Labels(endpoint.get("labels")));
                let entries = selector.into_iter().flat_map(|selector| workload_entries(request, entry.0.namespace, selector));
                listed.chain(selected.iter().map(|workload| workload.labels())).chain(entries).collect()
            }
        }
    };
    request.targets().into_iter().flat_map(of).collect()
}

/// The labels of the WorkloadEntries that a ServiceEntry selects.
fn workload_entries<'a>(request: &FailedRequest<'_, 'a, '_>, namespace: &str, selector: Node<'a>) -> Vec<Labels<'a>> {
    let entries = request.mesh.of(ResourceKind::WorkloadEntry).filter(|entry| entry.namespace == namespace);
    entries.map(|entry| Labels(entry.spec().get("labels"))).filter(|labels| selects(selector, *labels)).collect()
}

/// A selector of a ServiceEntry or Service that nothing in its namespace has, although the files hold what it could select.
pub(super) fn empty_selector<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let (resource, selector) = request.targets().into_iter().find_map(|(_, target)| match target {
        Target::Service(service) => Some((service.0, service.selector()?)),
        Target::Entry(entry) => Some((entry.0, entry.0.spec().at(&["workloadSelector", "labels"])?)),
    })?;
    let pods = request.mesh.workloads().iter().filter(|workload| workload.resource.namespace == resource.namespace);
    let entries = request.mesh.of(ResourceKind::WorkloadEntry).filter(|entry| entry.namespace == resource.namespace);
    let entries = entries.filter(|_| resource.kind == ResourceKind::ServiceEntry).map(|entry| Labels(entry.spec().get("labels")));
    let there: Vec<Labels<'a>> = pods.map(|workload| workload.labels()).chain(entries).collect();
    if there.is_empty() || there.iter().any(|labels| selects(selector, *labels)) {
        return None;
    }
    let has =
        |key: Node<'_>, value: Node<'_>| there.iter().any(|labels| key.text().and_then(|key| labels.get(key)) == value.text());
    let (key, value) = selector.entries().find(|(key, value)| !has(*key, *value)).or_else(|| selector.entries().next())?;
    let label = format!("{}={}", key.text().unwrap_or_default(), value.text().unwrap_or_default());
    Some(ConfigurationCause::new(&resource, value, EMPTY_SELECTOR).with("label", label))
}

/// The name that a ServiceEntry has resolved: its only endpoint, or the host itself.
pub(super) fn unresolved_address<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    request.targets().into_iter().find_map(|(host, target)| {
        let Target::Entry(entry) = target else { return None };
        let spec = entry.0.spec();
        if !spec.get("resolution").and_then(Node::text)?.starts_with("DNS") {
            return None;
        }
        let mut addresses = spec.list("endpoints").filter_map(|endpoint| endpoint.get("address"));
        let node = match (addresses.next(), addresses.next()) {
            (Some(address), None) => address,
            (None, _) => entry.hosts().find(|pattern| pattern.text().is_some_and(|pattern| covers(pattern, host)))?,
            _ => return None,
        };
        Some(ConfigurationCause::new(&entry.0, node, UNRESOLVED).with("address", node.text()?))
    })
}
