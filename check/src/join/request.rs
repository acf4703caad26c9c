//! The request that failed, as far as the files know its host, its proxy and its route.

use meshwhy_core::cluster_name::ClusterName;
use meshwhy_core::facts::text;
use meshwhy_core::{Facts, Side};

use super::host::{covers_from, may_mean, port_of, without_port};
use super::match_fit::Fit;
use super::proxy::Proxy;
use crate::document::Node;
use crate::mesh::{Lookup, Mesh, Target, full_host};
use crate::model::{DestinationRule, Resource, ResourceKind, ServiceEntry, VirtualService};

/// A failed request beside the files.
pub(super) struct FailedRequest<'m, 'a, 'f> {
    pub(super) mesh: &'m Mesh<'a>,
    pub(super) facts: &'f Facts<'f>,
    /// What was asked for, without port.
    pub(super) authority: Option<&'f str>,
    /// Complete names that this may be; mostly one.
    pub(super) hosts: Vec<String>,
    /// The Service's port, else that of the listener.
    pub(super) port: Option<i64>,
    pub(super) subset: Option<&'f str>,
    /// Labels and namespace of the proxy that speaks, where a manifest tells.
    pub(super) proxy: Option<Proxy<'a>>,
}

/// A rule of a route that a request may have taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct RouteRule<'a> {
    pub(super) resource: Resource<'a>,
    pub(super) node: Node<'a>,
    /// Whether the facts prove that the request matches.
    pub(super) is_certain: bool,
}

impl<'m, 'a, 'f> FailedRequest<'m, 'a, 'f> {
    pub(super) fn new(mesh: &'m Mesh<'a>, facts: &'f Facts<'f>) -> Self {
        let authority = text(facts.context.authority.as_ref()).map(without_port);
        let listener = text(facts.context.downstream_local_address.as_ref());
        let cluster = text(facts.cluster.as_ref()).map(ClusterName::parse);
        let (port, subset, host) = match cluster {
            Some(ClusterName::Service { port, subset, host, .. }) => {
                (port.parse().ok(), Some(subset).filter(|subset| !subset.is_empty()), host.filter(|host| !host.is_empty()))
            }
            _ => (None, None, None),
        };
        let proxy = Proxy::of(mesh, facts);
        let mut request = Self {
            mesh,
            facts,
            authority,
            hosts: host.map(str::to_owned).into_iter().collect(),
            port: port.or_else(|| port_of(listener?)),
            subset,
            proxy,
        };
        if request.hosts.is_empty() {
            request.hosts = request.hosts_asked_for(listener.map(without_port));
        }
        request
    }

    /// What the authority means, else what the listener's address stands for.
    fn hosts_asked_for(&self, address: Option<&str>) -> Vec<String> {
        let client = self.is_outbound().then(|| self.client_namespace()).flatten();
        let addressed = || address.map(|address| hosts_at(self.mesh, address)).unwrap_or_default();
        let Some(asked) = self.authority else { return addressed() };
        let mut named = hosts_meant(self.mesh, asked, client);
        if named.is_empty() && client.is_some() {
            named = hosts_meant(self.mesh, asked, None);
        }
        if named.len() > 1 {
            let addressed = addressed();
            named.retain(|host| addressed.contains(host) || addressed.is_empty());
        }
        match named.is_empty() {
            false => named,
            true if asked.contains('.') => vec![asked.to_owned()],
            true => addressed(),
        }
    }

    pub(super) fn is_gateway(&self) -> bool {
        self.facts.side == Some(Side::Gateway)
    }

    /// Whether nothing says that a sidecar speaks.
    pub(super) fn may_be_gateway(&self) -> bool {
        self.is_gateway() || self.facts.side.is_none() && self.proxy.is_none() && self.targets().is_empty()
    }

    pub(super) fn is_outbound(&self) -> bool {
        self.facts.side != Some(Side::Inbound)
    }

    /// The namespace of the proxy, where something tells.
    pub(super) fn client_namespace(&self) -> Option<&str> {
        text(self.facts.context.namespace.as_ref()).or_else(|| self.proxy.map(|proxy| proxy.namespace))
    }

    /// The port of the listener that the request came to.
    pub(super) fn listener_port(&self) -> Option<i64> {
        port_of(text(self.facts.context.downstream_local_address.as_ref())?)
    }

    /// The ServiceEntries and Services that were asked for.
    pub(super) fn targets(&self) -> Vec<(&str, Target<'a>)> {
        let found = |host: &'_ String| match self.mesh.host(host, "") {
            Lookup::Found(targets) => targets,
            _ => Vec::new(),
        };
        self.hosts.iter().flat_map(|host| found(host).into_iter().map(move |target| (host.as_str(), target))).collect()
    }

    /// The DestinationRules for the host, those for exactly this name first.
    pub(super) fn destination_rules(&self) -> Vec<DestinationRule<'a>> {
        self.hosts.iter().flat_map(|host| rules_for(self.mesh, host)).collect()
    }

    /// The VirtualServices whose host is the most exact for the request, on the kind of proxy that speaks.
    pub(super) fn virtual_services(&self) -> Vec<VirtualService<'a>> {
        let all: Vec<(usize, VirtualService<'a>)> = self
            .mesh
            .virtual_services()
            .filter_map(|service| {
                let exactness = |host: Node<'a>| host.text().filter(|host| self.is_asked_for(host, service.0.namespace));
                let longest =
                    service.hosts().filter_map(exactness).map(|host| if host.starts_with('*') { host.len() } else { 1000 });
                Some((longest.max()?, service))
            })
            .collect();
        let is_bound = |service: &VirtualService<'a>| service.gateways().any(|gateway| gateway.text() != Some("mesh"));
        let of = |wanted: &dyn Fn(&VirtualService<'a>) -> bool| -> Vec<VirtualService<'a>> {
            let fitting: Vec<_> = all.iter().filter(|(_, service)| wanted(service)).collect();
            let best = fitting.iter().map(|(exactness, _)| *exactness).max();
            fitting.into_iter().filter(|(exactness, _)| Some(*exactness) == best).map(|(_, service)| *service).collect()
        };
        let on_mesh = if self.is_gateway() { Vec::new() } else { of(&VirtualService::is_on_mesh) };
        if on_mesh.is_empty() && self.is_outbound() { of(&is_bound) } else { on_mesh }
    }

    /// Whether a host that is written in a manifest of `namespace` is the one that was asked for.
    pub(super) fn is_asked_for(&self, pattern: &str, namespace: &str) -> bool {
        let asked = self.authority.filter(|_| !full_host(pattern, namespace).ends_with(".svc.cluster.local"));
        self.hosts.iter().map(String::as_str).chain(asked).any(|host| covers_from(pattern, namespace, host))
    }

    /// The rules that the request may have taken, in order, up to the first that it certainly takes.
    pub(super) fn routes(&self) -> Vec<RouteRule<'a>> {
        let name = text(self.facts.route.as_ref());
        if matches!(name, Some("block_all" | "allow_any")) {
            return Vec::new();
        }
        let rules = self.rules();
        let has_name = |rule: &RouteRule<'a>| {
            let own = rule.node.get("name").and_then(Node::text).filter(|own| !own.is_empty());
            own.is_some_and(|own| {
                name.and_then(|name| name.strip_prefix(own)).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        };
        if name.is_some() && name != Some("default") {
            let named: Vec<_> = rules.iter().copied().filter(has_name).collect();
            if !named.is_empty() {
                return named;
            }
        } else if name == Some("default") && !rules.iter().any(has_name) {
            // The route that Istio makes for a Service without a VirtualService.
            return Vec::new();
        }
        let mut taken = Vec::new();
        for rule in rules {
            match self.fit(rule.node) {
                Fit::Holds => {
                    taken.push(RouteRule { is_certain: true, ..rule });
                    break;
                }
                Fit::Open => taken.push(RouteRule { is_certain: false, ..rule }),
                Fit::Fails => {}
            }
        }
        taken
    }

    /// All rules for the host, those of delegates in the place of what names them.
    pub(super) fn rules(&self) -> Vec<RouteRule<'a>> {
        let is_http = self.facts.context.method.is_some() || self.facts.status.is_some_and(|status| status > 0);
        let lists: &[&str] = if is_http { &["http"] } else { &["tcp", "tls", "http"] };
        let mut rules = Vec::new();
        for service in self.virtual_services() {
            for node in lists.iter().flat_map(|list| service.0.spec().list(list)) {
                match delegate(self.mesh, &service.0, node) {
                    Some(delegate) if self.fit(node) != Fit::Fails => {
                        rules.extend(delegate.spec().list("http").map(|node| RouteRule {
                            resource: delegate,
                            node,
                            is_certain: false,
                        }));
                    }
                    Some(_) => {}
                    None => rules.push(RouteRule { resource: service.0, node, is_certain: false }),
                }
            }
        }
        for route in self.mesh.of(ResourceKind::HTTPRoute).chain(self.mesh.of(ResourceKind::GRPCRoute)) {
            if self.is_for(&route) {
                rules.extend(route.spec().list("rules").map(|node| RouteRule { resource: route, node, is_certain: false }));
            }
        }
        rules
    }

    /// Whether a route of the Gateway API is for the host: of a gateway by its hostnames, of a Service by its parent.
    fn is_for(&self, route: &Resource<'a>) -> bool {
        let parents = || route.spec().list("parentRefs");
        let of_service = |parent: Node<'_>| {
            let name = parent.get("name").and_then(Node::text).unwrap_or_default();
            let namespace = parent.get("namespace").and_then(Node::text).unwrap_or(route.namespace);
            parent.str_at(&["kind"]) == Some("Service") && self.hosts.iter().any(|host| *host == full_host(name, namespace))
        };
        let names = || route.spec().list("hostnames").filter_map(Node::text);
        let is_named = || names().any(|name| self.is_asked_for(name, route.namespace));
        parents().any(of_service) || (parents().any(|parent| parent.str_at(&["kind"]) != Some("Service")) && is_named())
    }
}

/// The delegate that a rule names, where it is there.
pub(super) fn delegate<'a>(mesh: &Mesh<'a>, root: &Resource<'a>, rule: Node<'a>) -> Option<Resource<'a>> {
    let name = rule.at(&["delegate", "name"]).and_then(Node::text)?;
    let namespace = rule.at(&["delegate", "namespace"]).and_then(Node::text).unwrap_or(root.namespace);
    mesh.find(ResourceKind::VirtualService, namespace, name)
}

/// The DestinationRules for a complete host, those for exactly this name first.
pub(super) fn rules_for<'a>(mesh: &Mesh<'a>, host: &str) -> Vec<DestinationRule<'a>> {
    let exact = mesh.rules_of_host(host, "").iter().copied();
    let wildcard = mesh.destination_rules().filter(|rule| {
        let pattern = rule.host().and_then(Node::text).unwrap_or_default();
        pattern.starts_with('*') && covers_from(pattern, rule.0.namespace, host)
    });
    exact.chain(wildcard).collect()
}

/// The complete hosts in the files that a client of a namespace, or of any, may mean by what it asked for.
fn hosts_meant(mesh: &Mesh<'_>, asked: &str, client: Option<&str>) -> Vec<String> {
    let first = asked.split('.').next().unwrap_or(asked);
    let services = mesh.services().filter(|service| service.0.name.eq_ignore_ascii_case(first)).map(|service| service.host());
    let entries = mesh.of(ResourceKind::ServiceEntry).map(ServiceEntry).flat_map(|entry| entry.hosts().collect::<Vec<_>>());
    let names = entries.filter_map(Node::text).filter(|host| may_mean(asked, host, client)).map(str::to_owned);
    services.filter(|host| may_mean(asked, host, client)).chain(names).collect()
}

/// The hosts that have an address, their own or that of an endpoint.
fn hosts_at(mesh: &Mesh<'_>, address: &str) -> Vec<String> {
    let is_it = |node: Node<'_>| node.text() == Some(address);
    let has = |entry: &ServiceEntry<'_>| {
        let spec = entry.0.spec();
        spec.list("addresses").any(is_it) || spec.list("endpoints").filter_map(|endpoint| endpoint.get("address")).any(is_it)
    };
    let entries = mesh.of(ResourceKind::ServiceEntry).map(ServiceEntry).filter(has);
    let names = entries.flat_map(|entry| entry.hosts().filter_map(Node::text).map(str::to_owned).collect::<Vec<_>>());
    let services = mesh.services().filter(|service| service.0.spec().get("clusterIP").is_some_and(is_it));
    names.chain(services.map(|service| service.host())).collect()
}
