//! `/clusters`: the hosts of each cluster and how they are.
//!
//! Source: Envoy `source/server/admin/clusters_handler.cc` and `api/envoy/admin/v3/clusters.proto`, 1.40.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Fault;
use crate::config::{EndpointAddress, Locality};
use crate::proto_json::{Integer, Text};

/// The clusters of a proxy.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Clusters {
    /// Each by its name.
    pub clusters: BTreeMap<String, ClusterStatus>,
    /// What could not be read.
    pub faults: Vec<Fault>,
}

/// One cluster.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClusterStatus {
    /// Its hosts in the order of the answer.
    pub hosts: Vec<Host>,
    /// The limits of its circuit breakers.
    pub limits: Vec<Limit>,
}

/// A limit of a circuit breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// `default` or `high`.
    pub priority: String,
    /// `max_connections`, `max_pending_requests`, `max_requests` or `max_retries`.
    pub name: String,
    /// How many.
    pub value: u64,
}

/// One host of a cluster.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Host {
    /// `IP:PORT`, a path, or `envoy://LISTENER/ID`.
    pub address: String,
    /// Why it is not used, in Envoy's words, such as `failed_outlier_check` and `failed_eds_health`; empty where it is healthy.
    pub unhealthy: Vec<String>,
    /// 0 is used first.
    pub priority: u32,
    /// Its share.
    pub weight: u32,
    /// `REGION/ZONE/SUBZONE`.
    pub locality: String,
    /// Counters and gauges such as `cx_active`, `cx_connect_fail`, `rq_error`.
    pub stats: BTreeMap<String, u64>,
}

/// What makes Envoy leave a host alone; the rest, as `degraded_*` and `pending_*`, does not by itself.
const UNUSABLE: [&str; 7] = [
    "failed_active_hc",
    "failed_outlier_check",
    "failed_eds_health",
    "pending_dynamic_removal",
    "excluded_via_immediate_hc_fail",
    "active_hc_timeout",
    "eds_status_draining",
];

impl Clusters {
    /// Reads either form. Lines that are of no known form are left out.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
            Self::from_json(bytes)
        } else {
            Self::from_text(&String::from_utf8_lossy(bytes))
        }
    }

    fn from_text(text: &str) -> Self {
        let mut clusters = Self::default();
        for line in text.lines() {
            // Names of clusters and addresses of hosts may hold `::` themselves, and this value is such a name again.
            if let Some((name, _)) = line.split_once("::observability_name::") {
                clusters.named(name);
                continue;
            }
            let mut fields = line.rsplitn(3, "::");
            let (Some(value), Some(key), Some(rest)) = (fields.next(), fields.next(), fields.next()) else { continue };
            if let Some((name, priority)) =
                rest.rsplit_once("::").filter(|(_, last)| matches!(*last, "default_priority" | "high_priority"))
            {
                if let Ok(value) = value.parse() {
                    let priority = priority.trim_end_matches("_priority").to_owned();
                    clusters.named(name).limits.push(Limit { priority, name: key.to_owned(), value });
                }
            } else if matches!(rest.rsplit_once("::"), Some((_, "outlier")))
                || key == "added_via_api"
                || key == "observability_name"
            {
                clusters.named(rest.trim_end_matches("::outlier"));
            } else if let Some((name, address)) = host_of(rest) {
                clusters.named(name).host(address).take(key, value);
            } else if key == "eds_service_name" {
                clusters.named(rest);
            }
        }
        clusters
    }

    fn from_json(bytes: &[u8]) -> Self {
        let mut clusters = Self::default();
        match serde_json::from_slice::<Answer<'_>>(bytes) {
            Ok(answer) => {
                for status in &answer.cluster_statuses {
                    let cluster = clusters.named(&status.name);
                    cluster.hosts.extend(status.host_statuses.iter().map(HostStatus::host));
                    cluster.limits.extend(status.circuit_breakers.thresholds.iter().flat_map(Threshold::limits));
                }
            }
            Err(error) => clusters.faults.push(Fault { part: "clusters".to_owned(), error: error.to_string() }),
        }
        clusters
    }

    fn named(&mut self, name: &str) -> &mut ClusterStatus {
        self.clusters.entry(name.to_owned()).or_default()
    }
}

impl ClusterStatus {
    fn host(&mut self, address: &str) -> &mut Host {
        let at = self.hosts.iter().rposition(|host| host.address == address).unwrap_or_else(|| {
            self.hosts.push(Host { address: address.to_owned(), ..Host::default() });
            self.hosts.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the place of a host that was found or has just been added")]
        &mut self.hosts[at]
    }
}

impl Host {
    /// Whether Envoy sends requests to it while others are healthy.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        !self.unhealthy.iter().any(|flag| UNUSABLE.contains(&flag.as_str()))
    }

    fn take(&mut self, key: &str, value: &str) {
        match key {
            "health_flags" if value != "healthy" => {
                self.unhealthy = value.split('/').filter(|flag| !flag.is_empty()).map(str::to_owned).collect();
            }
            "priority" => self.priority = value.parse().unwrap_or_default(),
            "weight" => self.weight = value.parse().unwrap_or_default(),
            "region" => self.locality = value.to_owned(),
            "zone" | "sub_zone" if !value.is_empty() => {
                self.locality.push('/');
                self.locality.push_str(value);
            }
            _ => {
                if let Ok(value) = value.parse() {
                    self.stats.insert(key.to_owned(), value);
                }
            }
        }
    }
}

/// The cluster and the host that a line begins with: the host's address has no `::`, except where it is of IPv6.
fn host_of(rest: &str) -> Option<(&str, &str)> {
    let at = match rest.rfind("::[") {
        Some(at) if rest.get(at..)?.contains("]:") => at,
        _ => rest.rfind("::")?,
    };
    let (name, address) = (rest.get(..at)?, rest.get(at + 2..)?);
    (!name.is_empty() && !address.is_empty()).then_some((name, address))
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    cluster_statuses: Vec<Status<'a>>,
}

#[derive(Deserialize)]
struct Status<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    host_statuses: Vec<HostStatus<'a>>,
    #[serde(borrow, default)]
    circuit_breakers: Breakers<'a>,
}

#[derive(Default, Deserialize)]
struct Breakers<'a> {
    #[serde(borrow, default)]
    thresholds: Vec<Threshold<'a>>,
}

#[derive(Deserialize)]
struct Threshold<'a> {
    #[serde(borrow, default)]
    priority: Text<'a>,
    #[serde(default)]
    max_connections: Option<Integer>,
    #[serde(default)]
    max_pending_requests: Option<Integer>,
    #[serde(default)]
    max_requests: Option<Integer>,
    #[serde(default)]
    max_retries: Option<Integer>,
}

#[derive(Deserialize)]
struct HostStatus<'a> {
    #[serde(borrow, default)]
    address: EndpointAddress<'a>,
    #[serde(borrow, default)]
    stats: Vec<Stat<'a>>,
    #[serde(borrow, default)]
    health_status: HealthStatus<'a>,
    #[serde(default)]
    weight: u32,
    #[serde(default)]
    priority: u32,
    #[serde(borrow, default)]
    locality: Locality<'a>,
}

#[derive(Deserialize)]
struct Stat<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(default)]
    value: Integer,
}

#[derive(Default, Deserialize)]
struct HealthStatus<'a> {
    #[serde(borrow, default)]
    eds_health_status: Text<'a>,
    #[serde(default)]
    failed_active_health_check: bool,
    #[serde(default)]
    failed_outlier_check: bool,
    #[serde(default)]
    failed_active_degraded_check: bool,
    #[serde(default)]
    pending_dynamic_removal: bool,
    #[serde(default)]
    pending_active_hc: bool,
    #[serde(default)]
    excluded_via_immediate_hc_fail: bool,
    #[serde(default)]
    active_hc_timeout: bool,
}

impl Threshold<'_> {
    fn limits(&self) -> impl Iterator<Item = Limit> {
        let limits = [
            ("max_connections", self.max_connections),
            ("max_pending_requests", self.max_pending_requests),
            ("max_requests", self.max_requests),
            ("max_retries", self.max_retries),
        ];
        let priority = if &*self.priority == "HIGH" { "high" } else { "default" };
        limits.into_iter().filter_map(move |(name, value)| {
            let value = u64::try_from(value?.0).ok()?;
            Some(Limit { priority: priority.to_owned(), name: name.to_owned(), value })
        })
    }
}

impl HostStatus<'_> {
    fn host(&self) -> Host {
        let stats = self.stats.iter().filter_map(|stat| Some((stat.name.to_string(), u64::try_from(stat.value.0).ok()?)));
        Host {
            address: self.address.shown(),
            unhealthy: self.health_status.flags(),
            priority: self.priority,
            weight: self.weight,
            locality: self.locality.shown(),
            stats: stats.collect(),
        }
    }
}

impl HealthStatus<'_> {
    /// The words of the text form.
    fn flags(&self) -> Vec<String> {
        let flags = [
            (self.failed_active_health_check, "failed_active_hc"),
            (self.failed_outlier_check, "failed_outlier_check"),
            (matches!(&*self.eds_health_status, "UNHEALTHY" | "TIMEOUT"), "failed_eds_health"),
            (&*self.eds_health_status == "DRAINING", "eds_status_draining"),
            (self.failed_active_degraded_check, "degraded_active_hc"),
            (&*self.eds_health_status == "DEGRADED", "degraded_eds_health"),
            (self.pending_dynamic_removal, "pending_dynamic_removal"),
            (self.pending_active_hc, "pending_active_hc"),
            (self.excluded_via_immediate_hc_fail, "excluded_via_immediate_hc_fail"),
            (self.active_hc_timeout, "active_hc_timeout"),
        ];
        flags.into_iter().filter(|(set, _)| *set).map(|(_, flag)| flag.to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a::b::observability_name::a::b\n\
        outbound|80||a.b.svc::observability_name::outbound|80||a.b.svc\n\
        outbound|80||a.b.svc::default_priority::max_connections::20\n\
        outbound|80||a.b.svc::10.0.0.1:80::cx_active::3\n\
        outbound|80||a.b.svc::10.0.0.1:80::health_flags::/failed_outlier_check/failed_eds_health\n\
        outbound|80||a.b.svc::10.0.0.1:80::weight::1\n\
        outbound|80||a.b.svc::10.0.0.1:80::region::eu\n\
        outbound|80||a.b.svc::10.0.0.1:80::zone::a\n\
        outbound|80||a.b.svc::10.0.0.1:80::sub_zone::\n\
        outbound|80||a.b.svc::10.0.0.1:80::priority::1\n\
        outbound|80||a.b.svc::[::1]:80::health_flags::healthy\n";

    #[test]
    fn both_forms_say_the_same() {
        let text = Clusters::read(TEXT.as_bytes());
        let cluster = &text.clusters["outbound|80||a.b.svc"];
        assert_eq!(cluster.limits[0], Limit { priority: "default".into(), name: "max_connections".into(), value: 20 });
        let [ejected, healthy] = cluster.hosts.as_slice() else { panic!("{cluster:?}") };
        assert_eq!((ejected.address.as_str(), ejected.locality.as_str(), ejected.priority), ("10.0.0.1:80", "eu/a", 1));
        assert!(!ejected.is_usable() && healthy.is_usable());
        assert_eq!(healthy.address, "[::1]:80");
        let json = r#"{"cluster_statuses":[{"name":"outbound|80||a.b.svc","circuit_breakers":{"thresholds":[{"max_connections":20}]},
            "host_statuses":[{"address":{"socket_address":{"address":"10.0.0.1","port_value":80}},"stats":[{"name":"cx_active","value":"3"}],
            "health_status":{"failed_outlier_check":true,"eds_health_status":"UNHEALTHY"},"weight":1,"priority":1,
            "locality":{"region":"eu","zone":"a"}}]}]}"#;
        let json = Clusters::read(json.as_bytes());
        assert_eq!(json.clusters["outbound|80||a.b.svc"].hosts[0], *ejected);
        assert_eq!(json.clusters["outbound|80||a.b.svc"].limits, cluster.limits);
    }
}
