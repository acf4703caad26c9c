//! What the value of an annotation must look like.

use std::net::IpAddr;

use super::quantity;
use crate::document::{self, Node, Value};

/// What a value must be, as Istio validates it (`pkg/kube/inject/validate.go`, 1.30) or as the program reads it that gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Anything.
    Free,
    /// What Go's `ParseBool` takes.
    Boolean,
    /// `true` or `false`, spelt just so.
    TrueOrFalse,
    /// A whole number that is not negative.
    Count,
    /// A port.
    Port,
    /// Ports between commas.
    Ports,
    /// Ports between commas, or `*`.
    PortsOrAll,
    /// Address ranges between commas, without spaces.
    Ranges,
    /// Address ranges between commas, or `*`.
    RangesOrAll,
    /// Names of network interfaces between commas.
    Interfaces,
    /// How traffic gets into the proxy.
    Interception,
    /// A quantity of Kubernetes.
    Quantity,
    /// One of Envoy's log levels.
    EnvoyLevel,
    /// Log levels of Envoy's components.
    EnvoyLevels,
    /// Log levels of the agent's scopes.
    AgentLevels,
    /// YAML of a `ProxyConfig`.
    ProxyConfig,
}

/// `spdlog`'s levels, and the one that Envoy adds.
const ENVOY_LEVELS: [&str; 8] = ["trace", "debug", "info", "warning", "warn", "error", "critical", "off"];
/// The levels of `istio.io/istio/pkg/log`.
const AGENT_LEVELS: [&str; 6] = ["debug", "info", "warn", "error", "fatal", "none"];
/// The longest name of a network interface in Linux.
const LONGEST_INTERFACE: usize = 15;

impl Format {
    /// The part of a value that is not allowed.
    #[must_use]
    pub fn refused(self, value: &str) -> Option<&str> {
        let whole = |is_right: bool| (!is_right).then_some(value);
        let levels = |levels: &[&str]| {
            let is_right =
                |part: &&str| part.rsplit_once(':').is_some_and(|(name, level)| !name.is_empty() && levels.contains(&level));
            value.split(',').find(|part| !is_right(part))
        };
        match self {
            Self::Free => None,
            Self::Boolean => {
                whole(matches!(value, "1" | "t" | "T" | "TRUE" | "true" | "True" | "0" | "f" | "F" | "FALSE" | "false" | "False"))
            }
            Self::TrueOrFalse => whole(matches!(value, "true" | "false")),
            Self::Count => whole(value.parse::<u32>().is_ok()),
            Self::Port => whole(is_port(value)),
            Self::PortsOrAll | Self::RangesOrAll if value == "*" => None,
            Self::Ports | Self::PortsOrAll if value.trim().is_empty() => None,
            Self::Ports | Self::PortsOrAll => value.trim().split(',').find(|port| !is_port(port)),
            Self::Ranges | Self::RangesOrAll | Self::Interfaces if value.is_empty() => None,
            Self::Ranges | Self::RangesOrAll => value.split(',').find(|range| !is_range(range)),
            Self::Interfaces => value.split(',').map(str::trim).find(|name| !is_interface(name)),
            Self::Interception => whole(matches!(value, "REDIRECT" | "TPROXY" | "NONE")),
            Self::Quantity => whole(quantity(value).is_some()),
            Self::EnvoyLevel => whole(ENVOY_LEVELS.contains(&value)),
            Self::EnvoyLevels if value.is_empty() => None,
            Self::EnvoyLevels => levels(&ENVOY_LEVELS),
            Self::AgentLevels if AGENT_LEVELS.contains(&value) => None,
            Self::AgentLevels => levels(&AGENT_LEVELS),
            Self::ProxyConfig => refused_of_proxy_config(value),
        }
    }

    /// Values that are allowed.
    #[must_use]
    pub const fn example(self) -> &'static str {
        match self {
            Self::Free => "",
            Self::Boolean | Self::TrueOrFalse => "true, false",
            Self::Count => "30",
            Self::Port => "15021",
            Self::Ports => "9090,9091",
            Self::PortsOrAll => "9090,9091, *",
            Self::Ranges => "10.96.0.0/12,192.168.0.0/16",
            Self::RangesOrAll => "10.96.0.0/12,192.168.0.0/16, *",
            Self::Interfaces => "eth1,eth2",
            Self::Interception => "REDIRECT, TPROXY, NONE",
            Self::Quantity => "100m, 128Mi",
            Self::EnvoyLevel => "trace, debug, info, warning, error, critical, off",
            Self::EnvoyLevels => "misc:error,upstream:debug",
            Self::AgentLevels => "default:info,xdsproxy:debug",
            Self::ProxyConfig => "concurrency: 2",
        }
    }
}

fn is_port(text: &str) -> bool {
    text.trim().parse::<u16>().is_ok() && !text.trim().starts_with('+')
}

fn is_range(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let most = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.bytes().all(|byte| byte.is_ascii_digit()) && bits.parse::<u8>().is_ok_and(|bits| bits <= most)
}

fn is_interface(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let starts_well = name.bytes().next().is_some_and(|first| first.is_ascii_alphabetic());
    starts_well && name.len() <= LONGEST_INTERFACE && name.bytes().all(is_inner)
}

/// Fields of `mesh.v1alpha1.ProxyConfig`, 1.30, in the spelling of JSON.
const PROXY_CONFIG_FIELDS: [&str; 37] = [
    "availabilityZone",
    "binaryPath",
    "caCertificatesPem",
    "concurrency",
    "configPath",
    "connectionSettings",
    "controlPlaneAuthPolicy",
    "customConfigFile",
    "discoveryAddress",
    "discoveryRefreshDelay",
    "drainDuration",
    "envoyAccessLogService",
    "envoyMetricsService",
    "envoyMetricsServiceAddress",
    "extraStatTags",
    "fileFlushInterval",
    "fileFlushMinSizeKb",
    "gatewayTopology",
    "holdApplicationUntilProxyStarts",
    "image",
    "interceptionMode",
    "meshId",
    "privateKeyProvider",
    "proxyAdminPort",
    "proxyBootstrapTemplatePath",
    "proxyHeaders",
    "proxyMetadata",
    "proxyStatsMatcher",
    "readinessProbe",
    "runtimeValues",
    "sds",
    "serviceCluster",
    "statNameLength",
    "statsCompression",
    "statsdUdpAddress",
    "statusPort",
    "terminationDrainDuration",
];
/// More fields, which would need a line each only to stay sorted.
const MORE_PROXY_CONFIG_FIELDS: [&str; 5] =
    ["tracing", "tracingServiceName", "zipkinAddress", "parentShutdownDuration", "connectTimeout"];

/// Unknown fields are ignored without a word; a text that is no YAML, and a number where a text must be, refuse the pod.
fn refused_of_proxy_config(value: &str) -> Option<&str> {
    let parsed = document::parse(0, value);
    if !parsed.faults.is_empty() {
        return Some(value);
    }
    let root = parsed.documents.first()?.root();
    if root.is_empty() {
        return None;
    }
    if !root.is_mapping() {
        return Some(value);
    }
    let is_known = |name: &str| PROXY_CONFIG_FIELDS.contains(&name) || MORE_PROXY_CONFIG_FIELDS.contains(&name);
    let unknown = root.entries().map(|(key, _)| key).find(|key| !key.text().is_some_and(|name| is_known(&camel_case(name))));
    let metadata = root.get("proxyMetadata").or_else(|| root.get("proxy_metadata"));
    let is_text = |node: &Node<'_>| matches!(node.value(), Value::Text(_) | Value::Null);
    let no_text = metadata.into_iter().flat_map(Node::entries).map(|(_, value)| value).find(|value| !is_text(value));
    let place = unknown.or(no_text)?.place();
    value.get(place.start as usize..place.end as usize)
}

/// Both spellings of a field are read.
fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |done, part| {
        let mut letters = part.chars();
        let head: String = letters.next().map(|letter| letter.to_ascii_uppercase()).into_iter().collect();
        done + &head + letters.as_str()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_example_is_allowed() {
        for format in [Format::Count, Format::Port, Format::Ports, Format::Ranges, Format::Interfaces, Format::EnvoyLevels] {
            assert_eq!(format.refused(format.example()), None, "{format:?}");
        }
        assert_eq!(Format::AgentLevels.refused(Format::AgentLevels.example()), None);
        assert_eq!(Format::ProxyConfig.refused("concurrency: 2\nproxy_metadata:\n  ISTIO_META_HTTP10: \"1\"\n"), None);
    }

    #[test]
    fn the_part_that_is_wrong_is_named() {
        assert_eq!(Format::Ranges.refused("10.0.0.0/8, 192.168.0.0/16"), Some(" 192.168.0.0/16"));
        assert_eq!(Format::Ranges.refused("10.0.0.1"), Some("10.0.0.1"));
        assert_eq!(Format::Ports.refused("80, 99999"), Some(" 99999"));
        assert_eq!(Format::Quantity.refused("128MB"), Some("128MB"));
        assert_eq!(Format::EnvoyLevel.refused("Debug"), Some("Debug"));
        assert_eq!(Format::EnvoyLevels.refused("upstream=debug"), Some("upstream=debug"));
        assert_eq!(Format::ProxyConfig.refused("holdApplication: true\n"), Some("holdApplication"));
        assert_eq!(Format::ProxyConfig.refused("proxyMetadata:\n  ISTIO_META_HTTP10: 1\n"), Some("1"));
    }
}
