//! A route sends requests to a host that is not there.

use crate::document::Node;
use crate::edit::Edit;
use crate::finding::{Finding, Findings};
use crate::mesh::{Lookup, Mesh, full_host, kubernetes_name};
use crate::model::{Resource, ResourceKind, Service, VirtualService};
use crate::rules::declare_rule;
use crate::spelling::typos;

declare_rule! {
    code: "MWC202",
    slug: "missing-destination-host",
    since: "0.1.0",
    severity: Error,
    explains: [no_cluster],
    equivalent: &["IST0101", "KIA1101"],
    kinds: [VirtualService],
    each: VirtualService,
    message: "no Service or ServiceEntry that is visible here has the host {host}",
    message_zh: "这里可见的 Service 和 ServiceEntry 都没有 host {host}",
    confirm: &[
        Confirm {
            id: "clusters",
            steps: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn {host}"),
                Note("The list is empty: this proxy has no cluster for the host.", "列表为空：这个代理没有该 host 的 cluster。"),
            ],
        },
        Confirm {
            id: "services",
            steps: &[Command("kubectl -n {service_namespace} get services"), Command("kubectl get serviceentries --all-namespaces")],
        },
    ],
    fixes: &[
        Fix {
            id: "name",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# VirtualService\nspec:\n  http:\n    - route:\n        - destination:\n            host: {host}\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0101/",
        "https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination",
        "Istio pilot/pkg/networking/core/route/route.go, 1.30",
    ],
}

/// How many Services of a namespace are searched for one of nearly the same name.
const SEARCHED: usize = 500;
/// The domain of Services, unless the cluster has another.
const DOMAIN: &str = "cluster.local";

fn check<'a>(mesh: &Mesh<'a>, service: VirtualService<'a>, findings: &mut Findings<'a>) {
    for host in service.destinations().filter_map(|destination| destination.host()) {
        if let Some(name) = host.text().filter(|name| !name.is_empty()) {
            check_host(mesh, service, host, name, findings);
        }
    }
}

fn check_host<'a>(mesh: &Mesh<'a>, rules: VirtualService<'a>, host: Node<'a>, name: &'a str, findings: &mut Findings<'a>) {
    let full = full_host(name, rules.0.namespace);
    let finding = || Finding::new(&rules.0, host).with("host", name);
    let lookup = mesh.host(name, rules.0.namespace);
    match &lookup {
        Lookup::Found(hidden) => {
            let hidden = hidden.first().map(|target| target.resource());
            if lookup.visible_to(&rules.0).is_empty() {
                let finding = finding();
                findings.add(match hidden {
                    Some(hidden) => finding.beside(&hidden, hidden.name_node()),
                    None => finding,
                });
            }
        }
        Lookup::Missing => {
            let finding = finding().likely();
            let is_expected = kubernetes_name(&full).is_some_and(|(_, namespace)| mesh.expects_services(&rules.0, namespace));
            match resembling(mesh, &full) {
                Some(near) => findings.add(finding.beside(&near, near.name_node())),
                None if is_expected => findings.add(finding),
                None => findings.unknown(&rules.0, host, format!("Service {full}")),
            }
        }
        Lookup::Elsewhere => match shortened(mesh, name) {
            Some(meant) => {
                findings.add(finding().beside(&meant.0, meant.0.name_node()).cured_by(Edit::replace(host, meant.host())))
            }
            None if kubernetes_name(&full).is_some() => findings.unknown(&rules.0, host, format!("Service {full}")),
            None => findings.unknown(&rules.0, host, format!("ServiceEntry for {full}")),
        },
    }
}

/// The Service that `name.namespace`, `name.namespace.svc` or a misspelt domain behind it means. Istio completes none of them.
fn shortened<'a>(mesh: &Mesh<'a>, host: &str) -> Option<Service<'a>> {
    let mut parts = host.splitn(4, '.');
    let (name, namespace) = (parts.next()?, parts.next()?);
    let is_close = match (parts.next(), parts.next()) {
        (None, _) | (Some("svc"), None) => true,
        (Some("svc"), Some(domain)) => typos(domain, DOMAIN) <= 2,
        _ => false,
    };
    mesh.service(namespace, name).filter(|_| is_close)
}

/// The only Service of the namespace whose name is at most two letters away. A namespace with very many is not searched.
fn resembling<'a>(mesh: &Mesh<'a>, full: &str) -> Option<Resource<'a>> {
    let (name, namespace) = kubernetes_name(full)?;
    if mesh.in_namespace(ResourceKind::Service, namespace).nth(SEARCHED).is_some() {
        return None;
    }
    let allowed = if name.len() > 5 { 2 } else { 1 };
    let mut near = mesh.in_namespace(ResourceKind::Service, namespace).filter(|known| typos(known.name, name) <= allowed);
    near.next().filter(|_| near.next().is_none())
}
