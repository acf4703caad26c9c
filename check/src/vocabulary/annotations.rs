//! The annotations that Istio reads. Source: `istio.io/api` 1.30, `annotation/annotations.gen.go`.

use super::formats::Format::{self, *};
use crate::model::ResourceKind;
use crate::spelling::nearest;

/// How settled an annotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maturity {
    /// It may change or go.
    Alpha,
    /// It changes only with notice.
    Beta,
    /// It stays.
    Stable,
    /// There is something better; all of these are Alpha or Beta.
    Deprecated,
}

use Maturity::{Alpha, Beta, Deprecated, Stable};

/// An annotation that Istio knows.
#[derive(Debug, Clone, Copy)]
pub struct Annotation {
    /// Its key.
    pub name: &'static str,
    /// The kinds on which it has an effect; none for all.
    pub kinds: &'static [ResourceKind],
    /// How settled it is.
    pub maturity: Maturity,
    /// What its value must be.
    pub format: Format,
}

/// On whatever has annotations.
const ANY: &[ResourceKind] = &[];

/// The one key outside of Istio's domain that it documents.
const INGRESS_CLASS: &str = "kubernetes.io/ingress.class";

/// What Istio reads, or writes itself, although its list lacks it.
const UNLISTED: [&str; 13] = [
    "ambient.istio.io/xfcc-include-client-identity",
    "envoyfilter.istio.io/referenced-services",
    "experimental.istio.io/disable-gateway-port-translation",
    "gateway.istio.io/defaults-for-class",
    "istio.io/gateway-name",
    "networking.istio.io/address-type",
    "networking.istio.io/cluster",
    "networking.istio.io/tunnel",
    "prometheus.istio.io/scrape-targets",
    "prometheus.istio.io/secure-port",
    "proxy.istio.io/health-checks-enabled",
    "sidecar.istio.io/capNetBindService",
    "security.istio.io/tlsMode",
];

#[rustfmt::skip]
const ANNOTATIONS: &[(&str, &[ResourceKind], Maturity, Format)] = &[
    ("alpha.istio.io/canonical-serviceaccounts", &[ResourceKind::Service], Deprecated, Free),
    ("alpha.istio.io/kubernetes-serviceaccounts", &[ResourceKind::Service], Deprecated, Free),
    ("ambient.istio.io/bypass-inbound-capture", &[ResourceKind::Pod], Alpha, Free),
    ("ambient.istio.io/dns-capture", &[ResourceKind::Pod], Alpha, Free),
    ("ambient.istio.io/redirection", &[ResourceKind::Pod], Beta, Free),
    ("ambient.istio.io/waypoint-inbound-binding", &[ResourceKind::GatewayClass, ResourceKind::KubernetesGateway], Alpha, Free),
    ("galley.istio.io/analyze-suppress", ANY, Alpha, Free),
    ("gateway.istio.io/controller-version", ANY, Alpha, Free),
    ("gateway.istio.io/name-override", &[ResourceKind::KubernetesGateway], Alpha, Free),
    ("gateway.istio.io/service-account", &[ResourceKind::KubernetesGateway], Alpha, Free),
    ("inject.istio.io/templates", &[ResourceKind::Pod], Alpha, Free),
    ("istio.io/autoRegistrationGroup", &[ResourceKind::WorkloadEntry], Alpha, Free),
    ("istio.io/connectedAt", &[ResourceKind::WorkloadEntry], Alpha, Free),
    ("istio.io/disconnectedAt", &[ResourceKind::WorkloadEntry], Alpha, Free),
    ("istio.io/dry-run", &[ResourceKind::AuthorizationPolicy], Alpha, Free),
    ("istio.io/reroute-virtual-interfaces", &[ResourceKind::Pod], Alpha, Interfaces),
    ("istio.io/rev", &[ResourceKind::Pod], Alpha, Free),
    ("istio.io/workloadController", &[ResourceKind::WorkloadEntry], Alpha, Free),
    ("kubernetes.io/ingress.class", &[ResourceKind::Ingress], Stable, Free),
    ("networking.istio.io/exportTo", &[ResourceKind::Service], Alpha, Free),
    ("networking.istio.io/service-type", &[ResourceKind::KubernetesGateway], Alpha, Free),
    ("networking.istio.io/traffic-distribution", &[ResourceKind::Namespace, ResourceKind::Service, ResourceKind::ServiceEntry], Alpha, Free),
    ("prometheus.istio.io/merge-metrics", &[ResourceKind::Pod], Alpha, Boolean),
    ("proxy.istio.io/config", &[ResourceKind::Pod], Beta, ProxyConfig),
    ("proxy.istio.io/overrides", &[ResourceKind::Pod], Alpha, Free),
    ("readiness.status.sidecar.istio.io/applicationPorts", &[ResourceKind::Pod], Alpha, Free),
    ("readiness.status.sidecar.istio.io/failureThreshold", &[ResourceKind::Pod], Alpha, Count),
    ("readiness.status.sidecar.istio.io/initialDelaySeconds", &[ResourceKind::Pod], Alpha, Count),
    ("readiness.status.sidecar.istio.io/periodSeconds", &[ResourceKind::Pod], Alpha, Count),
    ("sidecar.istio.io/agentLogLevel", &[ResourceKind::Pod], Alpha, AgentLevels),
    ("sidecar.istio.io/bootstrapOverride", &[ResourceKind::Pod], Alpha, Free),
    ("sidecar.istio.io/componentLogLevel", &[ResourceKind::Pod], Alpha, EnvoyLevels),
    ("sidecar.istio.io/discoveryAddress", &[ResourceKind::Pod], Deprecated, Free),
    ("sidecar.istio.io/extraStatTags", &[ResourceKind::Pod], Deprecated, Free),
    ("sidecar.istio.io/inject", &[ResourceKind::Pod], Deprecated, TrueOrFalse),
    ("sidecar.istio.io/interceptionMode", &[ResourceKind::Pod], Alpha, Interception),
    ("sidecar.istio.io/logLevel", &[ResourceKind::Pod], Alpha, EnvoyLevel),
    ("sidecar.istio.io/nativeSidecar", &[ResourceKind::Pod], Alpha, TrueOrFalse),
    ("sidecar.istio.io/proxyCPU", &[ResourceKind::Pod], Alpha, Quantity),
    ("sidecar.istio.io/proxyCPULimit", &[ResourceKind::Pod], Alpha, Quantity),
    ("sidecar.istio.io/proxyImage", &[ResourceKind::Pod], Alpha, Free),
    ("sidecar.istio.io/proxyImageType", &[ResourceKind::Pod], Alpha, Free),
    ("sidecar.istio.io/proxyMemory", &[ResourceKind::Pod], Alpha, Quantity),
    ("sidecar.istio.io/proxyMemoryLimit", &[ResourceKind::Pod], Alpha, Quantity),
    ("sidecar.istio.io/rewriteAppHTTPProbers", &[ResourceKind::Pod], Alpha, Boolean),
    ("sidecar.istio.io/statsCompression", &[ResourceKind::Pod], Deprecated, Free),
    ("sidecar.istio.io/statsEvictionInterval", &[ResourceKind::Pod], Alpha, Free),
    ("sidecar.istio.io/statsFlushInterval", &[ResourceKind::Pod], Alpha, Free),
    ("sidecar.istio.io/statsHistogramBins", &[ResourceKind::Pod], Alpha, Free),
    ("sidecar.istio.io/statsHistogramBuckets", &[ResourceKind::Pod], Alpha, Free),
    ("sidecar.istio.io/statsInclusionPrefixes", &[ResourceKind::Pod], Deprecated, Free),
    ("sidecar.istio.io/statsInclusionRegexps", &[ResourceKind::Pod], Deprecated, Free),
    ("sidecar.istio.io/statsInclusionSuffixes", &[ResourceKind::Pod], Deprecated, Free),
    ("sidecar.istio.io/status", &[ResourceKind::Pod], Alpha, Free),
    ("sidecar.istio.io/userVolume", &[ResourceKind::Pod], Alpha, Free),
    ("sidecar.istio.io/userVolumeMount", &[ResourceKind::Pod], Alpha, Free),
    ("status.sidecar.istio.io/port", &[ResourceKind::Pod], Alpha, Port),
    ("topology.istio.io/controlPlaneClusters", &[ResourceKind::Namespace], Alpha, Free),
    ("traffic.istio.io/nodeSelector", &[ResourceKind::Service], Stable, Free),
    ("traffic.sidecar.istio.io/excludeInboundPorts", &[ResourceKind::Pod], Alpha, Ports),
    ("traffic.sidecar.istio.io/excludeInterfaces", &[ResourceKind::Pod], Alpha, Interfaces),
    ("traffic.sidecar.istio.io/excludeOutboundIPRanges", &[ResourceKind::Pod], Alpha, Ranges),
    ("traffic.sidecar.istio.io/excludeOutboundPorts", &[ResourceKind::Pod], Alpha, Ports),
    ("traffic.sidecar.istio.io/includeInboundPorts", &[ResourceKind::Pod], Alpha, PortsOrAll),
    ("traffic.sidecar.istio.io/includeOutboundIPRanges", &[ResourceKind::Pod], Alpha, RangesOrAll),
    ("traffic.sidecar.istio.io/includeOutboundPorts", &[ResourceKind::Pod], Alpha, PortsOrAll),
    ("traffic.sidecar.istio.io/kubevirtInterfaces", &[ResourceKind::Pod], Deprecated, Interfaces),
];

/// Whether a key is one that only Istio could give a meaning.
#[must_use]
pub fn is_istio(key: &str) -> bool {
    let domain = key.split_once('/').map(|(domain, _)| domain);
    let is_ours = domain.is_some_and(|domain| domain == "istio.io" || domain.ends_with(".istio.io"));
    // Those of Istio's own machinery are in no list, and nobody writes them by hand.
    let is_internal =
        domain.is_some_and(|domain| ["internal.", "install.", "operator."].iter().any(|part| domain.starts_with(part)));
    (is_ours && !is_internal && !UNLISTED.contains(&key)) || key == INGRESS_CLASS
}

/// The annotation of a key.
#[must_use]
pub fn find(key: &str) -> Option<Annotation> {
    let at = ANNOTATIONS.binary_search_by_key(&key, |(name, ..)| name).ok()?;
    let (name, kinds, maturity, format) = *ANNOTATIONS.get(at)?;
    Some(Annotation { name, kinds, maturity, format })
}

/// The one annotation that a key was probably meant to be.
#[must_use]
pub fn meant(key: &str) -> Option<&'static str> {
    nearest(key, ANNOTATIONS.iter().map(|(name, ..)| *name))
}

impl Annotation {
    /// Whether it has an effect on this kind.
    #[must_use]
    pub fn is_for(&self, kind: ResourceKind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }

    /// Whether nothing is promised of it.
    #[must_use]
    pub fn is_alpha(&self) -> bool {
        self.maturity == Alpha || (self.maturity == Deprecated && self.name != "sidecar.istio.io/inject")
    }

    /// Whether istiod, the CNI plugin or a controller writes it, so that nobody needs to be told of it.
    #[must_use]
    pub fn is_written_by_istio(&self) -> bool {
        matches!(self.name, "sidecar.istio.io/status" | "gateway.istio.io/controller-version" | "istio.io/rev")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(ANNOTATIONS.is_sorted_by(|one, other| one.0 < other.0));
    }

    #[test]
    fn a_misspelt_key_has_one_meaning() {
        assert_eq!(meant("sidecar.istio.io/proxyCpu"), Some("sidecar.istio.io/proxyCPU"));
        assert_eq!(meant("sidecar.istio.io/statsInclusionTags"), None);
    }
}
