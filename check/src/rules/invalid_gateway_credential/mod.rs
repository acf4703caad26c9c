//! A Gateway's Secret holds no certificate that a proxy could show, or one whose time is over.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::pem::Pem;

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::gateways::secret_namespace;
use crate::mesh::Mesh;
use crate::model::{Gateway, Resource, ResourceKind};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC505",
    slug: "invalid-gateway-credential",
    since: "0.1.0",
    severity: Error,
    explains: [tls_secret_missing, certificate_expired],
    equivalent: &["IST0161"],
    kinds: [Gateway],
    each: Gateway,
    message: "Secret {secret} holds no certificate that can be used ({problem})",
    message_zh: "Secret {secret} 里没有可用的证书（{problem}）",
    confirm: &[
        Confirm {
            id: "certificate",
            steps: &[
                Command("kubectl -n {namespace} get secret example-credential -o jsonpath='{.data.tls\\.crt}' | base64 -d | openssl x509 -noout -subject -dates"),
                Note(
                    "openssl cannot read it, or notAfter is in the past.",
                    "openssl 读不出来，或者 notAfter 已经过了。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "replace",
            applicability: Review,
            steps: &[Command("kubectl -n {namespace} create secret tls example-credential --cert=tls.crt --key=tls.key --dry-run=client -o yaml | kubectl apply -f -")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/tasks/traffic-management/ingress/secure-ingress/#key-formats",
        "Istio pilot/pkg/credentials/kube/secrets.go, 1.30",
    ],
}

/// The keys of a certificate and of its private key that Istio reads, in its order.
const PAIRS: [(&str, &str); 2] = [("cert", "key"), ("tls.crt", "tls.key")];

fn check<'a>(mesh: &Mesh<'a>, gateway: Gateway<'a>, findings: &mut Findings<'a>) {
    let servers = gateway.servers().filter(|server| !server.passes_tls_through());
    for node in servers.flat_map(|server| server.credential_names()) {
        let Some(name) = node.text() else { continue };
        let secret = secret_namespace(mesh, &gateway).and_then(|namespace| mesh.find(ResourceKind::Secret, namespace, name));
        let Some(secret) = secret else { continue };
        if let Some((problem, place)) = problem(&secret, mesh.settings.now) {
            findings.add(
                Finding::new(&gateway.0, node)
                    .with("secret", format!("{}/{}", secret.namespace, secret.name))
                    .with("problem", problem)
                    .beside(&secret, place),
            );
        }
    }
}

/// What is wrong with a Secret, and where.
fn problem<'a>(secret: &Resource<'a>, now: Option<i64>) -> Option<(&'static str, Node<'a>)> {
    let value = |key: &str| {
        let of = |data: &str| secret.root.get(data).and_then(|data| data.get(key)).map(|node| (node, data == "data"));
        of("stringData").or_else(|| of("data"))
    };
    let data = secret.root.get("data").or_else(|| secret.root.get("stringData")).filter(|data| !data.is_empty())?;
    // A Secret with nothing but CAs is that of another server.
    if value("cacert").or_else(|| value("ca.crt")).is_some() && value("tls.crt").or_else(|| value("cert")).is_none() {
        return None;
    }
    let Some((certificate, is_encoded)) = PAIRS.iter().find_map(|(certificate, key)| {
        value(key)?;
        value(certificate)
    }) else {
        let all = data.entries().filter_map(|(_, value)| value.text());
        return (!all.clone().any(is_placeholder)).then_some(("tls.crt + tls.key: null", data));
    };
    let text = certificate.text().filter(|text| !is_placeholder(text))?;
    let problem = if is_encoded {
        let compact: String = text.split_whitespace().collect();
        match STANDARD.decode(compact) {
            Ok(bytes) => of_certificate(&bytes, now),
            Err(_) => Some("base64: invalid"),
        }
    } else {
        of_certificate(text.as_bytes(), now)
    };
    problem.map(|problem| (problem, certificate))
}

/// Whether a value is to be filled in, or is encrypted.
fn is_placeholder(text: &str) -> bool {
    text.trim().is_empty() || text.contains(['$', '<', '{', '[', '*'])
}

fn of_certificate(bytes: &[u8], now: Option<i64>) -> Option<&'static str> {
    // Examples leave the middle out.
    if std::str::from_utf8(bytes).is_ok_and(|text| text.contains("...") || is_placeholder(text)) {
        return None;
    }
    let Some(Ok(pem)) = Pem::iter_from_buffer(bytes).next() else { return Some("PEM: invalid") };
    let Ok(certificate) = pem.parse_x509() else { return Some("X.509: invalid") };
    let is_over = now.is_some_and(|now| certificate.validity().not_after.timestamp() < now);
    is_over.then_some("notAfter < now")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Valid until 2026-11-28.
    const EXPIRED: &str = include_str!("expired.pem");

    #[test]
    fn a_certificate_has_expired_when_the_caller_says_how_late_it_is() {
        assert_eq!(of_certificate(EXPIRED.as_bytes(), None), None);
        assert_eq!(of_certificate(EXPIRED.as_bytes(), Some(1_790_000_000)), None);
        assert_eq!(of_certificate(EXPIRED.as_bytes(), Some(1_800_000_000)), Some("notAfter < now"));
    }

    #[test]
    fn what_is_not_pem_or_not_x509_is_said() {
        assert_eq!(of_certificate(b"hush hush", None), Some("PEM: invalid"));
        let broken = b"-----BEGIN CERTIFICATE-----\naHVzaA==\n-----END CERTIFICATE-----\n";
        assert_eq!(of_certificate(broken, None), Some("X.509: invalid"));
    }
}
