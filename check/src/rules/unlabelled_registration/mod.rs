//! A WorkloadEntry that registered itself lacks the label of its tunnel.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Resource;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC920",
    slug: "unlabelled-registration",
    since: "0.1.0",
    severity: Warning,
    upgrade: 31,
    explains: [connection_closed_by_proxy],
    equivalent: &[],
    kinds: [WorkloadEntry],
    each: Resource,
    message: "this WorkloadEntry registered before Istio 1.31 and stays without HBONE until it is labelled",
    message_zh: "这个 WorkloadEntry 在 Istio 1.31 之前注册，不加标签就一直不走 HBONE",
    confirm: &[
        Confirm {
            id: "labels",
            steps: &[Command("kubectl -n {namespace} get workloadentries --show-labels")],
        },
    ],
    fixes: &[
        Fix {
            id: "label",
            applicability: Review,
            steps: &[Command("kubectl -n {namespace} label workloadentry {workload} networking.istio.io/tunnel=http")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &["https://github.com/istio/istio/issues/60788"],
}

fn check<'a>(_: &Mesh<'a>, entry: Resource<'a>, findings: &mut Findings<'a>) {
    let registered = entry.annotations().get("istio.io/autoRegistrationGroup").is_some();
    let own = entry.labels().get("networking.istio.io/tunnel");
    let of_spec = entry.spec().at(&["labels", "networking.istio.io/tunnel"]);
    if registered && own.is_none() && of_spec.is_none() {
        findings.add(Finding::new(&entry, entry.name_node()).likely());
    }
}
