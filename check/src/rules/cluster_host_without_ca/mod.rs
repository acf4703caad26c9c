//! TLS to a host of the cluster is checked against public CAs, since no other is named.

use foldhash::HashSet;

use crate::document::Node;
use crate::finding::{Finding, Findings, Severity};
use crate::mesh::{Mesh, full_host, kubernetes_name};
use crate::model::{DestinationRule, ResourceKind, TlsMode, TlsSettings};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC405",
    slug: "cluster-host-without-ca",
    since: "0.1.0",
    severity: Warning,
    explains: [certificate_verify_failed],
    equivalent: &["IST0128", "IST0129"],
    kinds: [DestinationRule],
    message: "{mode} towards {host} names no CA: a certificate of the cluster's own is checked against public CAs",
    message_zh: "对 {host} 使用 {mode} 但没有指定 CA：集群自己签的证书会拿公共 CA 去校验",
    confirm: &[
        Confirm {
            id: "issuer",
            steps: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn {host} -o json | grep -A3 -i trustedCa"),
                Note(
                    "The trusted CA is the system's file, and the server's certificate was issued by the cluster's.",
                    "信任的 CA 是系统自带的文件，而服务端证书是集群自己的 CA 签的。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "name-ca",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# DestinationRule; the file is mounted into the clients' proxies\nspec:\n  trafficPolicy:\n    tls:\n      mode: SIMPLE\n      caCertificates: /etc/certs/ca.pem\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0128/",
        "https://istio.io/latest/docs/reference/config/analysis/ist0129/",
        "https://istio.io/latest/news/releases/1.20.x/announcing-1.20/upgrade-notes/",
        "https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let mut behind_gateways = None;
    for rule in mesh.of(ResourceKind::DestinationRule).map(DestinationRule) {
        let Some(host) = rule.host().and_then(Node::text) else { continue };
        let full = full_host(host, rule.0.namespace);
        if kubernetes_name(&full).is_none() {
            continue;
        }
        let is_selective = rule.0.selector().is_some();
        for (_, tls) in rule.tls_settings().filter(|(_, tls)| is_without_ca(*tls)) {
            let finding = Finding::new(&rule.0, tls.mode_node())
                .with("mode", tls.mode_node().text().unwrap_or_default())
                .with("host", full.clone())
                .likely();
            match tls.credential_name() {
                None => findings.add(finding),
                Some(_) if is_selective => {}
                // Gateways read the Secret; sidecars without a selector do not.
                Some(_) if behind_gateways.get_or_insert_with(|| hosts_of_gateways(mesh)).contains(&full) => {}
                Some(_) => findings.add(finding.of_severity(Severity::Info)),
            }
        }
    }
}

fn is_without_ca(tls: TlsSettings<'_>) -> bool {
    let is_unchecked = tls.0.get("insecureSkipVerify").and_then(Node::as_bool) == Some(true);
    matches!(tls.mode(), Some(TlsMode::Simple | TlsMode::Mutual)) && tls.ca_certificates().is_none() && !is_unchecked
}

/// The hosts that routes of gateways send to.
fn hosts_of_gateways(mesh: &Mesh<'_>) -> HashSet<String> {
    let services = mesh.virtual_services().filter(|service| service.gateways().next().is_some());
    let hosts = services.flat_map(|service| {
        let hosts = service.destinations().filter_map(|destination| destination.host()?.text());
        hosts.map(|host| full_host(host, service.0.namespace)).collect::<Vec<_>>()
    });
    hosts.collect()
}
