//! The workload that a request was for: its labels, its ports, and where its proxy sends what comes in.

use meshwhy_core::Side;
use meshwhy_core::facts::text;

use super::ConfigurationCause;
use super::destination::endpoints;
use super::gateway::may_be_tls;
use super::host::port_of;
use super::request::FailedRequest;
use crate::document::Node;
use crate::mesh::Target;
use crate::model::{Labels, Protocol, Resource, ResourceKind, ServiceEntry};
use crate::rules::Message;

const NOBODY_LISTENS: Message = Message {
    en: "{resource} hands requests to {address}, where nothing listens",
    zh: "{resource} 把请求交给 {address}，那里没有进程监听",
};
const OTHER_TARGET_PORT: Message = Message {
    en: "{resource} sends to port {port} of its pods, whose containers declare other ports",
    zh: "{resource} 把请求发往 Pod 的端口 {port}，而容器声明的是其他端口",
};
const DECLARED_HTTP2: Message = Message {
    en: "{resource} declares port {port} as HTTP/2, so the proxy speaks that to an upstream which fails it",
    zh: "{resource} 把端口 {port} 声明成 HTTP/2，代理因此用 HTTP/2 访问，而上游处理不了",
};
const TLS_DECLARED_HTTP: Message = Message {
    en: "{resource} declares port {port} as HTTP, so the proxy reads a TLS handshake as HTTP",
    zh: "{resource} 把端口 {port} 声明成 HTTP，代理就把 TLS 握手当成 HTTP 来读",
};

/// The server of a request, as far as the files know it.
pub(super) struct Destination<'a> {
    pub(super) namespace: &'a str,
    /// Of its endpoints.
    pub(super) labels: Vec<Labels<'a>>,
}

/// The server: the proxy itself where it speaks for it, else the endpoints of the host.
pub(super) fn destination<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<Destination<'a>> {
    let targets = request.targets();
    let of_target = targets.first().map(|(_, target)| match target {
        Target::Service(service) => service.0.namespace,
        Target::Entry(entry) => entry.0.namespace,
    });
    let own = request.proxy.filter(|_| request.facts.side == Some(Side::Inbound));
    match own {
        Some(proxy) => Some(Destination { namespace: proxy.namespace, labels: vec![proxy.labels] }),
        None => Some(Destination { namespace: of_target?, labels: endpoints(request) }),
    }
}

/// What a port of a target is declared to speak.
pub(super) fn protocol_of_port(target: Target<'_>, number: i64) -> Option<Protocol> {
    match target {
        Target::Service(service) => service.port(number)?.protocol(),
        Target::Entry(entry) => entry_port(&entry, number).and_then(ServiceEntry::protocol),
    }
}

fn entry_port<'a>(entry: &ServiceEntry<'a>, number: i64) -> Option<Node<'a>> {
    entry.ports().find(|port| port.get("number").and_then(Node::as_integer) == Some(number))
}

/// Where a Sidecar sends what comes in, and nothing listens there. Nothing where a container declares that port.
pub(super) fn default_endpoint<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let upstream = text(request.facts.upstream_host.as_ref()).filter(|_| request.facts.side == Some(Side::Inbound))?;
    let is_tried = |listener: &Node<'_>| {
        let number = listener.at(&["port", "number"]).and_then(Node::as_integer);
        listener.get("defaultEndpoint").and_then(Node::text) == Some(upstream) && number.is_some() && number == request.port
    };
    let sidecars = request
        .mesh
        .of(ResourceKind::Sidecar)
        .filter(|sidecar| request.client_namespace().is_none_or(|namespace| namespace == sidecar.namespace));
    let mut trying = sidecars.filter_map(|sidecar| Some((sidecar, sidecar.spec().list("ingress").find(is_tried)?)));
    let (sidecar, listener) = trying.next().filter(|_| trying.next().is_none())?;
    let port = port_of(upstream)?;
    let selected = sidecar.selector().map(|selector| request.mesh.selected(sidecar.namespace, selector)).unwrap_or_default();
    let declares = |number: Node<'_>| number.as_integer() == Some(port);
    if selected.iter().flat_map(|workload| workload.containers()).any(|container| container.ports().any(declares)) {
        return None;
    }
    let node = listener.get("defaultEndpoint")?;
    Some(ConfigurationCause::new(&sidecar, node, NOBODY_LISTENS).with("address", upstream.to_owned()))
}

/// A Service's target port, where the containers of its pods declare ports and none is this one.
pub(super) fn target_port<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let tried = port_of(text(request.facts.upstream_host.as_ref())?)?;
    let service = request.targets().into_iter().find_map(|(_, target)| match target {
        Target::Service(service) => Some(service),
        Target::Entry(_) => None,
    })?;
    let port = service.ports().find(|port| port.number() == request.port)?;
    if port.target() != Some(tried) {
        return None;
    }
    let workloads = request.mesh.workloads_of(service);
    let declared: Vec<i64> = workloads
        .iter()
        .flat_map(|workload| workload.containers())
        .flat_map(|container| container.ports().filter_map(Node::as_integer).collect::<Vec<_>>())
        .collect();
    if declared.is_empty() || declared.contains(&tried) {
        return None;
    }
    let node = port.0.get("targetPort").or_else(|| port.0.get("port"))?;
    Some(ConfigurationCause::new(&service.0, node, OTHER_TARGET_PORT).with("port", tried.to_string()))
}

/// Where a target declares what a port speaks.
fn declaration<'a>(target: Target<'a>, number: i64) -> Option<(Resource<'a>, Node<'a>)> {
    match target {
        Target::Entry(entry) => Some((entry.0, entry_port(&entry, number)?.get("protocol")?)),
        Target::Service(service) => {
            let port = service.port(number)?.0;
            Some((service.0, port.get("appProtocol").or_else(|| port.get("name"))?))
        }
    }
}

/// A port that is declared to speak HTTP/2, whose upstream fails what a client sent in HTTP/1.
pub(super) fn port_declared_http2<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let is_http1 = |version: &str| version.trim_start_matches("HTTP/").starts_with('1');
    let number = request.port.filter(|_| text(request.facts.context.protocol.as_ref()).is_some_and(is_http1))?;
    let is_http2 = |target| protocol_of_port(target, number) == Some(Protocol::Http2);
    let (_, target) = request.targets().into_iter().find(|(_, target)| is_http2(*target))?;
    let (resource, node) = declaration(target, number)?;
    Some(ConfigurationCause::new(&resource, node, DECLARED_HTTP2).with("port", number.to_string()))
}

/// A port for TLS by its number, which a ServiceEntry or Service declares as HTTP.
pub(super) fn tls_port_declared_http<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    const TLS_PORTS: [i64; 2] = [443, 8443];
    if request.is_gateway() || !may_be_tls(request) {
        return None;
    }
    let number = request.port.filter(|number| TLS_PORTS.contains(number))?;
    let is_http = |target| protocol_of_port(target, number).is_some_and(Protocol::is_http);
    let (_, target) = request.targets().into_iter().find(|(_, target)| is_http(*target))?;
    let (resource, node) = declaration(target, number)?;
    Some(ConfigurationCause::new(&resource, node, TLS_DECLARED_HTTP).with("port", number.to_string()))
}
