//! Who takes mTLS, who speaks it: judged for each port of each workload from the versions that are applied at a moment.

mod units;

use foldhash::HashMap;

use crate::document::Node;
use crate::mesh::{ROOT_NAMESPACE, kubernetes_name};
use crate::model::{DestinationRule, MtlsMode, PeerAuthentication, TlsMode, Workload};

pub(super) use units::MtlsBuilder;

type Pairs = Vec<(String, String)>;

/// What a version of a resource says about mTLS.
#[derive(Debug, Default)]
pub(super) enum MtlsFacts {
    /// Nothing, or the resource is not there.
    #[default]
    Silent,
    Policy(PolicyTls),
    Rule(RuleTls),
    Workload(WorkloadTls),
    /// A Service: its units are there when it is.
    Service,
    Namespace {
        name: String,
        injects: bool,
    },
}

/// A PeerAuthentication.
#[derive(Debug)]
pub(super) struct PolicyTls {
    pub(super) namespace: String,
    selector: Pairs,
    mode: Option<MtlsMode>,
    ports: Vec<(i64, MtlsMode)>,
}

/// The TLS of a DestinationRule: of the host and of each subset, and of their ports.
#[derive(Debug)]
pub(super) struct RuleTls {
    pub(super) host: String,
    policies: Vec<PortModes>,
}

/// What one policy sends to all ports, and to single ones.
type PortModes = (Option<TlsMode>, Vec<(i64, Option<TlsMode>)>);

/// A workload: whether its pods say themselves that they have a proxy.
#[derive(Debug)]
pub(super) struct WorkloadTls {
    pub(super) namespace: String,
    pub(super) labels: Pairs,
    own: Option<bool>,
}

/// A port of a host, and who serves it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct MtlsUnit {
    pub(super) host: String,
    port: Option<i64>,
    target: Option<i64>,
    namespace: String,
    labels: Pairs,
    workload: Option<usize>,
    /// Its Service, where the files hold one.
    service: Option<usize>,
}

/// What does not go together, as bits.
pub(super) mod conflict {
    /// STRICT, and a DestinationRule that does not send mTLS.
    pub(crate) const STRICT_AND_PLAIN: u8 = 1;
    /// DISABLE, and a DestinationRule that sends mTLS.
    pub(crate) const DISABLED_AND_MUTUAL: u8 = 2;
    /// No proxy, and a DestinationRule that sends mTLS.
    pub(crate) const BARE_AND_MUTUAL: u8 = 4;
    /// STRICT, and clients that are about to get or lose a proxy.
    pub(crate) const STRICT_AND_BARE: u8 = 8;
}

/// All units, and who may have a say in each.
#[derive(Debug, Default)]
pub(super) struct Mtls {
    pub(super) units: Vec<MtlsUnit>,
    by_namespace: HashMap<String, Vec<usize>>,
    by_host: HashMap<String, Vec<usize>>,
    /// By the index of a workload or Service.
    by_entry: HashMap<usize, Vec<usize>>,
    policies: HashMap<String, Vec<usize>>,
    rules: HashMap<String, Vec<usize>>,
    namespaces: HashMap<String, usize>,
    /// Workloads whose pods get or lose a proxy.
    changing: Vec<usize>,
}

/// The facts of each resource at a moment, by its index.
pub(super) type View<'v> = &'v dyn Fn(usize) -> &'v MtlsFacts;

impl PolicyTls {
    pub(super) fn read(policy: PeerAuthentication<'_>) -> Self {
        let ports = policy.0.spec().get("portLevelMtls").into_iter().flat_map(Node::entries);
        let number = |key: Node<'_>| key.as_integer().or_else(|| key.text()?.parse().ok());
        let numbers: Vec<i64> = ports.filter_map(|(key, _)| number(key)).collect();
        let mode = |port: i64| policy.mode_of_port(port).map(|(mode, _)| (port, mode));
        Self {
            namespace: policy.0.namespace.to_owned(),
            selector: policy.0.selector().map(super::dependencies::pairs).unwrap_or_default(),
            mode: policy.mode().map(|(mode, _)| mode),
            ports: numbers.into_iter().filter_map(mode).collect(),
        }
    }

    fn mode_for(&self, port: Option<i64>) -> Option<MtlsMode> {
        self.ports.iter().find(|(number, _)| Some(*number) == port).map(|(_, mode)| *mode).or(self.mode)
    }

    /// Whether it asks anybody for mTLS.
    pub(super) fn is_strict(&self) -> bool {
        self.ports.iter().map(|(_, mode)| *mode).chain(self.mode).any(|mode| mode == MtlsMode::Strict)
    }
}

impl RuleTls {
    pub(super) fn read(rule: DestinationRule<'_>, host: String) -> Self {
        let mode = |policy: crate::model::TrafficPolicy<'_>| policy.tls().and_then(|tls| tls.mode());
        let policies = rule
            .policies()
            .map(|policy| (mode(policy), policy.ports().filter_map(|port| Some((port.port()?, mode(port)))).collect()))
            .collect();
        Self { host, policies }
    }

    fn modes(&self, port: Option<i64>) -> impl Iterator<Item = TlsMode> {
        self.policies.iter().flat_map(move |(all, ports)| {
            let own = ports.iter().find(|(number, _)| Some(*number) == port);
            let every = ports.iter().filter(move |_| port.is_none()).filter_map(|(_, mode)| *mode);
            own.map_or(*all, |(_, mode)| *mode).into_iter().chain(every)
        })
    }
}

impl WorkloadTls {
    /// As `Mesh::has_proxy` decides, without the namespace.
    pub(super) fn read(workload: &Workload<'_>, labels: Pairs) -> Self {
        let own = workload.proxy().map(|_| true).or_else(|| workload.asks_for_proxy());
        Self { namespace: workload.resource.namespace.to_owned(), labels, own }
    }
}

/// Whether a selector selects what has these labels.
fn selects(selector: &Pairs, labels: &Pairs) -> bool {
    selector.iter().all(|pair| labels.contains(pair))
}

impl Mtls {
    /// The units that a change of a resource may concern.
    pub(super) fn concerned(&self, index: usize, facts: &MtlsFacts) -> Vec<usize> {
        let all = || (0..self.units.len()).collect();
        match facts {
            MtlsFacts::Silent => Vec::new(),
            MtlsFacts::Policy(policy) if policy.namespace == ROOT_NAMESPACE => all(),
            MtlsFacts::Policy(policy) => self.by_namespace.get(&policy.namespace).cloned().unwrap_or_default(),
            MtlsFacts::Rule(rule) if rule.host.starts_with('*') => all(),
            MtlsFacts::Rule(rule) => self.by_host.get(&rule.host).cloned().unwrap_or_default(),
            MtlsFacts::Workload(_) if self.changing.contains(&index) => all(),
            MtlsFacts::Workload(_) | MtlsFacts::Service => self.by_entry.get(&index).cloned().unwrap_or_default(),
            MtlsFacts::Namespace { .. } => all(),
        }
    }

    /// Whether pods have a proxy; `None` where nothing says.
    fn has_proxy(&self, workload: &WorkloadTls, view: View<'_>) -> Option<bool> {
        workload.own.or_else(|| match view(*self.namespaces.get(&workload.namespace)?) {
            MtlsFacts::Namespace { injects, .. } => Some(*injects),
            _ => None,
        })
    }

    /// Whether some client that gets or loses a proxy has none now.
    pub(super) fn has_bare_client(&self, view: View<'_>) -> bool {
        self.changing.iter().any(|index| match view(*index) {
            MtlsFacts::Workload(workload) => self.has_proxy(workload, view) == Some(false),
            _ => false,
        })
    }

    /// What does not go together at a unit.
    pub(super) fn conflicts(&self, unit: &MtlsUnit, view: View<'_>, has_bare_client: bool) -> u8 {
        if unit.service.is_some_and(|service| matches!(view(service), MtlsFacts::Silent)) {
            return 0;
        }
        let workload = match unit.workload.map(view) {
            Some(MtlsFacts::Workload(workload)) => Some(workload),
            Some(_) => return 0,
            None => None,
        };
        let clients = self.client_modes(unit, view);
        let is_mutual = clients.contains(&TlsMode::IstioMutual);
        if workload.is_some_and(|workload| self.has_proxy(workload, view) == Some(false)) {
            return if is_mutual { conflict::BARE_AND_MUTUAL } else { 0 };
        }
        let servers = self.server_modes(unit, workload.map_or(&unit.labels, |workload| &workload.labels), view);
        let is_strict = servers.contains(&MtlsMode::Strict);
        let is_plain = clients.iter().any(|mode| *mode != TlsMode::IstioMutual);
        let bit = |holds: bool, bit: u8| if holds { bit } else { 0 };
        bit(is_strict && is_plain, conflict::STRICT_AND_PLAIN)
            | bit(is_strict && has_bare_client, conflict::STRICT_AND_BARE)
            | bit(is_mutual && servers.contains(&MtlsMode::Disable), conflict::DISABLED_AND_MUTUAL)
    }

    /// The modes of the policies that decide; several where several stand at the same level.
    fn server_modes(&self, unit: &MtlsUnit, labels: &Pairs, view: View<'_>) -> Vec<MtlsMode> {
        type Wanted<'w> = &'w dyn Fn(&PolicyTls) -> bool;
        let at = |namespace: &str, wanted: Wanted<'_>| -> Vec<MtlsMode> {
            let indexes = self.policies.get(namespace).map(Vec::as_slice).unwrap_or_default();
            let mode = |index: &usize| match view(*index) {
                MtlsFacts::Policy(policy) if policy.namespace == namespace && wanted(policy) => policy.mode_for(unit.target),
                _ => None,
            };
            indexes.iter().filter_map(mode).collect()
        };
        let is_wide = |policy: &PolicyTls| policy.selector.is_empty();
        let is_own = |policy: &PolicyTls| !is_wide(policy) && selects(&policy.selector, labels);
        let levels: [(&str, Wanted<'_>); 3] =
            [(&unit.namespace, &is_own), (&unit.namespace, &is_wide), (ROOT_NAMESPACE, &is_wide)];
        levels.into_iter().map(|(namespace, wanted)| at(namespace, wanted)).find(|modes| !modes.is_empty()).unwrap_or_default()
    }

    /// What DestinationRules make clients send; nothing where Istio chooses.
    fn client_modes(&self, unit: &MtlsUnit, view: View<'_>) -> Vec<TlsMode> {
        let hosts = std::iter::once(unit.host.clone()).chain(super::dependencies::wildcards(&unit.host));
        for host in hosts {
            let rules: Vec<&RuleTls> = self
                .rules
                .get(&host)
                .into_iter()
                .flatten()
                .filter_map(|index| match view(*index) {
                    MtlsFacts::Rule(rule) if rule.host == host => Some(rule),
                    _ => None,
                })
                .collect();
            if !rules.is_empty() {
                return rules.into_iter().flat_map(|rule| rule.modes(unit.port)).collect();
            }
        }
        Vec::new()
    }
}

/// The namespace of a host that no Service of the files stands for.
fn namespace_of(host: &str) -> String {
    kubernetes_name(host).map(|(_, namespace)| namespace.to_owned()).unwrap_or_default()
}
