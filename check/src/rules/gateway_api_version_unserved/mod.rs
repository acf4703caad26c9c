//! The CRDs of the Gateway API serve no version that istiod reads.

use crate::finding::{Finding, Findings, Severity};
use crate::mesh::Mesh;
use crate::model::Resource;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC903",
    slug: "gateway-api-version-unserved",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0156", "IST0172"],
    kinds: [CustomResourceDefinition],
    each: Resource,
    message: "the CRD of {kind} does not serve {version}",
    message_zh: "{kind} 的 CRD 没有提供 {version} 版本",
    confirm: &[
        Confirm {
            id: "served",
            steps: &[Command("kubectl api-versions | grep gateway.networking.k8s.io")],
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
        "https://istio.io/latest/docs/reference/config/analysis/ist0156/",
        "https://istio.io/latest/docs/tasks/traffic-management/ingress/gateway-api/#setup",
    ],
}

fn check<'a>(_: &Mesh<'a>, crd: Resource<'a>, findings: &mut Findings<'a>) {
    let spec = crd.spec();
    let Some(kind) = spec.str_at(&["names", "kind"]).filter(|_| spec.str_at(&["group"]) == Some("gateway.networking.k8s.io"))
    else {
        return;
    };
    let Some(versions) = spec.get("versions") else { return };
    let serves = |wanted: &str| {
        let mut served =
            versions.items().filter(|version| version.get("served").and_then(|served| served.as_bool()) == Some(true));
        served.any(|version| version.str_at(&["name"]) == Some(wanted))
    };
    let found = |version| Finding::new(&crd, versions).with("kind", kind).with("version", version);
    let needs_beta = matches!(kind, "Gateway" | "GatewayClass" | "HTTPRoute" | "ReferenceGrant");
    let needs_stable = matches!(kind, "Gateway" | "GatewayClass" | "HTTPRoute" | "GRPCRoute");
    if needs_beta && !serves("v1beta1") && !serves("v1") {
        findings.add(found("v1beta1"));
    } else if needs_stable && !serves("v1") {
        findings.add(found("v1").of_severity(Severity::Warning));
    }
}
