//! A proxy begins TLS with an RSA server outside, whose certificate 1.30 reads more strictly.

use crate::finding::{Finding, Findings};
use crate::mesh::{Lookup, Mesh, Target};
use crate::model::{ResourceKind, ServiceEntry, TlsMode};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC937",
    slug: "key-usage-enforced",
    since: "0.1.0",
    severity: Info,
    upgrade: 30,
    explains: [tls_handshake_failed],
    equivalent: &[],
    kinds: [DestinationRule],
    message: "from Istio 1.30 on the RSA certificate of {host} must allow what it is used for",
    message_zh: "从 Istio 1.30 起，{host} 的 RSA 证书必须在 keyUsage 里允许实际用途",
    confirm: &[
        Confirm {
            id: "usage",
            steps: &[
                Command("openssl s_client -connect {host}:443 -servername {host} </dev/null | openssl x509 -noout -ext keyUsage"),
                Note("Digital Signature is not in the list.", "列表里没有 Digital Signature。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "renew",
            applicability: Manual,
            steps: &[
                Note("Renew the certificate with the key usage digitalSignature.", "重新签发证书，keyUsage 里加上 digitalSignature。"),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &["https://www.envoyproxy.io/docs/envoy/latest/version_history/v1.38/v1.38.0"],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    if !mesh.has(ResourceKind::ServiceEntry) {
        return;
    }
    for rule in mesh.destination_rules() {
        let mut tls =
            rule.policies().flat_map(|policy| policy.tls().into_iter().chain(policy.ports().filter_map(|port| port.tls())));
        // A private authority is what leaves the usage out; public ones write it.
        let private = |authority: Option<&str>| authority.is_some_and(|authority| authority != "system");
        let Some(tls) = tls.find(|tls| {
            let own = tls.0.get("caCertificates").or_else(|| tls.0.get("credentialName")).and_then(|node| node.text());
            matches!(tls.mode(), Some(TlsMode::Simple | TlsMode::Mutual)) && private(own)
        }) else {
            continue;
        };
        let Some(host) = rule.host().and_then(|host| host.text()) else { continue };
        let Lookup::Found(found) = mesh.host(host, rule.0.namespace) else { continue };
        let is_outside = |target: &Target<'a>| match target {
            Target::Entry(ServiceEntry(entry)) => entry.spec().str_at(&["location"]) != Some("MESH_INTERNAL"),
            Target::Service(_) => false,
        };
        if found.iter().any(is_outside) {
            findings.add(Finding::new(&rule.0, tls.mode_node()).with("host", host).likely());
        }
    }
}
