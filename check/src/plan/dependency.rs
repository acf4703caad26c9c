//! What resources give to each other: the nodes between which a reference can dangle.

use meshwhy_core::catalogue::texts::Lang;

/// Something that one resource provides and another needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dependency {
    /// A kind that the API server knows, by group.
    CustomKind(String, String),
    /// A resource by kind, namespace and name.
    Object(&'static str, String, String),
    /// A host that a Service or ServiceEntry stands for.
    Host(String),
    /// A port of a host.
    Port(String, i64),
    /// A subset of a host.
    Subset(String, String),
    /// Pods with these labels, in a namespace.
    Pods(String, Vec<(String, String)>),
    /// A RequestAuthentication for an issuer in a namespace; any issuer where it is empty.
    Issuer(String, String),
    /// Permission to refer from a kind and namespace to a kind and namespace.
    Grant([String; 4]),
    /// Routes for a host on a gateway, or on `mesh`.
    Routes(String, String),
    /// A host on a port of the gateways with these labels.
    Listener(String, i64, String),
    /// A rule of an AuthorizationPolicy: scope, action, rule.
    Rule(String, &'static str, String),
}

impl Dependency {
    /// What a reader calls it.
    #[must_use]
    pub fn describe(&self, lang: Lang) -> String {
        let en = lang == Lang::En;
        match self {
            Self::CustomKind(group, kind) => format!("CustomResourceDefinition {kind}.{group}"),
            Self::Object(kind, namespace, name) if namespace.is_empty() => format!("{kind} {name}"),
            Self::Object(kind, namespace, name) => format!("{kind} {namespace}/{name}"),
            Self::Host(host) => format!("host {host}"),
            Self::Port(host, port) if en => format!("port {port} of {host}"),
            Self::Port(host, port) => format!("{host} 的端口 {port}"),
            Self::Subset(host, subset) if en => format!("subset {subset} of {host}"),
            Self::Subset(host, subset) => format!("{host} 的 subset {subset}"),
            Self::Pods(namespace, labels) => {
                let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
                let labels = labels.join(",");
                if en { format!("pods {labels} in {namespace}") } else { format!("{namespace} 中带标签 {labels} 的 pod") }
            }
            Self::Issuer(namespace, issuer) if issuer.is_empty() => format!("RequestAuthentication ({namespace})"),
            Self::Issuer(namespace, issuer) => format!("RequestAuthentication issuer {issuer} ({namespace})"),
            Self::Grant([kind, from, to_kind, to]) => format!("ReferenceGrant {kind} {from} → {to_kind} {to}"),
            Self::Routes(gateway, host) if en => format!("routes of {host} on {gateway}"),
            Self::Routes(gateway, host) => format!("{gateway} 上 {host} 的路由"),
            Self::Listener(_, port, host) if en => format!("server {host}:{port} of the gateway"),
            Self::Listener(_, port, host) => format!("网关上的 server {host}:{port}"),
            Self::Rule(scope, action, _) if en => format!("a rule {action} for {scope}"),
            Self::Rule(scope, action, _) => format!("对 {scope} 的 {action} 规则"),
        }
    }

    /// Whether requests depend on it even when no resource names it: it may not be away for a moment when OLD and NEW both have it.
    pub(super) const fn is_used_by_clients(&self) -> bool {
        matches!(self, Self::Host(_) | Self::Port(..) | Self::Routes(..) | Self::Listener(..) | Self::Rule(..))
    }
}
