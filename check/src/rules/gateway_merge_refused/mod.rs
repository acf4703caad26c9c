//! A Gateway of Istio joins a managed gateway of another namespace, which 1.31 refuses.

use foldhash::HashMap;

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Gateway, ResourceKind};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC918",
    slug: "gateway-merge-refused",
    since: "0.1.0",
    severity: Error,
    upgrade: 31,
    explains: [no_route, no_virtual_host],
    equivalent: &[],
    kinds: [KubernetesGateway],
    message: "from Istio 1.31 on this Gateway does not join {gateway} of namespace {namespace}",
    message_zh: "从 Istio 1.31 起，这个 Gateway 不再并入 namespace {namespace} 的 {gateway}",
    confirm: &[
        Confirm {
            id: "listeners",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace}"),
                Note("The ports of the Gateway are missing after the upgrade.", "升级之后没有这个 Gateway 的端口。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "keep",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Helm values of istiod, until the Gateway is moved\npilot:\n  env:\n    PILOT_ENABLE_STRICT_GATEWAY_MERGING: \"false\"\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &["Istio release note strict-gateway-merging, 1.31"],
}

const NAME: &str = "gateway.networking.k8s.io/gateway-name";

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let kept = mesh.istiod_env("PILOT_ENABLE_STRICT_GATEWAY_MERGING");
    if kept.is_some_and(|(_, value)| value.text() == Some("false")) {
        return;
    }
    let managed: HashMap<&str, _> = mesh.of(ResourceKind::KubernetesGateway).map(|gateway| (gateway.name, gateway)).collect();
    for gateway in mesh.of(ResourceKind::Gateway).map(Gateway) {
        let Some(name) = gateway.selector().and_then(|selector| selector.get(NAME)) else { continue };
        let Some(target) = name.text().and_then(|name| managed.get(name)) else { continue };
        if target.namespace != gateway.0.namespace {
            let finding = Finding::new(&gateway.0, name).with("gateway", target.name).with("namespace", target.namespace);
            findings.add(finding.beside(target, target.name_node()).likely());
        }
    }
}
