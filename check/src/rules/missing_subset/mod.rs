//! A route names a subset that no DestinationRule of its host has.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::{Lookup, Mesh, full_host};
use crate::model::{DestinationRule, ResourceKind, VirtualService};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC201",
    slug: "missing-subset",
    since: "0.1.0",
    severity: Error,
    explains: [no_cluster],
    equivalent: &["IST0101", "KIA1107"],
    kinds: [VirtualService],
    each: VirtualService,
    message: "no DestinationRule for {host} has a subset {subset}",
    message_zh: "{host} 的 DestinationRule 里没有 subset {subset}",
    confirm: &[
        Confirm {
            id: "clusters",
            steps: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn {host}"),
                Note("The subset is not in the list.", "列表里没有这个 subset。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "declare",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# DestinationRule of the host\nspec:\n  host: {host}\n  subsets:\n    - name: v3\n      labels:\n        version: v3\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0101/",
        "https://istio.io/latest/docs/ops/best-practices/traffic-management/#avoid-503-errors-while-reconfiguring-service-routes",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, service: VirtualService<'a>, findings: &mut Findings<'a>) {
    for destination in service.destinations() {
        let (Some(host), Some(subset)) = (destination.host(), destination.subset()) else { continue };
        let (Some(host_name), Some(subset_name)) = (host.text(), subset.text()) else { continue };
        let full = full_host(host_name, service.0.namespace);
        if matches!(mesh.host(host_name, service.0.namespace), Lookup::Missing) {
            continue;
        }
        let rules = mesh.rules_of_host(&full, service.0.namespace);
        if rules.iter().any(|rule| rule.subset(subset_name).is_some()) {
            continue;
        }
        let mut finding = Finding::new(&service.0, subset).with("subset", subset_name).with("host", full.clone());
        match rules.first() {
            Some(_) => {
                for rule in rules {
                    let place = rule.0.spec().get("subsets").or_else(|| rule.host()).unwrap_or(rule.0.root);
                    finding = finding.beside(&rule.0, place);
                }
                findings.add(finding);
            }
            None if is_of_unknown_host(mesh, subset_name, service.0.namespace) => {}
            // Where the files hold rules of the namespace, they are kept together.
            None if is_expected(mesh, host_name, service.0.namespace) => findings.add(finding.likely()),
            None => findings.unknown(&service.0, subset, format!("DestinationRule for {full}")),
        }
    }
}

/// Whether a DestinationRule of this host is to be expected among the files.
fn is_expected(mesh: &Mesh<'_>, host: &str, namespace: &str) -> bool {
    let Lookup::Found(targets) = mesh.host(host, namespace) else { return false };
    let namespaces = targets.iter().map(|target| target.resource().namespace).chain([namespace]);
    namespaces.into_iter().any(|namespace| mesh.in_namespace(ResourceKind::DestinationRule, namespace).next().is_some())
}

/// Whether a DestinationRule of the namespace has this subset and a host that nobody knows: then the host is the mistake.
fn is_of_unknown_host(mesh: &Mesh<'_>, subset: &str, namespace: &str) -> bool {
    let mut rules = mesh.in_namespace(ResourceKind::DestinationRule, namespace).map(DestinationRule);
    rules.any(|rule| {
        let host = rule.host().and_then(Node::text).unwrap_or_default();
        rule.subset(subset).is_some() && matches!(mesh.host(host, namespace), Lookup::Missing)
    })
}
