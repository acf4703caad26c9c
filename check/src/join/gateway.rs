//! Servers of gateways that do not take what comes to their port.

use meshwhy_core::details::{Details, Word};
use meshwhy_core::facts::text;

use super::ConfigurationCause;
use super::request::FailedRequest;
use crate::document::Node;
use crate::mesh::covers;
use crate::model::{Gateway, Protocol, ResourceKind, Server, VirtualService};
use crate::rules::Message;

const OTHER_SERVER_NAME: Message = Message {
    en: "no server of the port has the host {host}; the nearest is this one of {resource}",
    zh: "这个端口上没有 host 为 {host} 的 server；最接近的是 {resource} 的这一个",
};
const OTHER_HOST: Message = Message {
    en: "{resource} does not list the host {host} that was asked for",
    zh: "{resource} 没有列出请求的 host {host}",
};
const OTHER_GATEWAY: Message = Message {
    en: "{resource} has the host {host}, but is bound to another gateway",
    zh: "{resource} 有 host {host}，但绑定的是另一个 gateway",
};
const HIDDEN_ROUTE: Message = Message {
    en: "exportTo hides {resource}, which has the host {host}, from the namespace of the gateway",
    zh: "exportTo 让网关所在的 namespace 看不到 {resource}，而 host {host} 就在其中",
};
const PASSTHROUGH: Message = Message {
    en: "{resource} passes TLS through, which needs `tls` routes; the VirtualService of {host} has only `http` ones",
    zh: "{resource} 直接透传 TLS，需要 `tls` 路由；{host} 的 VirtualService 只有 `http` 路由",
};
const PROTOCOL_CONFLICT: Message = Message {
    en: "port {port} also belongs to a plaintext server of {other}, so Istio leaves out this TLS server of {resource}",
    zh: "端口 {port} 同时属于 {other} 的明文 server，Istio 会忽略 {resource} 的这个 TLS server",
};

/// The servers on the port of the listener, with their gateways; all of them where none has that port, since a Service may map it.
fn servers<'a>(request: &FailedRequest<'_, 'a, '_>) -> Vec<(Gateway<'a>, Server<'a>)> {
    let port = request.listener_port();
    let gateways = request.mesh.of(ResourceKind::Gateway).map(Gateway);
    let servers = |gateway: Gateway<'a>| gateway.servers().map(move |server| (gateway, server)).collect::<Vec<_>>();
    let all: Vec<_> = gateways.flat_map(servers).collect();
    let on_port: Vec<_> = all.iter().copied().filter(|(_, server)| server.port() == port).collect();
    if on_port.is_empty() { all } else { on_port }
}

/// Whether some server has the port of the listener itself.
pub(super) fn has_listener_port(request: &FailedRequest<'_, '_, '_>) -> bool {
    let port = request.listener_port();
    request.mesh.of(ResourceKind::Gateway).map(Gateway).any(|gateway| gateway.servers().any(|server| server.port() == port))
}

/// A host of a server without the namespace before it.
fn host_of(host: Node<'_>) -> &str {
    let text = host.text().unwrap_or_default();
    text.split_once('/').map_or(text, |(_, host)| host)
}

/// Connections to a gateway's port whose server name no server has, or whose server has no route for them.
pub(super) fn unmatched_server_name<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let name = text(request.facts.context.server_name.as_ref())?;
    if name.starts_with("outbound_.") {
        return None;
    }
    let servers = servers(request);
    let covering = servers.iter().find(|(_, server)| server.hosts().any(|host| covers(host_of(host), name)));
    let Some((gateway, server)) = covering else {
        let routed = request
            .mesh
            .virtual_services()
            .filter(|service| service.hosts().any(|host| covers(host.text().unwrap_or_default(), name)));
        let routed: Vec<VirtualService<'a>> = routed.collect();
        let is_bound =
            |gateway: &Gateway<'a>| routed.iter().any(|service| service.gateways().any(|bound| names(bound, service, gateway)));
        let hosts = servers.iter().flat_map(|(gateway, server)| server.hosts().map(move |host| (*gateway, host)));
        let (bound, others): (Vec<_>, Vec<_>) = hosts.partition(|(gateway, _)| is_bound(gateway));
        let (gateway, host) =
            nearest(if bound.is_empty() { others } else { bound }.into_iter(), |(_, host)| host_of(*host), name)?;
        return Some(ConfigurationCause::new(&gateway.0, host, OTHER_SERVER_NAME).with("host", name.to_owned()));
    };
    if !server.passes_tls_through() {
        return None;
    }
    let is_bound = |service: &VirtualService<'a>| service.gateways().any(|bound| names(bound, service, gateway));
    let bound: Vec<_> = request.mesh.virtual_services().filter(is_bound).collect();
    let server_names = |service: &VirtualService<'a>| {
        let matches = service.0.spec().list("tls").flat_map(|route| route.list("match"));
        matches.flat_map(|wanted| wanted.list("sniHosts")).map(|host| (service.0, host)).collect::<Vec<_>>()
    };
    let listed: Vec<_> = bound.iter().flat_map(server_names).collect();
    if listed.iter().any(|(_, host)| covers(host.text().unwrap_or_default(), name)) {
        return None;
    }
    if let Some((resource, host)) = nearest(listed.into_iter(), |(_, host)| host.text().unwrap_or_default(), name) {
        return Some(ConfigurationCause::new(&resource, host, OTHER_HOST).with("host", name.to_owned()));
    }
    let is_http_only = bound.iter().any(|service| service.0.spec().get("http").is_some());
    let mode = server.tls().and_then(|tls| tls.get("mode")).filter(|_| is_http_only)?;
    Some(ConfigurationCause::new(&gateway.0, mode, PASSTHROUGH).with("host", name.to_owned()))
}

/// The host that agrees with a name in most of its end; the first of equals.
fn nearest<T>(hosts: impl Iterator<Item = T>, text: impl Fn(&T) -> &str, name: &str) -> Option<T> {
    let common = |host: &str| host.bytes().rev().zip(name.bytes().rev()).take_while(|(one, other)| one == other).count();
    hosts
        .map(|host| (common(text(&host)), host))
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, host)| host)
}

/// A host that a gateway or a VirtualService has, and the other has not.
pub(super) fn unrouted_host<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let asked = request.authority.filter(|_| request.may_be_gateway())?;
    let servers = servers(request);
    let covering = servers.iter().find(|(_, server)| server.hosts().any(|host| covers(host_of(host), asked)));
    let has_host = |service: &VirtualService<'a>| service.hosts().any(|host| covers(host.text().unwrap_or_default(), asked));
    let with_host = request
        .mesh
        .virtual_services()
        .filter(|service| has_host(service))
        .find(|service| !service.gateways().all(|gateway| gateway.text() == Some("mesh")));
    let cause = match (covering, with_host) {
        (Some((gateway, _)), Some(service)) => {
            if let Some(export) = hiding_export(&service, gateway) {
                ConfigurationCause::new(&service.0, export, HIDDEN_ROUTE)
            } else {
                let bound = service.gateways().find(|name| names(*name, &service, gateway));
                if bound.is_some() {
                    return None;
                }
                let is_exact = service.hosts().any(|host| host.text() == Some(asked));
                let other = service.gateways().find(|name| is_exact && name.text() != Some("mesh"))?;
                ConfigurationCause::new(&service.0, other, OTHER_GATEWAY)
            }
        }
        (None, Some(service)) => {
            let (gateway, host) = servers.iter().find_map(|(gateway, server)| {
                let is_bound = service.gateways().any(|name| names(name, &service, gateway));
                is_bound.then(|| Some((gateway, server.hosts().next()?))).flatten()
            })?;
            ConfigurationCause::new(&gateway.0, host, OTHER_HOST)
        }
        (Some((gateway, _)), None) => {
            let mut bound =
                request.mesh.virtual_services().filter(|service| service.gateways().any(|name| names(name, service, gateway)));
            let service = bound.next().filter(|_| bound.next().is_none())?;
            ConfigurationCause::new(&service.0, service.hosts().next()?, OTHER_HOST)
        }
        (None, None) => return None,
    };
    Some(cause.with("host", asked.to_owned()))
}

/// Whether a name in `gateways` of a VirtualService is that of a gateway.
fn names(name: Node<'_>, service: &VirtualService<'_>, gateway: &Gateway<'_>) -> bool {
    let text = name.text().unwrap_or_default();
    let (namespace, name) = text.split_once('/').unwrap_or((service.0.namespace, text));
    namespace == gateway.0.namespace && name == gateway.0.name
}

fn hiding_export<'a>(service: &VirtualService<'a>, gateway: &Gateway<'_>) -> Option<Node<'a>> {
    let exported = service.0.spec().get("exportTo").filter(|exported| !exported.is_empty())?;
    let reaches = |item: Node<'_>| match item.text() {
        Some(".") => service.0.namespace == gateway.0.namespace,
        Some(namespace) => namespace == "*" || namespace == gateway.0.namespace,
        None => false,
    };
    (!exported.items().any(reaches)).then(|| exported.items().next()).flatten()
}

/// A server with TLS and one without on the same port: bytes of TLS meet the one without.
pub(super) fn protocol_conflict<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    if !request.may_be_gateway() || !may_be_tls(request) {
        return None;
    }
    let servers = servers(request);
    let is_plain = |server: &Server<'_>| server.protocol().is_some_and(Protocol::is_http);
    let (other, plain) = servers.iter().find(|(_, server)| is_plain(server))?;
    let mut left_out = servers.iter().filter(|(_, server)| server.protocol().is_some_and(Protocol::is_tls));
    let (gateway, secure) = left_out.next().filter(|_| left_out.next().is_none())?;
    let node = secure.0.at(&["port", "protocol"])?;
    let cause = ConfigurationCause::new(&gateway.0, node, PROTOCOL_CONFLICT)
        .with("port", secure.port()?.to_string())
        .with("other", other.0.id().to_string());
    Some(cause.beside(&other.0, plain.0.at(&["port", "protocol"])?))
}

/// Whether what the codec could not read may have been a TLS handshake.
pub(super) fn may_be_tls(request: &FailedRequest<'_, '_, '_>) -> bool {
    let is_codec_error = matches!(request.facts.parsed_details(), Some(Details::Word(Word::Http1CodecError)));
    is_codec_error && request.facts.context.path.is_none()
}
