//! TLS and mutual TLS that both ends do not agree on.

use meshwhy_core::Side;
use meshwhy_core::facts::text;
use meshwhy_core::transport::TransportKind;

use super::ConfigurationCause;
use super::destination_policy::policies;
use super::host::port_of;
use super::request::FailedRequest;
use super::workload::{destination, protocol_of_port};
use crate::document::Node;
use crate::mesh::covers;
use crate::mesh::{ROOT_NAMESPACE, Target};
use crate::model::{DestinationRule, MtlsMode, PeerAuthentication, ResourceKind, ServiceEntry, TlsMode, TlsSettings, selects};
use crate::rules::Message;

const PLAINTEXT_TO_STRICT: Message = Message {
    en: "{resource} makes clients send plaintext, and the server accepts mutual TLS only",
    zh: "{resource} 让客户端发明文，而服务端只接受双向 TLS",
};
const STRICT: Message = Message {
    en: "{resource} accepts mutual TLS only, and the client sent something else",
    zh: "{resource} 只接受双向 TLS，而客户端发来的不是",
};
const MTLS_DISABLED: Message = Message {
    en: "{resource} makes the server take plaintext only, and the client starts TLS",
    zh: "{resource} 让服务端只接受明文，而客户端发起了 TLS",
};
const TLS_TO_PLAINTEXT: Message = Message {
    en: "{resource} makes clients start TLS, and the server answers in plaintext",
    zh: "{resource} 让客户端发起 TLS，而服务端用明文应答",
};
const CLAIMED_MTLS: Message = Message {
    en: "{resource} says that this endpoint speaks mutual TLS, and it answers in plaintext",
    zh: "{resource} 声明这个 endpoint 支持双向 TLS，而它用明文应答",
};
const DOUBLE_TLS: Message = Message {
    en: "{resource} puts TLS around what the application already sends as TLS",
    zh: "{resource} 在应用本身已经加密的流量外又套了一层 TLS",
};
const OTHER_NAME: Message = Message {
    en: "{resource} expects the name {name}, which the server's certificate does not have",
    zh: "{resource} 要求证书里有 {name}，服务端的证书没有",
};
const OTHER_AUTHORITY: Message = Message {
    en: "{resource} trusts these certificate authorities, and none of them issued the server's certificate",
    zh: "{resource} 信任的 CA 没有签发服务端的证书",
};
const REFUSED_CERTIFICATE: Message = Message {
    en: "{resource} presents this client certificate, and the server ends the connection",
    zh: "{resource} 使用这个客户端证书，服务端随即断开连接",
};

/// The `tls` that holds for the cluster.
fn tls<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<(DestinationRule<'a>, TlsSettings<'a>)> {
    let (rule, policy) = policies(request).into_iter().find(|(_, policy)| policy.tls().is_some() || policy.port().is_some())?;
    Some((rule, policy.tls()?))
}

/// The PeerAuthentication that decides for the server, and whether it is for this workload alone.
struct ServerPolicy<'a> {
    policy: PeerAuthentication<'a>,
    mode: MtlsMode,
    node: Node<'a>,
    is_own: bool,
}

fn server_policy<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ServerPolicy<'a>> {
    let server = destination(request)?;
    let all = || request.mesh.of(ResourceKind::PeerAuthentication).map(PeerAuthentication);
    let addresses = [&request.facts.upstream_host, &request.facts.context.downstream_local_address];
    let ports: Vec<i64> =
        request.port.into_iter().chain(addresses.into_iter().filter_map(|address| port_of(address.as_deref()?))).collect();
    let decided = |policy: PeerAuthentication<'a>, is_own| {
        let whole = policy.mode();
        let of_port = ports.iter().filter_map(|port| policy.mode_of_port(*port)).find(|of_port| Some(*of_port) != whole);
        let (mode, node) = of_port.or(whole)?;
        Some(ServerPolicy { policy, mode, node, is_own })
    };
    let is_own = |policy: &PeerAuthentication<'a>| {
        policy.0.namespace == server.namespace
            && policy.0.selector().is_some_and(|selector| server.labels.iter().any(|labels| selects(selector, *labels)))
    };
    let own = all().filter(is_own).find_map(|policy| decided(policy, true));
    let of = |namespace: &str| {
        all()
            .filter(|policy| policy.0.namespace == namespace && policy.0.selector().is_none())
            .find_map(|policy| decided(policy, false))
    };
    own.or_else(|| of(server.namespace)).or_else(|| of(ROOT_NAMESPACE))
}

/// Plaintext that a server with mutual TLS refused.
pub(super) fn refused_plaintext<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let server = server_policy(request).filter(|server| server.mode == MtlsMode::Strict);
    let plain = tls(request).filter(|(_, tls)| tls.mode() == Some(TlsMode::Disable));
    match (server, plain) {
        (Some(server), Some((rule, tls))) if server.is_own => {
            Some(ConfigurationCause::new(&server.policy.0, server.node, STRICT).beside(&rule.0, tls.mode_node()))
        }
        (Some(server), Some((rule, tls))) => {
            let cause = ConfigurationCause::new(&rule.0, tls.mode_node(), PLAINTEXT_TO_STRICT);
            Some(cause.beside(&server.policy.0, server.node))
        }
        (Some(server), None) => Some(ConfigurationCause::new(&server.policy.0, server.node, STRICT)),
        (None, _) => None,
    }
}

/// A connection that ended, where the files say that both ends cannot agree.
pub(super) fn contradiction<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let (_, tls) = tls(request)?;
    let server = server_policy(request)?;
    match (tls.mode()?, server.mode) {
        (TlsMode::Disable, MtlsMode::Strict) => refused_plaintext(request),
        (TlsMode::Simple | TlsMode::Mutual, MtlsMode::Strict) => {
            Some(ConfigurationCause::new(&server.policy.0, server.node, STRICT))
        }
        _ => None,
    }
}

/// TLS to a server that speaks none.
pub(super) fn unexpected_tls<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let server = server_policy(request).filter(|server| server.mode == MtlsMode::Disable);
    let client = tls(request).filter(|(_, tls)| tls.mode() != Some(TlsMode::Disable));
    match (server, client) {
        (Some(server), client) if server.is_own || client.is_none() => {
            let cause = ConfigurationCause::new(&server.policy.0, server.node, MTLS_DISABLED);
            Some(client.into_iter().fold(cause, |cause, (rule, tls)| cause.beside(&rule.0, tls.mode_node())))
        }
        (_, Some((rule, tls))) => Some(ConfigurationCause::new(&rule.0, tls.mode_node(), TLS_TO_PLAINTEXT)),
        _ => None,
    }
}

/// Mutual TLS that nothing but the label of an endpoint asks for.
pub(super) fn claimed_mtls<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let mut claiming = request.targets().into_iter().filter_map(|(_, target)| match target {
        Target::Entry(entry) => Some(entry),
        Target::Service(_) => None,
    });
    let entry = claiming.next()?;
    let label =
        |endpoint: Node<'a>| endpoint.at(&["labels", "security.istio.io/tlsMode"]).or_else(|| endpoint.get("serviceAccount"));
    let node = entry.0.spec().list("endpoints").find_map(label)?;
    Some(ConfigurationCause::new(&entry.0, node, CLAIMED_MTLS))
}

/// TLS around TLS: a port that carries it already.
pub(super) fn double_tls<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let (rule, tls) = tls(request).filter(|(_, tls)| matches!(tls.mode(), Some(TlsMode::Simple | TlsMode::Mutual)))?;
    let (_, target) = request.targets().into_iter().next()?;
    let protocol = protocol_of_port(target, request.port?)?;
    protocol.is_tls().then(|| ConfigurationCause::new(&rule.0, tls.mode_node(), DOUBLE_TLS))
}

/// What a client trusts, or which name it expects.
pub(super) fn verification<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    if request.facts.side == Some(Side::Inbound) {
        return None;
    }
    let failure = said(request).to_ascii_lowercase();
    if failure.contains("expired") || failure.contains("not yet valid") {
        return None;
    }
    let settings = tls(request);
    if failure.contains("san matcher") || failure.contains("san_matcher") {
        return expected_name(request, settings, &failure);
    }
    let (rule, tls) = settings?;
    let meets_mesh = server_policy(request).is_some_and(|server| server.mode == MtlsMode::Strict);
    let trusted = ["caCertificates", "credentialName"].iter().find_map(|field| tls.0.get(field)).filter(|_| !meets_mesh);
    Some(ConfigurationCause::new(&rule.0, trusted.unwrap_or(tls.mode_node()), OTHER_AUTHORITY))
}

/// What the proxy said of the handshake.
fn said(request: &FailedRequest<'_, '_, '_>) -> String {
    let facts = [&request.facts.upstream_transport_failure, &request.facts.details];
    facts.into_iter().filter_map(|fact| text(fact.as_ref())).collect::<Vec<_>>().join(" ")
}

/// The name that a DestinationRule or a ServiceEntry expects.
fn expected_name<'a>(
    request: &FailedRequest<'_, 'a, '_>,
    settings: Option<(DestinationRule<'a>, TlsSettings<'a>)>,
    failure: &str,
) -> Option<ConfigurationCause<'a>> {
    let names = presented(failure);
    let is_missing = |expected: &Node<'_>| {
        let expected = expected.text().unwrap_or_default().to_ascii_lowercase();
        !names.iter().any(|name| covers(name, &expected))
    };
    let (resource, node) = settings
        .and_then(|(rule, tls)| {
            let listed = tls.0.list("subjectAltNames").find(is_missing);
            Some((
                rule.0,
                listed.or_else(|| tls.0.get("sni").filter(|sni| tls.0.get("subjectAltNames").is_none() && is_missing(sni)))?,
            ))
        })
        .or_else(|| {
            request.targets().into_iter().find_map(|(_, target)| match target {
                Target::Entry(entry) => Some((entry.0, expected_of_entry(&entry, is_missing, &names)?)),
                Target::Service(_) => None,
            })
        })?;
    Some(ConfigurationCause::new(&resource, node, OTHER_NAME).with("name", node.text()?))
}

/// The name that a ServiceEntry expects, in a list or by the accounts of its endpoints.
fn expected_of_entry<'a>(entry: &ServiceEntry<'a>, is_missing: impl Fn(&Node<'_>) -> bool, names: &[&str]) -> Option<Node<'a>> {
    let spec = entry.0.spec();
    if spec.get("subjectAltNames").is_some() {
        return spec.list("subjectAltNames").find(is_missing);
    }
    let is_other = |account: &Node<'_>| {
        let end = format!("/sa/{}", account.text().unwrap_or_default()).to_ascii_lowercase();
        !names.iter().any(|name| name.ends_with(&end))
    };
    spec.list("endpoints").filter_map(|endpoint| endpoint.get("serviceAccount")).find(is_other)
}

/// The names of the certificate, as Envoy lists them: `certificate_SANs_are_[one,_two]`.
fn presented(failure: &str) -> Vec<&str> {
    let list = failure.split_once("sans").and_then(|(_, rest)| rest.split_once('[')).map(|(_, rest)| rest);
    let list = list.and_then(|list| list.split_once(']')).map_or("", |(list, _)| list);
    list.split(',').map(|name| name.trim_matches([' ', '_'])).filter(|name| !name.is_empty()).collect()
}

/// The certificate that the client presents to a server which then ends the connection.
pub(super) fn client_certificate<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let (rule, tls) = tls(request).filter(|(_, tls)| tls.mode() == Some(TlsMode::Mutual))?;
    let node = tls.0.get("clientCertificate").or_else(|| tls.0.get("credentialName"))?;
    Some(ConfigurationCause::new(&rule.0, node, REFUSED_CERTIFICATE))
}

/// A client whose handshake the server itself refused, since it asks for a certificate of the mesh.
pub(super) fn refused_client<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let server = server_policy(request).filter(|server| server.mode == MtlsMode::Strict)?;
    let refused = request
        .facts
        .downstream_transport()
        .is_some_and(|failure| failure.kind == Some(TransportKind::PeerDidNotReturnACertificate));
    refused.then(|| ConfigurationCause::new(&server.policy.0, server.node, STRICT))
}
