//! A Sidecar sends unknown traffic to a proxy, and Istio reads that field no more.

use crate::edit::Edit;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Resource;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC618",
    slug: "ignored-egress-proxy",
    since: "0.1.0",
    severity: Warning,
    explains: [passthrough_blackhole],
    equivalent: &["IST0002"],
    kinds: [Sidecar],
    each: Resource,
    message: "outboundTrafficPolicy.egressProxy of {sidecar} is ignored",
    message_zh: "{sidecar} 的 outboundTrafficPolicy.egressProxy 不起作用",
    confirm: &[
        Confirm {
            id: "passthrough",
            steps: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn PassthroughCluster"),
                Note("Traffic to unknown hosts goes there, not to the egress proxy.", "去未知 host 的流量走这里，没有去 egress 代理。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "remove",
            applicability: Review,
            steps: &[Patch(PatchKind::Fragment, "# Sidecar\nspec:\n  outboundTrafficPolicy:\n    mode: REGISTRY_ONLY\n")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0002/",
        "https://istio.io/latest/docs/tasks/traffic-management/egress/egress-gateway/",
        "Istio pkg/config/analysis/analyzers/deprecation/deprecation.go, 1.30",
    ],
}

fn check<'a>(_: &Mesh<'a>, sidecar: Resource<'a>, findings: &mut Findings<'a>) {
    let policy = sidecar.spec().get("outboundTrafficPolicy");
    if let Some((key, value)) = policy.and_then(|policy| policy.entry("egressProxy")) {
        let finding = Finding::new(&sidecar, key).with("sidecar", sidecar.name);
        findings.add(finding.cured_by(Edit::remove_entry(key, value)));
    }
}
