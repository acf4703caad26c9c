//! A Service selects no pod, and one that it plainly means is there.

use foldhash::{HashMap, HashSet};

use crate::document::{Node, Place};
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Labels, ResourceKind, Service, Workload, is_given_to_pods, selects};
use crate::rules::declare_rule;
use crate::spelling::typos;

declare_rule! {
    code: "MWC313",
    slug: "service-selects-no-pod",
    since: "0.1.0",
    severity: Error,
    explains: [no_healthy_endpoints],
    equivalent: &["KIA0701"],
    kinds: [Service],
    message: "{service} selects {label}, and the pods of {workload} have {instead}",
    message_zh: "{service} 要求 {label}，而 {workload} 的 Pod 是 {instead}",
    confirm: &[
        Confirm {
            id: "endpoints",
            steps: &[
                Command("kubectl -n {service_namespace} get endpointslices -l kubernetes.io/service-name={service}"),
                Command("kubectl -n {service_namespace} get service {service} -o jsonpath='{.spec.selector}'"),
                Command("kubectl -n {service_namespace} get pods --show-labels"),
                Note("No address, and no pod with all these labels.", "没有地址，也没有带齐这些 labels 的 Pod。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "selector",
            applicability: Review,
            steps: &[Patch(PatchKind::Fragment, "# Service: the labels of the pods\nspec:\n  selector:\n    app: reviews\n")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/services-networking/service/#defining-a-service",
        "https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/#does-the-service-have-any-endpointslices",
    ],
}

/// How many workloads that nobody selects are compared with one Service: with more of them, a slip is a guess.
const MOST_CANDIDATES: usize = 500;

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let selected: HashSet<Place> = mesh.services_by_workload().iter().map(|(workload, _)| workload.resource.place()).collect();
    let mut alone: HashMap<&str, Vec<Workload<'a>>> = HashMap::default();
    for workload in mesh.workloads().iter().filter(|workload| !selected.contains(&workload.resource.place())) {
        if !matches!(workload.resource.kind, ResourceKind::Job | ResourceKind::CronJob) && !workload.labels().is_empty() {
            alone.entry(workload.resource.namespace).or_default().push(*workload);
        }
    }
    let mut outside: HashMap<&str, Vec<Labels<'a>>> = HashMap::default();
    for entry in mesh.of(ResourceKind::WorkloadEntry) {
        outside.entry(entry.namespace).or_default().push(Labels(entry.spec().get("labels")));
    }
    for service in mesh.services() {
        let Some(selector) = service.selector() else { continue };
        let mut entries = outside.get(service.0.namespace).into_iter().flatten();
        if !mesh.workloads_of(service).is_empty() || entries.any(|labels| selects(selector, *labels)) {
            continue;
        }
        let candidates = alone.get(service.0.namespace).map(Vec::as_slice).unwrap_or_default();
        match candidates
            .iter()
            .take(MOST_CANDIDATES)
            .find_map(|workload| Some((workload, differing(service, selector, workload)?)))
        {
            Some((workload, (key, value, instead))) => {
                let label = format!("{}: {}", key.text().unwrap_or_default(), value.text().unwrap_or_default());
                let finding = Finding::new(&service.0, value).with("service", service.0.name).with("label", label);
                let finding = finding.with("workload", workload.resource.name).with("instead", instead);
                let place = workload.labels().0.unwrap_or(workload.pod);
                findings.add(finding.beside(&workload.resource, place).likely());
            }
            None => findings.unknown(&service.0, selector, format!("pods of {}", service.0.name)),
        }
    }
}

/// The label in which a Service and the workload that it means differ, and what the workload has instead: a slip in one value, or
/// a workload of the same name.
fn differing<'a>(service: Service<'a>, selector: Node<'a>, workload: &Workload<'a>) -> Option<(Node<'a>, Node<'a>, String)> {
    let labels = workload.labels();
    let mut wrong = selector.entries().filter(|(key, value)| labels.get(key.text().unwrap_or_default()) != value.text());
    let (key, value) = wrong.next()?;
    let (name, wanted) = (key.text()?, value.text()?);
    let matched = selector.entries().any(|(key, value)| labels.get(key.text().unwrap_or_default()) == value.text());
    let Some(actual) = labels.get(name) else {
        // A controller may add a label that is wanted beside those of the template.
        let is_meant = workload.resource.name == service.0.name && !matched && wrong.next().is_none();
        let same = labels.iter().find(|(_, other)| other.text() == Some(wanted))?.0.text()?;
        return (is_meant && !is_given_to_pods(name)).then(|| (key, value, format!("{same}: {wanted}")));
    };
    let is_slip = wrong.next().is_none() && (workload.resource.name == service.0.name || is_slip(wanted, actual));
    is_slip.then(|| (key, value, format!("{name}: {actual}")))
}

/// Whether one is the other with a letter more, less, changed or swapped. Numbers count what differs on purpose.
fn is_slip(one: &str, other: &str) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    one.len().min(other.len()) >= 4 && digits(one) == digits(other) && typos(one, other) == 1
}

#[cfg(test)]
mod tests {
    use super::is_slip;

    #[test]
    fn slips_are_one_letter_and_no_number() {
        assert!(is_slip("reviews", "review") && is_slip("reveiws", "reviews") && is_slip("rewiews", "reviews"));
        assert!(!is_slip("web-1", "web-2") && !is_slip("v1", "v2") && !is_slip("reviews", "ratings"));
    }
}
