//! Prometheus is to scrape a port of the application itself, and mTLS is a must there.

use foldhash::HashMap;

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{MtlsMode, PeerAuthentication, ResourceKind, Workload, selects};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC808",
    slug: "scrape-refused-by-strict-mtls",
    since: "0.1.0",
    severity: Warning,
    explains: [no_filter_chain],
    equivalent: &[],
    kinds: [PeerAuthentication],
    message: "port {port} takes mTLS only, and a Prometheus without a certificate cannot scrape it",
    message_zh: "端口 {port} 只收 mTLS，没有证书的 Prometheus 抓不到",
    confirm: &[
        Confirm {
            id: "targets",
            steps: &[
                Command("kubectl -n {namespace} get pod {pod} -o jsonpath='{.metadata.annotations}'"),
                Note(
                    "prometheus.io/port is a port of the application and merging is off; in Prometheus the target is down with a connection reset.",
                    "prometheus.io/port 是应用自己的端口，并且关掉了合并；Prometheus 里这个 target 是 down，报 connection reset。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "merge",
            applicability: Review,
            steps: &[Note(
                "Remove the annotation prometheus.istio.io/merge-metrics: \"false\" and restart the pods: Prometheus then scrapes port 15020.",
                "去掉注解 prometheus.istio.io/merge-metrics: \"false\"，重启 Pod：之后 Prometheus 会抓 15020 端口。",
            )],
            verify: CHECK_AGAIN,
        },
        Fix {
            id: "permit",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# PeerAuthentication of the workload\nspec:\n  selector:\n    matchLabels:\n      app: {workload}\n  mtls:\n    mode: STRICT\n  portLevelMtls:\n    \"{port}\":\n      mode: PERMISSIVE\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/integrations/prometheus/",
        "Istio pkg/kube/inject/webhook.go, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let mut by_namespace: HashMap<&str, Vec<PeerAuthentication<'a>>> = HashMap::default();
    for resource in mesh.of(ResourceKind::PeerAuthentication) {
        by_namespace.entry(resource.namespace).or_default().push(PeerAuthentication(resource));
    }
    let of = |namespace: &str| by_namespace.get(namespace).map(Vec::as_slice).unwrap_or_default();
    let is_merging_off =
        mesh.mesh_config.and_then(|config| config.get("enablePrometheusMerge")).and_then(Node::as_bool) == Some(false);
    for workload in mesh.workloads() {
        let Some((node, port)) = scraped(workload, is_merging_off) else { continue };
        if mesh.has_proxy(workload) != Some(true) {
            continue;
        }
        let Some((authentication, place)) = strict(workload, port, of(workload.resource.namespace), of(mesh.root_namespace()))
        else {
            continue;
        };
        let finding = Finding::new(&workload.resource, node).with("port", port.to_string()).likely();
        findings.add(finding.beside(&authentication.0, place));
    }
}

/// The port that Prometheus is told to scrape, where neither the agent nor an exception from redirection stands before it.
fn scraped<'a>(workload: &Workload<'a>, is_merging_off: bool) -> Option<(Node<'a>, i64)> {
    let annotations = workload.annotations();
    let merging = annotations.get("prometheus.istio.io/merge-metrics");
    let is_off = merging.map_or(is_merging_off, |value| value == "false");
    let node =
        annotations.node("prometheus.io/port").filter(|_| is_off && annotations.get("prometheus.io/scrape") == Some("true"))?;
    let port = node.text()?.parse::<i64>().ok().filter(|port| !(15000..=15090).contains(port))?;
    let excluded = annotations.get("traffic.sidecar.istio.io/excludeInboundPorts").unwrap_or_default();
    let included = annotations.get("traffic.sidecar.istio.io/includeInboundPorts").unwrap_or("*");
    let lists = |list: &str| list.split(',').any(|item| item.trim().parse() == Ok(port));
    ((included == "*" || lists(included)) && !lists(excluded)).then_some((node, port))
}

/// The PeerAuthentication that makes mutual TLS a must on a port, and where it says so.
fn strict<'a>(
    workload: &Workload<'a>,
    port: i64,
    own: &[PeerAuthentication<'a>],
    root: &[PeerAuthentication<'a>],
) -> Option<(PeerAuthentication<'a>, Node<'a>)> {
    let selecting =
        |found: &PeerAuthentication<'a>| found.0.selector().is_some_and(|selector| selects(selector, workload.labels()));
    let whole = |found: &PeerAuthentication<'a>| found.0.selector().is_none() && found.mode().is_some();
    let of_workload = own.iter().copied().find(|found| selecting(found) && found.mode_of_port(port).is_some());
    let deciding = match of_workload {
        Some(found) => (found, found.mode_of_port(port)?),
        None => {
            let found = own.iter().copied().find(whole).or_else(|| root.iter().copied().find(whole))?;
            (found, found.mode()?)
        }
    };
    let (found, (mode, node)) = deciding;
    (mode == MtlsMode::Strict).then_some((found, node))
}
