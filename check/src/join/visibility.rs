//! What a proxy is not told of: `exportTo`, and the hosts that its Sidecar lists.

use meshwhy_core::facts::text;

use super::ConfigurationCause;
use super::destination::has_port;
use super::request::FailedRequest;
use crate::document::Node;
use crate::mesh::covers;
use crate::mesh::{Lookup, ROOT_NAMESPACE, Target, full_host};
use crate::model::{Resource, ResourceKind, selects};
use crate::rules::Message;

const HIDDEN_BY_SIDECAR: Message = Message {
    en: "the egress hosts of {resource} do not cover {host}, so the proxy does not know it",
    zh: "{resource} 的 egress hosts 没有包含 {host}，代理因此不认识它",
};
const HIDDEN_BY_EXPORT: Message = Message {
    en: "exportTo hides {resource} from the namespace that asks for {host}",
    zh: "exportTo 让请求 {host} 的 namespace 看不到 {resource}",
};
const OTHER_PORT: Message = Message {
    en: "{host} was asked for on port {port}, which {resource} does not have",
    zh: "请求的是 {host} 的端口 {port}，{resource} 没有这个端口",
};

/// Why a proxy sends a host that the files have to where unknown hosts go.
pub(super) fn hidden_host<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let targets = request.targets();
    let hidden = targets.iter().find_map(|(host, target)| hiding(request, host, *target));
    hidden.or_else(|| targets.iter().find_map(|(host, target)| other_port(request, host, *target)))
}

fn other_port<'a>(request: &FailedRequest<'_, 'a, '_>, host: &str, target: Target<'a>) -> Option<ConfigurationCause<'a>> {
    let asked =
        text(request.facts.context.authority.as_ref()).and_then(super::host::port_of).or_else(|| request.listener_port())?;
    if has_port(target, asked) {
        return None;
    }
    let (resource, ports): (_, Vec<_>) = match target {
        Target::Service(service) => (service.0, service.ports().filter_map(|port| port.0.get("port")).collect()),
        Target::Entry(entry) => (entry.0, entry.ports().filter_map(|port| port.get("number")).collect()),
    };
    let [port] = ports.as_slice() else { return None };
    Some(ConfigurationCause::new(&resource, *port, OTHER_PORT).with("host", host.to_owned()).with("port", asked.to_string()))
}

/// What keeps a target from the proxy that asked for it.
pub(super) fn hiding<'a>(request: &FailedRequest<'_, 'a, '_>, host: &str, target: Target<'a>) -> Option<ConfigurationCause<'a>> {
    let resource = match target {
        Target::Service(service) => service.0,
        Target::Entry(entry) => entry.0,
    };
    if let Some(export) = hiding_export(request, &resource) {
        return Some(ConfigurationCause::new(&resource, export, HIDDEN_BY_EXPORT).with("host", host.to_owned()));
    }
    if request.is_gateway() {
        return None;
    }
    let sidecar = sidecar(request)?;
    let hosts = listed_hosts(&sidecar, request.listener_port());
    let is_listed =
        hosts.iter().any(|listed| lists(listed.text().unwrap_or_default(), sidecar.namespace, host, resource.namespace));
    if hosts.is_empty() || is_listed {
        return None;
    }
    Some(ConfigurationCause::new(&sidecar, *hosts.first()?, HIDDEN_BY_SIDECAR).with("host", host.to_owned()))
}

/// The `exportTo` of a manifest, or the annotation that stands for it on a Service, where it leaves out the namespace of the proxy.
pub(super) fn hiding_export<'a>(request: &FailedRequest<'_, 'a, '_>, resource: &Resource<'a>) -> Option<Node<'a>> {
    let client = request.client_namespace();
    let reaches = |exported: &str| match exported.trim() {
        "*" => true,
        "." => client == Some(resource.namespace),
        namespace => client == Some(namespace),
    };
    if resource.kind == ResourceKind::Service {
        let annotation = resource.annotations().node("networking.istio.io/exportTo")?;
        return (!annotation.text()?.split(',').any(reaches)).then_some(annotation);
    }
    let exported = resource.spec().get("exportTo").filter(|exported| !exported.is_empty())?;
    (!exported.items().filter_map(Node::text).any(reaches)).then(|| exported.items().next()).flatten()
}

/// The Sidecar of the proxy that speaks: by its labels, else that of its namespace, else that of the mesh.
pub(super) fn sidecar<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<Resource<'a>> {
    let namespace = request.client_namespace()?;
    let all = || request.mesh.of(ResourceKind::Sidecar);
    let labels = request.proxy.map(|proxy| proxy.labels);
    let own = all().find(|sidecar| {
        let fits = |selector| labels.is_some_and(|labels| selects(selector, labels));
        sidecar.namespace == namespace && sidecar.selector().is_some_and(fits)
    });
    let of = |namespace: &str| all().find(|sidecar| sidecar.namespace == namespace && sidecar.selector().is_none());
    own.or_else(|| of(namespace)).or_else(|| of(ROOT_NAMESPACE))
}

/// The hosts of the egress listener for a port, else of those for all ports.
fn listed_hosts<'a>(sidecar: &Resource<'a>, port: Option<i64>) -> Vec<Node<'a>> {
    let listeners = || sidecar.spec().list("egress");
    let number = |listener: Node<'_>| listener.at(&["port", "number"]).and_then(Node::as_integer);
    let of = |wanted: Option<i64>| -> Vec<Node<'a>> {
        listeners().filter(|listener| number(*listener) == wanted).flat_map(|listener| listener.list("hosts")).collect()
    };
    let own = port.map(|port| of(Some(port))).unwrap_or_default();
    if own.is_empty() { of(None) } else { own }
}

/// Whether `NAMESPACE/HOST` of a Sidecar lists a host of a namespace.
fn lists(listed: &str, own: &str, host: &str, namespace: &str) -> bool {
    let (in_namespace, pattern) = listed.split_once('/').unwrap_or(("*", listed));
    let is_there = match in_namespace {
        "*" => true,
        "." => own == namespace,
        "~" => false,
        name => name == namespace,
    };
    is_there && (covers(pattern, host) || full_host(pattern, namespace) == host)
}

/// Why the authorizer that a policy names is not known to the proxy which asks it.
pub(super) fn hidden_provider<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let providers = request.mesh.mesh_config?.list("extensionProviders");
    let policies =
        request.mesh.of(ResourceKind::AuthorizationPolicy).filter(|policy| policy.spec().str_at(&["action"]) == Some("CUSTOM"));
    let names: Vec<&str> = policies.filter_map(|policy| policy.spec().str_at(&["provider", "name"])).collect();
    let mut used =
        providers.filter(|provider| provider.get("name").and_then(Node::text).is_some_and(|name| names.contains(&name)));
    let provider = used.next().filter(|_| used.next().is_none())?;
    let service = provider.entries().find_map(|(_, settings)| settings.get("service"))?.text()?;
    let host = service.split_once('/').map_or(service, |(_, host)| host);
    let Lookup::Found(targets) = request.mesh.host(host, "") else { return None };
    hiding(request, host, *targets.first()?)
}
