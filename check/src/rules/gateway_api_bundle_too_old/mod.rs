//! A CRD of the Gateway API is of a bundle that this Istio does not read any more.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::ResourceKind;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC904",
    slug: "gateway-api-bundle-too-old",
    since: "0.1.0",
    severity: Warning,
    explains: [no_filter_chain, no_route],
    equivalent: &["IST0176"],
    kinds: [CustomResourceDefinition],
    message: "{crd} is of bundle {installed}; istiod reads it from {least} on",
    message_zh: "{crd} 的 bundle 版本是 {installed}，istiod 从 {least} 起才处理",
    confirm: &[
        Confirm {
            id: "annotation",
            steps: &[
                Command("kubectl get crds -o custom-columns=NAME:.metadata.name,BUNDLE:.metadata.annotations.'gateway\\.networking\\.k8s\\.io/bundle-version'"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "bundle",
            applicability: Review,
            steps: &[
                Command("kubectl apply --server-side -f https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.5.0/standard-install.yaml"),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/tasks/traffic-management/ingress/gateway-api/#setup",
        "Istio pkg/config/schema/gatewayapi, 1.30",
    ],
}

/// The CRD, the least bundle, and the minor release of Istio from which on that holds.
const LEAST: [(&str, (u32, u32), u32); 4] = [
    ("grpcroutes.gateway.networking.k8s.io", (1, 1), 28),
    ("backendtlspolicies.gateway.networking.k8s.io", (1, 4), 28),
    ("tlsroutes.gateway.networking.k8s.io", (1, 5), 30),
    ("tcproutes.gateway.networking.k8s.io", (1, 6), 32),
];

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let minor = mesh.settings.target_minor();
    for crd in mesh.of(ResourceKind::CustomResourceDefinition) {
        let Some((name, least, from)) = LEAST.iter().find(|(name, ..)| *name == crd.name) else { continue };
        let Some(bundle) = crd.annotations().node("gateway.networking.k8s.io/bundle-version") else { continue };
        let Some(installed) = bundle.text().and_then(version) else { continue };
        if minor >= *from && installed < *least {
            let finding = Finding::new(&crd, bundle).with("crd", *name).with("installed", bundle.text().unwrap_or_default());
            findings.add(finding.with("least", format!("v{}.{}", least.0, least.1)));
        }
    }
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim_start_matches('v').split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
