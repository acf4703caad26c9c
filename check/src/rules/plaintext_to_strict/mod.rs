//! A DestinationRule sends plaintext or plain TLS to workloads that accept nothing but mutual TLS.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::{Lookup, Mesh, ROOT_NAMESPACE, Target, full_host, kubernetes_name};
use crate::model::{DestinationRule, MtlsMode, PeerAuthentication, Service, TlsMode, TlsSettings, TrafficPolicy, selects};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC401",
    slug: "plaintext-to-strict",
    since: "0.1.0",
    severity: Error,
    explains: [plaintext_to_tls_port, upstream_closed_connection],
    equivalent: &["KIA0207", "KIA0208"],
    kinds: [DestinationRule],
    each: DestinationRule,
    message: "{mode} towards {host}, whose workloads accept nothing but mTLS: PeerAuthentication {policy} is STRICT",
    message_zh: "对 {host} 使用 {mode}，但它的工作负载只接受 mTLS：PeerAuthentication {policy} 是 STRICT",
    confirm: &[
        Confirm {
            id: "effective",
            steps: &[
                Command("istioctl x describe pod {pod}.{namespace}"),
                Note(
                    "The pod of the service says STRICT, and names the DestinationRule that contradicts.",
                    "服务端 Pod 的结果里写着 STRICT，并列出与之矛盾的 DestinationRule。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "mutual",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# DestinationRule\nspec:\n  trafficPolicy:\n    tls:\n      mode: ISTIO_MUTUAL\n",
            )],
            verify: CHECK_AGAIN,
        },
        Fix {
            id: "permissive",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# PeerAuthentication of the workload; the port is that of the container\nspec:\n  selector:\n    matchLabels:\n      app: {service}\n  portLevelMtls:\n    {port}:\n      mode: PERMISSIVE\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/common-problems/network-issues/#503-errors-after-setting-destination-rule",
        "https://istio.io/latest/docs/reference/config/security/peer_authentication/",
        "https://kiali.io/docs/features/validations/",
    ],
}

/// A policy that decides, the node of its mode, and whether that is only likely to hold.
type Strict<'a> = (PeerAuthentication<'a>, Node<'a>, bool);

fn check<'a>(mesh: &Mesh<'a>, rule: DestinationRule<'a>, findings: &mut Findings<'a>) {
    let Some(host) = rule.host().and_then(Node::text) else { return };
    let host = full_host(host, rule.0.namespace);
    let subsets = rule.subsets().filter_map(|subset| Some((TrafficPolicy(subset.get("trafficPolicy")?), subset.get("labels"))));
    for (policy, labels) in rule.policy().map(|policy| (policy, None)).into_iter().chain(subsets) {
        let own = policy.tls().map(|tls| (tls, None));
        let of_ports = policy.ports().filter_map(|of_port| Some((of_port.tls()?, Some(of_port.port()?))));
        for (tls, port) in own.into_iter().chain(of_ports) {
            if !is_refused(tls) {
                continue;
            }
            let is_meant = |number: i64| match port {
                Some(port) => port == number,
                None => policy.ports().all(|other| other.port() != Some(number)),
            };
            match strict(mesh, &host, labels, &is_meant) {
                Ok(Some(strict)) => findings.add(finding(&rule, tls, host.clone(), strict)),
                Ok(None) => {}
                Err(missing) => findings.unknown(&rule.0, tls.mode_node(), missing),
            }
        }
    }
}

/// Whether a proxy that wants mutual TLS refuses it.
fn is_refused(tls: TlsSettings<'_>) -> bool {
    matches!(tls.mode(), Some(TlsMode::Disable | TlsMode::Simple | TlsMode::Mutual))
}

fn finding<'a>(
    rule: &DestinationRule<'a>,
    tls: TlsSettings<'a>,
    host: String,
    (policy, node, likely): Strict<'a>,
) -> Finding<'a> {
    let mode = tls.0.get("mode").and_then(Node::text).unwrap_or("DISABLE");
    let finding = Finding::new(&rule.0, tls.mode_node())
        .with("mode", mode)
        .with("host", host)
        .with("policy", format!("{}/{}", policy.0.namespace, policy.0.name))
        .beside(&policy.0, node);
    if likely || tls.mode() == Some(TlsMode::Mutual) { finding.likely() } else { finding }
}

/// The policy that makes a host strict, or what was not given to tell.
fn strict<'a>(
    mesh: &Mesh<'a>,
    host: &str,
    labels: Option<Node<'a>>,
    is_meant: &dyn Fn(i64) -> bool,
) -> Result<Option<Strict<'a>>, String> {
    if let Some(suffix) = host.strip_prefix("*.") {
        let namespace = match suffix {
            "local" | "cluster.local" | "svc.cluster.local" => Some(ROOT_NAMESPACE),
            _ => suffix.strip_suffix(".svc.cluster.local").filter(|namespace| !namespace.contains('.')),
        };
        return Ok(namespace.and_then(|namespace| of_namespace(mesh, namespace)));
    }
    match mesh.host(host, "") {
        Lookup::Found(targets) => targets.into_iter().find_map(|target| match target {
            Target::Service(service) => Some(of_service(mesh, service, labels, is_meant)),
            Target::Entry(_) => None,
        }),
        Lookup::Missing => None,
        Lookup::Elsewhere => kubernetes_name(host)
            .map(|(_, namespace)| Ok(of_namespace(mesh, namespace).filter(|(policy, ..)| policy.0.namespace == namespace))),
    }
    .unwrap_or(Ok(None))
}

fn of_service<'a>(
    mesh: &Mesh<'a>,
    service: Service<'a>,
    labels: Option<Node<'a>>,
    is_meant: &dyn Fn(i64) -> bool,
) -> Result<Option<Strict<'a>>, String> {
    if service.selector().is_none() || service.external_name().is_some() {
        return Ok(None);
    }
    let ports = || service.ports().filter(|port| port.number().is_some_and(is_meant));
    let workloads = mesh.workloads_of(service);
    if workloads.is_empty() && ports().next().is_some() {
        let of_namespace = of_namespace(mesh, service.0.namespace);
        let is_near = of_namespace.as_ref().is_none_or(|(policy, ..)| policy.0.namespace == service.0.namespace);
        return if is_near { Ok(of_namespace) } else { Err(format!("workloads of Service {}", service.host())) };
    }
    let meant = workloads.iter().filter(|workload| labels.is_none_or(|labels| selects(labels, workload.labels())));
    for workload in meant {
        let proxy = mesh.has_proxy(workload);
        if proxy == Some(false) {
            continue;
        }
        let strict = ports().find_map(|port| {
            let target = port.target_in(workload)?;
            let policy = mesh.peer_authentication(workload, target)?;
            let (mode, node) = policy.mode_of_port(target)?;
            (mode == MtlsMode::Strict).then_some((policy, node, proxy.is_none()))
        });
        if strict.is_some() {
            return Ok(strict);
        }
    }
    Ok(None)
}

fn of_namespace<'a>(mesh: &Mesh<'a>, namespace: &str) -> Option<Strict<'a>> {
    let policy = mesh.peer_authentication_of_namespace(namespace)?;
    let (mode, node) = policy.mode()?;
    (mode == MtlsMode::Strict).then_some((policy, node, true))
}
