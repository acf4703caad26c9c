//! What a proxy itself says that it runs with: Envoy's `/config_dump`.
//!
//! Source: Envoy `api/envoy/admin/v3/config_dump.proto` and `config_dump_shared.proto`, 1.40; measured with Envoy 1.40.

use meshwhy_core::node_id::{NodeId, pod_and_namespace};

use super::Labels;
use crate::document::Node;
use crate::finding::Finding;

/// The dump of one proxy.
#[derive(Debug, Clone, Copy)]
pub struct ConfigDump<'a>(Node<'a>);

/// A part of a configuration that the proxy has not taken.
#[derive(Debug, Clone, Copy)]
pub struct RefusedUpdate<'a> {
    /// The name of the listener, cluster or route table.
    pub name: &'a str,
    /// Why.
    pub details: Node<'a>,
}

/// Something that the proxy waits for.
#[derive(Debug, Clone, Copy)]
pub struct Warming<'a> {
    /// What it is.
    pub kind: WarmingKind,
    /// Its name.
    pub name: Node<'a>,
}

/// What a proxy can wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WarmingKind {
    /// A certificate or a set of CAs.
    Secret,
    /// A cluster without endpoints or secrets, or one that Envoy refused.
    Cluster,
    /// A listener.
    Listener,
}

/// Which of a proxy's listeners an HTTP filter stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrafficContext {
    /// `SIDECAR_INBOUND`.
    Inbound,
    /// `SIDECAR_OUTBOUND`.
    Outbound,
    /// `GATEWAY`.
    Gateway,
}

/// The name of an HTTP connection manager.
const CONNECTION_MANAGER: &str = "envoy.filters.network.http_connection_manager";

impl<'a> ConfigDump<'a> {
    /// The dump that a document is; `None` when it is another one.
    #[must_use]
    pub fn of(root: Node<'a>) -> Option<Self> {
        let is_section = |config: Node<'_>| {
            config.str_at(&["@type"]).is_some_and(|name| name.contains("/envoy.admin.v3.") && name.ends_with("ConfigDump"))
        };
        root.list("configs").any(is_section).then_some(Self(root))
    }

    fn section(self, name: &'static str) -> impl Iterator<Item = Node<'a>> + Clone {
        self.0.list("configs").filter(move |config| config.str_at(&["@type"]).is_some_and(|known| known.ends_with(name)))
    }

    fn listeners(self) -> impl Iterator<Item = Node<'a>> + Clone {
        self.section("ListenersConfigDump").flat_map(|section| section.list("dynamic_listeners"))
    }

    /// The node that the proxy says it is.
    #[must_use]
    pub fn node(self) -> Option<Node<'a>> {
        self.section("BootstrapConfigDump").find_map(|section| section.at(&["bootstrap", "node"]))
    }

    /// The proxy's id, where it is one of Istio's.
    #[must_use]
    pub fn id(self) -> Option<NodeId<'a>> {
        NodeId::parse(self.node()?.str_at(&["id"])?)
    }

    /// A finding in the dump, with the words for commands about this proxy.
    #[must_use]
    pub fn finding(self, node: Node<'a>) -> Finding<'a> {
        let proxy = self.id().and_then(|id| pod_and_namespace(id.proxy));
        let words = proxy.map(|(pod, namespace)| [("pod", pod), ("namespace", namespace)]);
        words.into_iter().flatten().fold(Finding::at(node.place()), |finding, (name, word)| finding.with(name, word))
    }

    /// The namespace of the proxy.
    #[must_use]
    pub fn namespace(self) -> Option<&'a str> {
        self.node()?.str_at(&["metadata", "NAMESPACE"])
    }

    /// The labels of the proxy's pod.
    #[must_use]
    pub fn labels(self) -> Labels<'a> {
        Labels(self.node().and_then(|node| node.at(&["metadata", "LABELS"])))
    }

    /// When the proxy took its last update, as RFC 3339 writes it: the dump is not older.
    #[must_use]
    pub fn last_updated(self) -> Option<&'a str> {
        let resources = self.0.list("configs").flat_map(Node::entries).flat_map(|(_, list)| list.items());
        resources.filter_map(|resource| resource.str_at(&["last_updated"])).max()
    }

    /// The updates that Envoy refused, each once: it keeps a refused listener by its name and once more without.
    pub fn refused(self) -> Vec<RefusedUpdate<'a>> {
        let lists = ["dynamic_listeners", "dynamic_active_clusters", "dynamic_warming_clusters", "dynamic_route_configs"];
        let all = self.0.list("configs").flat_map(move |section| lists.into_iter().flat_map(move |list| section.list(list)));
        let mut refused: Vec<RefusedUpdate<'a>> = Vec::new();
        for state in all.filter_map(|resource| resource.get("error_state")) {
            let Some(details) = state.get("details").filter(|details| !details.is_empty()) else { continue };
            let name = state.str_at(&["failed_configuration", "name"]).unwrap_or_default();
            if !refused.iter().any(|known| known.name == name && known.details.text() == details.text()) {
                refused.push(RefusedUpdate { name, details });
            }
        }
        refused
    }

    /// What the proxy waits for, of the first kind that there is: a cluster waits for its secrets, a listener for both.
    #[must_use]
    pub fn warming(self) -> Vec<Warming<'a>> {
        let named = |kind, name: Option<Node<'a>>| Some(Warming { kind, name: name? });
        let secrets = self.section("SecretsConfigDump").flat_map(|section| section.list("dynamic_warming_secrets"));
        let secrets: Vec<_> = secrets.filter_map(|secret| named(WarmingKind::Secret, secret.get("name"))).collect();
        if !secrets.is_empty() {
            return secrets;
        }
        let clusters = self.section("ClustersConfigDump").flat_map(|section| section.list("dynamic_warming_clusters"));
        let clusters = clusters.filter(|cluster| cluster.get("error_state").is_none());
        let clusters: Vec<_> = clusters.filter_map(|it| named(WarmingKind::Cluster, it.at(&["cluster", "name"]))).collect();
        if !clusters.is_empty() {
            return clusters;
        }
        let listeners = self.listeners().filter(|listener| listener.get("warming_state").is_some());
        listeners.filter_map(|listener| named(WarmingKind::Listener, listener.get("name"))).collect()
    }

    /// The certificates that the proxy shows to others, each with its name and its PEM in base64.
    pub fn certificates(self) -> impl Iterator<Item = (&'a str, Node<'a>)> {
        let lists = ["static_secrets", "dynamic_active_secrets"];
        let secrets =
            self.section("SecretsConfigDump").flat_map(move |section| lists.into_iter().flat_map(move |list| section.list(list)));
        secrets.filter_map(|secret| {
            let chain = secret.at(&["secret", "tls_certificate", "certificate_chain", "inline_bytes"])?;
            Some((secret.str_at(&["name"]).unwrap_or_default(), chain))
        })
    }

    /// The HTTP filters of the connection managers of some listeners, one list for each.
    pub fn http_filters(self, context: TrafficContext) -> impl Iterator<Item = Vec<&'a str>> {
        let listeners = self.listeners().filter_map(|listener| listener.at(&["active_state", "listener"]));
        let chosen = listeners.filter(move |listener| context.is_of(*listener));
        let chains = chosen.flat_map(|listener| listener.list("filter_chains").chain(listener.get("default_filter_chain")));
        let managers =
            chains.flat_map(|chain| chain.list("filters")).filter(|filter| filter.str_at(&["name"]) == Some(CONNECTION_MANAGER));
        let configs = managers.filter_map(|filter| filter.get("typed_config"));
        configs.map(|config| config.list("http_filters").filter_map(|filter| filter.str_at(&["name"])).collect())
    }
}

impl TrafficContext {
    /// The context of an EnvoyFilter's `match`; `None` for `ANY`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "SIDECAR_INBOUND" => Self::Inbound,
            "SIDECAR_OUTBOUND" => Self::Outbound,
            "GATEWAY" => Self::Gateway,
            _ => return None,
        })
    }

    /// Whether a listener serves this traffic; in a gateway all do.
    fn is_of(self, listener: Node<'_>) -> bool {
        let is_inbound =
            listener.str_at(&["traffic_direction"]) == Some("INBOUND") || listener.str_at(&["name"]) == Some("virtualInbound");
        match self {
            Self::Inbound => is_inbound,
            Self::Outbound => !is_inbound,
            Self::Gateway => true,
        }
    }
}

impl WarmingKind {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Cluster => "cluster",
            Self::Listener => "listener",
        }
    }
}
