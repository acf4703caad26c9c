//! A subset asks for labels that no pod of its host has.

use foldhash::HashMap;

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::{Lookup, Mesh, Target};
use crate::model::{Labels, ResourceKind, is_given_to_pods};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC302",
    slug: "subset-selects-no-pod",
    since: "0.1.0",
    severity: Error,
    explains: [no_healthy_endpoints],
    equivalent: &["IST0173", "KIA0203"],
    kinds: [DestinationRule],
    message: "no pod of {host} has the labels of subset {subset}",
    message_zh: "{host} 没有任何 Pod 带有 subset {subset} 要求的 labels",
    confirm: &[
        Confirm {
            id: "endpoints",
            steps: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace} | grep {host}"),
                Command("kubectl -n {service_namespace} get pods --show-labels"),
                Note(
                    "The cluster with the subset in its name has no endpoint, and no pod has its labels.",
                    "名字里带这个 subset 的 cluster 没有 endpoint，也没有 Pod 带这些 labels。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "labels",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Deployment of the version: the subset's labels, on the pods\nspec:\n  template:\n    metadata:\n      labels:\n        version: v2\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0173/",
        "https://istio.io/latest/docs/reference/config/networking/destination-rule/#Subset",
    ],
}

/// The labels of what is no pod and yet is selected, by namespace.
type Entries<'a> = HashMap<&'a str, Vec<Labels<'a>>>;

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let entries = workload_entries(mesh);
    for rule in mesh.destination_rules().filter(|rule| rule.subsets().next().is_some()) {
        let Some(host) = rule.host() else { continue };
        let Lookup::Found(targets) = mesh.host(host.text().unwrap_or_default(), rule.0.namespace) else { continue };
        let are_near = targets.iter().all(|target| mesh.stand_together(&rule.0, &target.resource()));
        let Some(known) = endpoints(mesh, &entries, &targets).filter(|_| are_near) else {
            findings.unknown(&rule.0, host, format!("workloads of {}", host.text().unwrap_or_default()));
            continue;
        };
        for subset in rule.subsets() {
            let (Some(name), Some(labels)) = (subset.get("name").and_then(Node::text), subset.get("labels")) else { continue };
            if known.iter().any(|endpoint| has_all(*endpoint, labels)) {
                continue;
            }
            let place = lacking(&known, labels).unwrap_or(labels);
            let finding = Finding::new(&rule.0, place).with("host", host.text().unwrap_or_default()).with("subset", name);
            let (resource, node) = match targets.first() {
                Some(Target::Service(service)) => (service.0, service.selector()),
                Some(Target::Entry(entry)) => (entry.0, entry.hosts().next()),
                None => (rule.0, None),
            };
            findings.add(finding.beside(&resource, node.unwrap_or(resource.root)).likely());
        }
    }
}

fn workload_entries<'a>(mesh: &Mesh<'a>) -> Entries<'a> {
    let mut entries = Entries::default();
    for entry in mesh.of(ResourceKind::WorkloadEntry) {
        entries.entry(entry.namespace).or_default().push(Labels(entry.spec().get("labels")));
    }
    for group in mesh.of(ResourceKind::WorkloadGroup) {
        entries.entry(group.namespace).or_default().push(Labels(group.spec().at(&["metadata", "labels"])));
    }
    entries
}

/// The labels of all endpoints; `None` where some of them are not known.
fn endpoints<'a>(mesh: &Mesh<'a>, entries: &Entries<'a>, targets: &[Target<'a>]) -> Option<Vec<Labels<'a>>> {
    let mut all = Vec::new();
    for target in targets {
        let found = match target {
            Target::Service(service) => selected(mesh, entries, service.0.namespace, service.selector()?),
            Target::Entry(entry) => {
                let spec = entry.0.spec();
                let resolution = spec.str_at(&["resolution"]).unwrap_or("NONE");
                let listed: Vec<_> = spec.list("endpoints").map(|endpoint| Labels(endpoint.get("labels"))).collect();
                match spec.at(&["workloadSelector", "labels"]) {
                    Some(selector) => selected(mesh, entries, entry.0.namespace, selector),
                    // The host itself is the endpoint, and has no labels.
                    None if listed.is_empty() && matches!(resolution, "DNS" | "DNS_ROUND_ROBIN") => vec![Labels(None)],
                    None => listed,
                }
            }
        };
        if found.is_empty() {
            return None;
        }
        all.extend(found);
    }
    Some(all)
}

fn selected<'a>(mesh: &Mesh<'a>, entries: &Entries<'a>, namespace: &str, selector: Node<'a>) -> Vec<Labels<'a>> {
    let outside = entries.get(namespace).into_iter().flatten().copied();
    let mut found: Vec<_> = outside.filter(|labels| crate::model::selects(selector, *labels)).collect();
    found.extend(mesh.selected(namespace, selector).iter().map(crate::model::Workload::labels));
    found
}

fn has_all(endpoint: Labels<'_>, wanted: Node<'_>) -> bool {
    wanted.entries().all(|(key, value)| has(endpoint, key, value))
}

fn has(endpoint: Labels<'_>, key: Node<'_>, value: Node<'_>) -> bool {
    let key = key.text().unwrap_or_default();
    endpoint.get(key) == value.text() || (is_given_to_pods(key) && !value.is_empty())
}

/// The first label that no endpoint has.
fn lacking<'a>(known: &[Labels<'_>], wanted: Node<'a>) -> Option<Node<'a>> {
    let mut labels = wanted.entries();
    labels.find(|(key, value)| !known.iter().any(|endpoint| has(*endpoint, *key, *value))).map(|(_, value)| value)
}
