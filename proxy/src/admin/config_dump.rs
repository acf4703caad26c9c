//! `/config_dump`: what a proxy is configured with.
//!
//! Source: Envoy `api/envoy/admin/v3/config_dump.proto` and `config_dump_shared.proto`, 1.40.

use std::fmt;

use meshwhy_core::node_id::NodeId;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::config::{Bootstrap, ListenerConfig, Named, RouteConfiguration};
use crate::proto_json::{Text, read};

/// Something in a dump that cannot be read; the rest still counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which part, such as `dynamic_listeners[3]`.
    pub part: String,
    /// What is wrong with it.
    pub error: String,
}

/// How far a proxy has got with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is in use.
    Active,
    /// It waits for something.
    Warming,
    /// It is on its way out.
    Draining,
}

/// An update that Envoy refused.
#[derive(Debug, Clone, Deserialize)]
pub struct ErrorState<'a> {
    #[serde(borrow, default)]
    failed_configuration: Option<Named<'a>>,
    /// Why.
    #[serde(borrow, default)]
    pub details: Text<'a>,
    /// When it came, as RFC 3339 writes it.
    #[serde(borrow, default)]
    pub last_update_attempt: Text<'a>,
}

/// A resource of the proxy under its name.
#[derive(Debug, Clone)]
pub struct Resource<'a> {
    /// Its name.
    pub name: Text<'a>,
    /// How far it is.
    pub state: State,
    /// When it came, as RFC 3339 writes it.
    pub last_updated: Text<'a>,
    /// The version that the control plane gave it.
    pub version: Text<'a>,
    raw: &'a RawValue,
}

/// The dump of one proxy. Listeners are read, except for the configuration of their filters; all else is read when asked for.
#[derive(Debug, Default)]
pub struct ConfigDump<'a> {
    /// Who the proxy is.
    pub bootstrap: Option<Bootstrap<'a>>,
    /// Listeners in the order of the dump.
    pub listeners: Vec<(State, ListenerConfig<'a>)>,
    /// Clusters, static and dynamic.
    pub clusters: Vec<Resource<'a>>,
    /// Route tables; those that stand in a listener, too.
    pub routes: Vec<Resource<'a>>,
    /// Endpoints of clusters, by the cluster's name; only with `?include_eds`.
    pub endpoints: Vec<Resource<'a>>,
    /// Certificates and CAs.
    pub secrets: Vec<Resource<'a>>,
    /// What Envoy refused, each once, under the name of the listener, cluster, table or secret.
    pub refused: Vec<(Text<'a>, ErrorState<'a>)>,
    /// What of it could not be read.
    pub faults: Vec<Fault>,
    /// How many sections were there; none in what is no dump.
    pub sections: usize,
    /// Which resources are all there: their section was, and nothing of it was unreadable.
    pub has: Sections,
    /// The section that is being read.
    current: String,
}

/// Of which resources a dump has all: that one of others is not there means nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sections {
    /// Listeners.
    pub listeners: bool,
    /// Clusters.
    pub clusters: bool,
    /// Route tables.
    pub routes: bool,
    /// Endpoints.
    pub endpoints: bool,
    /// Secrets.
    pub secrets: bool,
    /// Everything else, which nobody asks for.
    others: bool,
}

impl<'a> ConfigDump<'a> {
    /// Reads a dump; what is damaged becomes a fault, and what comes before a cut is there.
    #[must_use]
    pub fn read(json: &'a [u8]) -> Self {
        let mut dump = Self::default();
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        if let Err(error) = Root(&mut dump).deserialize(&mut deserializer) {
            dump.faults.push(Fault { part: "config_dump".to_owned(), error: error.to_string() });
            // The section that the cut goes through has not all that it should.
            let last = std::mem::take(&mut dump.current);
            *dump.has.of(&last) = false;
        }
        dump
    }

    /// Whether it is a dump at all.
    #[must_use]
    pub const fn is_dump(&self) -> bool {
        self.sections > 0
    }

    /// The proxy's id, where it is one of Istio's.
    #[must_use]
    pub fn id(&self) -> Option<NodeId<'_>> {
        NodeId::parse(&self.bootstrap.as_ref()?.node.id)
    }

    /// When the proxy took its last update, as RFC 3339 writes it: the dump is not older.
    #[must_use]
    pub fn last_updated(&self) -> Option<&str> {
        let lists = [&self.clusters, &self.routes, &self.endpoints, &self.secrets];
        lists.into_iter().flatten().map(|resource| &*resource.last_updated).filter(|time| !time.is_empty()).max()
    }

    /// The route table of this name.
    #[must_use]
    pub fn route_configuration(&self, name: &str) -> Option<Result<RouteConfiguration<'a>, Fault>> {
        Some(find(&self.routes, name)?.decode())
    }

    /// The cluster of this name, one in use before one that waits.
    #[must_use]
    pub fn cluster(&self, name: &str) -> Option<&Resource<'a>> {
        find(&self.clusters, name)
    }

    /// The endpoints of the cluster of this name.
    #[must_use]
    pub fn endpoints_of(&self, cluster: &str) -> Option<&Resource<'a>> {
        find(&self.endpoints, cluster)
    }

    fn take(&mut self, list: &str, index: usize, raw: &'a RawValue) {
        let taken = match list {
            "static_listeners" | "dynamic_listeners" => self.take_listener(raw),
            "static_clusters" | "dynamic_active_clusters" => self.take_resource(State::Active, raw, "cluster"),
            "dynamic_warming_clusters" => self.take_resource(State::Warming, raw, "cluster"),
            "static_route_configs" | "dynamic_route_configs" => self.take_resource(State::Active, raw, "route_config"),
            "static_endpoint_configs" | "dynamic_endpoint_configs" => self.take_resource(State::Active, raw, "endpoint_config"),
            "static_secrets" | "dynamic_active_secrets" => self.take_resource(State::Active, raw, "secret"),
            "dynamic_warming_secrets" => self.take_resource(State::Warming, raw, "secret"),
            _ => Ok(()),
        };
        if let Err(error) = taken {
            let name = read::<Named<'_>>(raw).map(|named| named.name).filter(|name| !name.is_empty());
            let name = name.map(|name| format!(" {}", &*name)).unwrap_or_default();
            self.faults.push(Fault { part: format!("{list}[{index}]{name}"), error: error.to_string() });
            let current = std::mem::take(&mut self.current);
            *self.has.of(&current) = false;
        }
    }

    fn take_listener(&mut self, raw: &'a RawValue) -> Result<(), serde_json::Error> {
        let resource: ListenerResource<'a> = serde_json::from_str(raw.get())?;
        self.refuse(&resource.name, resource.error_state);
        let states = [
            (
                State::Active,
                resource.active_state.or(resource.listener.map(|listener| ListenerState { listener: Some(listener) })),
            ),
            (State::Warming, resource.warming_state),
            (State::Draining, resource.draining_state),
        ];
        for (state, held) in states {
            let Some(held) = held.and_then(|held| held.listener) else { continue };
            let mut listener: ListenerConfig<'a> = serde_json::from_str(held.get())?;
            if listener.name.is_empty() {
                listener.name = resource.name.clone();
            }
            self.listeners.push((state, listener));
        }
        Ok(())
    }

    fn take_resource(&mut self, state: State, raw: &'a RawValue, key: &str) -> Result<(), serde_json::Error> {
        let envelope: Envelope<'a> = serde_json::from_str(raw.get())?;
        self.refuse(&envelope.name, envelope.error_state);
        let (list, held) = match key {
            "cluster" => (&mut self.clusters, envelope.cluster),
            "route_config" => (&mut self.routes, envelope.route_config),
            "endpoint_config" => (&mut self.endpoints, envelope.endpoint_config),
            _ => (&mut self.secrets, envelope.secret),
        };
        let Some(raw) = held else { return Ok(()) };
        let named: Named<'a> = serde_json::from_str(raw.get())?;
        let name = [named.name, named.cluster_name, envelope.name].into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        list.push(Resource { name, state, last_updated: envelope.last_updated, version: envelope.version_info, raw });
        Ok(())
    }

    /// Envoy keeps a refused listener by its name and once more without.
    fn refuse(&mut self, name: &Text<'a>, state: Option<ErrorState<'a>>) {
        let Some(state) = state.filter(|state| !state.details.is_empty()) else { return };
        let failed = state.failed_configuration.as_ref().map(|named| named.name.clone()).filter(|name| !name.is_empty());
        let name = failed.unwrap_or_else(|| name.clone());
        if !self.refused.iter().any(|(known, other)| *known == name && other.details == state.details) {
            self.refused.push((name, state));
        }
    }
}

impl<'a> Resource<'a> {
    /// Reads the resource.
    ///
    /// # Errors
    /// It is not of the form of `T`.
    pub fn decode<T: Deserialize<'a>>(&self) -> Result<T, Fault> {
        serde_json::from_str(self.raw.get()).map_err(|error| Fault { part: self.name.to_string(), error: error.to_string() })
    }

    /// It as JSON.
    #[must_use]
    pub fn json(&self) -> &'a str {
        self.raw.get()
    }
}

fn find<'r, 'a>(list: &'r [Resource<'a>], name: &str) -> Option<&'r Resource<'a>> {
    let mut named = list.iter().filter(|resource| &*resource.name == name).collect::<Vec<_>>();
    named.sort_by_key(|resource| resource.state != State::Active);
    named.first().copied()
}

#[derive(Deserialize)]
struct ListenerResource<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    listener: Option<&'a RawValue>,
    #[serde(borrow, default)]
    active_state: Option<ListenerState<'a>>,
    #[serde(borrow, default)]
    warming_state: Option<ListenerState<'a>>,
    #[serde(borrow, default)]
    draining_state: Option<ListenerState<'a>>,
    #[serde(borrow, default)]
    error_state: Option<ErrorState<'a>>,
}

#[derive(Deserialize)]
struct ListenerState<'a> {
    #[serde(borrow, default)]
    listener: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    version_info: Text<'a>,
    #[serde(borrow, default)]
    last_updated: Text<'a>,
    #[serde(borrow, default)]
    cluster: Option<&'a RawValue>,
    #[serde(borrow, default)]
    route_config: Option<&'a RawValue>,
    #[serde(borrow, default)]
    endpoint_config: Option<&'a RawValue>,
    #[serde(borrow, default)]
    secret: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error_state: Option<ErrorState<'a>>,
}

/// The whole answer: `{"configs": [SECTION…]}`.
struct Root<'d, 'a>(&'d mut ConfigDump<'a>);
/// The sections.
struct Configs<'d, 'a>(&'d mut ConfigDump<'a>);
/// One section: the names of the lists are different in each kind.
struct Section<'d, 'a>(&'d mut ConfigDump<'a>);
/// One list of a section.
struct List<'d, 'a>(&'d mut ConfigDump<'a>, String);

macro_rules! seed {
    ($name:ident, $expected:literal, $method:ident) => {
        impl<'de: 'a, 'a> DeserializeSeed<'de> for $name<'_, 'a> {
            type Value = ();

            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
                deserializer.$method(self)
            }
        }
    };
}

seed!(Root, "an object with `configs`", deserialize_map);
seed!(Configs, "a list of sections", deserialize_seq);
seed!(Section, "a section", deserialize_map);
seed!(List, "a list", deserialize_seq);

impl<'de: 'a, 'a> Visitor<'de> for Root<'_, 'a> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with `configs`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Text<'de>>()? {
            if &*key == "configs" {
                map.next_value_seed(Configs(self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Configs<'_, 'a> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of sections")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Section(self.0))?.is_some() {}
        Ok(())
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Section<'_, 'a> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a section")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match &*key {
                "@type" => {
                    let name = map.next_value::<Text<'de>>()?;
                    self.0.sections += usize::from(name.contains("/envoy.admin.") && name.ends_with("ConfigDump"));
                    self.0.current = name.rsplit_once('.').map_or(&*name, |(_, last)| last).to_owned();
                    *self.0.has.of(&self.0.current) = true;
                }
                "bootstrap" => {
                    let raw = map.next_value::<&RawValue>()?;
                    match serde_json::from_str(raw.get()) {
                        Ok(bootstrap) => self.0.bootstrap = Some(bootstrap),
                        Err(error) => self.0.faults.push(Fault { part: "bootstrap".to_owned(), error: error.to_string() }),
                    }
                }
                list if LISTS.contains(&list) => map.next_value_seed(List(self.0, list.to_owned()))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

const LISTS: [&str; 12] = [
    "static_listeners",
    "dynamic_listeners",
    "static_clusters",
    "dynamic_active_clusters",
    "dynamic_warming_clusters",
    "static_route_configs",
    "dynamic_route_configs",
    "static_endpoint_configs",
    "dynamic_endpoint_configs",
    "static_secrets",
    "dynamic_active_secrets",
    "dynamic_warming_secrets",
];

impl<'de: 'a, 'a> Visitor<'de> for List<'_, 'a> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut index = 0;
        while let Some(raw) = seq.next_element::<&RawValue>()? {
            self.0.take(&self.1, index, raw);
            index += 1;
        }
        Ok(())
    }
}

impl Sections {
    fn of(&mut self, section: &str) -> &mut bool {
        match section {
            "ListenersConfigDump" => &mut self.listeners,
            "ClustersConfigDump" => &mut self.clusters,
            "RoutesConfigDump" => &mut self.routes,
            "EndpointsConfigDump" => &mut self.endpoints,
            "SecretsConfigDump" => &mut self.secrets,
            _ => &mut self.others,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = r#"{"configs":[
        {"@type":"type.googleapis.com/envoy.admin.v3.ClustersConfigDump","static_clusters":[{"cluster":{"name":"a"}}]},
        {"@type":"type.googleapis.com/envoy.admin.v3.ListenersConfigDump","dynamic_listeners":[
            {"name":"broken","active_state":{"listener":{"address":7}}},
            {"active_state":{"listener":{"name":"whole"}},"error_state":{"failed_configuration":{"name":"whole"},"details":"no"}}]},
        {"@type":"type.googleapis.com/envoy.admin.v3.RoutesConfigDump","dynamic_route_configs":[{"route_config":{"name":"80"}}]}]}"#;

    #[test]
    fn a_damaged_part_is_named_and_the_rest_goes_on() {
        let dump = ConfigDump::read(DUMP.as_bytes());
        assert_eq!(dump.faults.len(), 1);
        assert_eq!(dump.faults[0].part, "dynamic_listeners[0] broken");
        assert_eq!(dump.listeners.iter().map(|(_, listener)| &*listener.name).collect::<Vec<_>>(), ["whole"]);
        assert_eq!(dump.refused.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["whole"]);
        assert!(dump.has.clusters && dump.has.routes && !dump.has.listeners);
    }

    #[test]
    fn what_comes_before_a_cut_is_there_and_no_more_is_claimed() {
        let cut = DUMP.find("{\"route_config\"").unwrap();
        let dump = ConfigDump::read(&DUMP.as_bytes()[..cut]);
        assert_eq!((dump.sections, dump.clusters.len(), dump.listeners.len(), dump.routes.len()), (3, 1, 1, 0));
        assert!(dump.has.clusters && !dump.has.routes);
        for end in 0..DUMP.len() {
            let _ = ConfigDump::read(&DUMP.as_bytes()[..end]);
        }
    }

    #[test]
    fn other_json_is_no_dump() {
        for json in ["", "[]", "{}", r#"{"configs":[]}"#, r#"{"configs":[{"@type":"x"}]}"#, "apiVersion: v1"] {
            assert!(!ConfigDump::read(json.as_bytes()).is_dump(), "{json}");
        }
    }
}
