//! Failover between localities is configured, and nothing tells when to fail over.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{DestinationRule, TrafficPolicy};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC309",
    slug: "locality-without-outlier-detection",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &[],
    kinds: [DestinationRule],
    message: "without outlierDetection there is no failover between localities of {host}",
    message_zh: "没有 outlierDetection，{host} 的跨地域故障转移不会生效",
    confirm: &[
        Confirm {
            id: "priorities",
            steps: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace} --cluster 'outbound|{port}||{host}' -o json | grep -E 'priority|region|zone'"),
                Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn {host} -o json | grep outlierDetection"),
                Note(
                    "No endpoint has a priority, and the cluster has no outlierDetection.",
                    "所有 endpoint 都没有 priority，cluster 里也没有 outlierDetection。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "outlier-detection",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "# DestinationRule: the same trafficPolicy\nspec:\n  trafficPolicy:\n    outlierDetection:\n      consecutive5xxErrors: 5\n      interval: 10s\n      baseEjectionTime: 30s\n",
                ),
                Note(
                    "Traffic then stays in the client's zone while that is healthy: see that each zone can bear its clients.",
                    "加上之后，只要本可用区健康，流量就都留在客户端所在的可用区：先确认每个可用区都扛得住自己的客户端。",
                ),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/tasks/traffic-management/locality-load-balancing/failover/",
        "https://istio.io/latest/docs/reference/config/networking/destination-rule/#LocalityLoadBalancerSetting",
        "Istio pilot/pkg/networking/core/loadbalancer/loadbalancer.go, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    if mesh.mesh_config.is_some_and(|config| config.get("defaultTrafficPolicy").is_some()) {
        return;
    }
    for rule in mesh.destination_rules() {
        let Some(host) = rule.host().and_then(Node::text) else { continue };
        for (policy, is_covered) in policies(&rule) {
            let Some((key, settings)) = policy.0.get("loadBalancer").and_then(|balancer| balancer.entry("localityLbSetting"))
            else {
                continue;
            };
            if is_covered || !is_failover(settings) || is_detected_elsewhere(mesh, &rule, host) {
                continue;
            }
            findings.add(Finding::new(&rule.0, key).with("host", host));
        }
    }
}

/// Each policy of a rule, and whether outliers are detected where it holds. A subset inherits that of the host, a port does not.
fn policies<'a>(rule: &DestinationRule<'a>) -> Vec<(TrafficPolicy<'a>, bool)> {
    let has_own = |policy: TrafficPolicy<'_>| policy.outlier_detection().is_some();
    let of_host = rule.policy().is_some_and(has_own);
    let mut all = Vec::new();
    for policy in rule.policies() {
        all.push((policy, has_own(policy) || of_host));
        all.extend(policy.ports().map(|port| (port, has_own(port))));
    }
    all
}

/// Whether it asks for failover. Shares of `distribute` need no outlier detection.
fn is_failover(settings: Node<'_>) -> bool {
    let is_off = settings.get("enabled").and_then(Node::as_bool) == Some(false);
    settings.is_mapping() && !settings.is_empty() && !is_off && settings.get("distribute").is_none()
}

/// Rules of one host and namespace are merged.
fn is_detected_elsewhere(mesh: &Mesh<'_>, rule: &DestinationRule<'_>, host: &str) -> bool {
    let others = mesh.rules_of_host(host, rule.0.namespace).iter().filter(|other| other.0 != rule.0);
    others.flat_map(DestinationRule::policies).any(|policy| policy.outlier_detection().is_some())
}
