//! A DestinationRule balances the load of a headless Service.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::DestinationRule;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC310",
    slug: "headless-load-balancing",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &[],
    kinds: [DestinationRule],
    each: DestinationRule,
    message: "{host} is headless: sidecars send to the address that the client chose, and {field} does nothing",
    message_zh: "{host} 是 headless Service：sidecar 按客户端选定的地址转发，{field} 不起作用",
    confirm: &[
        Confirm {
            id: "type",
            steps: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn {host}"),
                Note("The TYPE is ORIGINAL_DST.", "TYPE 一列是 ORIGINAL_DST。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "cluster-ip",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    "# beside the headless one: a Service with an address, for the clients whose load is to be balanced\napiVersion: v1\nkind: Service\nmetadata:\n  name: reviews-balanced\n  namespace: books\nspec:\n  selector:\n    app: reviews\n  ports:\n    - name: http\n      port: 9080\n",
                ),
                Note(
                    "`PILOT_ENABLE_EDS_FOR_HEADLESS_SERVICES=true` on istiod balances all headless Services of the mesh instead.",
                    "也可以给 istiod 设 `PILOT_ENABLE_EDS_FOR_HEADLESS_SERVICES=true`，但它会影响整个网格的 headless Service。",
                ),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/configuration/traffic-management/traffic-routing/#headless-services",
        "https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/service_discovery#original-destination",
        "Istio pilot/pkg/networking/core/cluster.go, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, rule: DestinationRule<'a>, findings: &mut Findings<'a>) {
    let Some(host) = rule.host().and_then(Node::text) else { return };
    let Some(service) = mesh.service_of_host(&crate::mesh::full_host(host, rule.0.namespace)) else { return };
    if !service.is_headless() {
        return;
    }
    if let Some(key) = balancing(&rule) {
        let finding = Finding::new(&rule.0, key).with("host", host).with("field", key.text().unwrap_or_default());
        let place = service.0.spec().get("clusterIP").unwrap_or(service.0.root);
        // A gateway balances the load, and istiod can be told to let sidecars do so.
        findings.add(finding.beside(&service.0, place).likely());
    }
}

/// The key of the first setting that chooses among endpoints.
fn balancing<'a>(rule: &DestinationRule<'a>) -> Option<Node<'a>> {
    let spec = rule.0.spec();
    let all = rule.policies().flat_map(|policy| std::iter::once(policy).chain(policy.ports()));
    let mut balancers = all.filter_map(|policy| policy.0.get("loadBalancer"));
    let chosen = balancers.find_map(|balancer| balancer.entry("localityLbSetting").or_else(|| balancer.entry("consistentHash")));
    let has_labels = rule.subsets().any(|subset| subset.get("labels").is_some_and(|labels| !labels.is_empty()));
    let subsets = spec.entry("subsets").filter(|_| has_labels);
    chosen.or(subsets).map(|(key, _)| key)
}
