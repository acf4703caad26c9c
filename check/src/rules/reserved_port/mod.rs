//! An application uses a port that the sidecar has.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::{Mesh, ROOT_NAMESPACE};
use crate::model::{Container, PROXY_CONTAINER, Protocol, Resource, ResourceKind, Service, ServiceEntry, Workload};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC308",
    slug: "reserved-port",
    since: "0.1.0",
    severity: Error,
    explains: [listener_conflict],
    equivalent: &[],
    kinds: [Service, ServiceEntry, Pod, Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob],
    each: Resource,
    message: "port {port} belongs to the sidecar",
    message_zh: "端口 {port} 是 sidecar 自己用的",
    confirm: &[
        Confirm {
            id: "listeners",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} --port {port}"),
                Command("kubectl -n istio-system logs deploy/istiod | grep 'conflicts with static listener'"),
                Note(
                    "The proxy listens there itself, or istiod says that it skips the port. In the application's log: `address already in use`.",
                    "代理自己在监听这个端口，或者 istiod 日志说跳过了该端口。应用日志里会有 `address already in use`。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "other-port",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# a port outside of 15000-15100\nspec:\n  containers:\n    - name: app\n      ports:\n        - name: http-metrics\n          containerPort: 9091\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/deployment/application-requirements/#ports-used-by-istio",
        "Istio pilot/pkg/model/context.go conflictWithReservedListener, 1.30",
    ],
}

/// What the sidecar and its agent listen on in the pod.
const OF_POD: [i64; 9] = [15000, 15001, 15004, 15006, 15008, 15020, 15021, 15053, 15090];
/// What istiod leaves out of the listeners for HTTP to other hosts, since the proxy has it on all addresses.
const OF_LISTENERS: [i64; 4] = [15001, 15006, 15021, 15090];

fn check<'a>(mesh: &Mesh<'a>, resource: Resource<'a>, findings: &mut Findings<'a>) {
    match resource.kind {
        ResourceKind::Service => check_service(Service(resource), findings),
        ResourceKind::ServiceEntry => check_entry(ServiceEntry(resource), findings),
        _ => {
            if let Some(workload) = Workload::of(resource) {
                check_containers(mesh, &workload, findings);
            }
        }
    }
}

fn check_service<'a>(service: Service<'a>, findings: &mut Findings<'a>) {
    if is_of_istio(&service.0, service.selector()) {
        return;
    }
    for port in service.ports().filter(|port| port.protocol().is_some_and(Protocol::is_http)) {
        let leads_to_proxy = port.target_name().is_some() || port.target().is_some_and(|target| OF_POD.contains(&target));
        let number = port.number().filter(|number| OF_LISTENERS.contains(number) && !leads_to_proxy);
        report(&service.0, number.and_then(|_| port.0.get("port")), findings);
    }
}

fn check_entry<'a>(entry: ServiceEntry<'a>, findings: &mut Findings<'a>) {
    for port in entry.ports().filter(|port| ServiceEntry::protocol(*port).is_some_and(Protocol::is_http)) {
        let number = port.get("number").filter(|number| number.as_integer().is_some_and(|it| OF_LISTENERS.contains(&it)));
        report(&entry.0, number, findings);
    }
}

fn report<'a>(resource: &Resource<'a>, number: Option<Node<'a>>, findings: &mut Findings<'a>) {
    if let Some(number) = number {
        findings.add(Finding::new(resource, number).with("port", number.text().unwrap_or_default()));
    }
}

fn check_containers<'a>(mesh: &Mesh<'a>, workload: &Workload<'a>, findings: &mut Findings<'a>) {
    let labels = workload.labels().0;
    if is_of_istio(&workload.resource, labels) || workload.proxy().is_some_and(|proxy| proxy.image() == Some("auto")) {
        return;
    }
    let has_proxy = mesh.has_proxy(workload);
    if has_proxy == Some(false) {
        return;
    }
    for number in workload.containers().filter(|container| !is_proxy(*container)).flat_map(Container::ports) {
        if number.as_integer().is_some_and(|it| OF_POD.contains(&it)) {
            let finding = Finding::new(&workload.resource, number).with("port", number.text().unwrap_or_default());
            findings.add(if has_proxy.is_some() { finding } else { finding.likely() });
        }
    }
}

fn is_proxy(container: Container<'_>) -> bool {
    let image = container.image().unwrap_or_default();
    container.name() == Some(PROXY_CONTAINER)
        || ["istio", "proxyv2", "pilot", "ztunnel", "envoy"].iter().any(|word| image.contains(word))
}

/// Whether it is a gateway, istiod, or what scrapes them.
fn is_of_istio(resource: &Resource<'_>, labels: Option<Node<'_>>) -> bool {
    let keys = ["istio", "gateway.networking.k8s.io/gateway-name", "istio.io/gateway-name"];
    resource.is_of_istio()
        || resource.namespace == ROOT_NAMESPACE
        || resource.name.starts_with("istio")
        || labels.is_some_and(|labels| keys.iter().any(|key| labels.get(key).is_some()))
        || labels.and_then(|labels| labels.get("app")?.text()).is_some_and(|app| app.starts_with("istio"))
}
