//! Traffic to Services of the cluster is kept from the proxy.

use std::net::Ipv4Addr;

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Resource;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC724",
    slug: "excluded-cluster-ips",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &[],
    kinds: [Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob],
    message: "{range} covers {covered}, so requests to it go past the proxy",
    message_zh: "{range} 覆盖了 {covered}，请求不会经过代理",
    confirm: &[
Confirm { id: "logs", steps: &[Command("kubectl -n {namespace} logs {pod} -c istio-proxy"), Note("The access log of the client has no line for such a request.", "客户端的访问日志里没有这些请求。")] },
    ],
    fixes: &[
Fix { id: "narrow", applicability: Review, steps: &[Patch(PatchKind::Fragment, "# pod template\nmetadata:\n  annotations:\n    traffic.sidecar.istio.io/excludeOutboundIPRanges: 169.254.169.254/32\n")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/tasks/traffic-management/egress/egress-control/#direct-access-to-external-services",
"https://istio.io/latest/docs/reference/config/annotations/",
    ],
}

/// What excludes ranges.
const ANNOTATION: &str = "traffic.sidecar.istio.io/excludeOutboundIPRanges";

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    // The lowest addresses first: the first at or above a range's start is in it, or none is.
    let mut services: Vec<(u32, &'a str, Resource<'a>, Node<'a>)> = Vec::new();
    for workload in mesh.workloads() {
        let Some(value) = workload.annotations().node(ANNOTATION) else { continue };
        if services.is_empty() {
            services = mesh.services().filter_map(|service| cluster_ip(&service.0)).collect();
            services.sort_unstable_by_key(|(address, ..)| *address);
        }
        let ranges = value.text().into_iter().flat_map(|text| text.split(','));
        for range in ranges {
            let Some((first, last)) = bounds(range.trim()) else { continue };
            let at = services.partition_point(|(address, ..)| *address < first);
            let covered = services.get(at).filter(|(address, ..)| *address <= last);
            let finding = Finding::new(&workload.resource, value).with("range", range.trim().to_owned());
            match covered {
                _ if first == 0 && last == u32::MAX => findings.add(finding.with("covered", "0.0.0.0 - 255.255.255.255")),
                Some((_, name, service, node)) => {
                    findings.add(finding.with("covered", format!("Service {name}")).beside(service, *node));
                }
                None => continue,
            }
            break;
        }
    }
}

fn cluster_ip<'a>(service: &Resource<'a>) -> Option<(u32, &'a str, Resource<'a>, Node<'a>)> {
    let node = service.spec().get("clusterIP")?;
    Some((node.text()?.parse::<Ipv4Addr>().ok()?.to_bits(), service.name, *service, node))
}

/// The first and the last address of a range.
fn bounds(range: &str) -> Option<(u32, u32)> {
    let (address, bits) = range.split_once('/')?;
    let (address, bits) = (address.parse::<Ipv4Addr>().ok()?.to_bits(), bits.parse::<u32>().ok().filter(|bits| *bits <= 32)?);
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    Some((address & mask, address | !mask))
}
