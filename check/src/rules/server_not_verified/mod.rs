//! A proxy starts TLS and does not check whom it speaks to.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{DestinationRule, ResourceKind, TlsMode, TlsSettings};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC406",
    slug: "server-not-verified",
    since: "0.1.0",
    severity: Warning,
    persona: Security,
    explains: [],
    equivalent: &[],
    kinds: [DestinationRule],
    message: "the certificate of {host} is not checked: anybody between can answer in its stead",
    message_zh: "不校验 {host} 的证书，中间任何人都可以冒充它",
    confirm: &[
        Confirm {
            id: "context",
            steps: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn {host} -o json"),
                Note("Its validationContext names no trusted CA.", "其中的 validationContext 没有 trustedCa。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "name-ca",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# DestinationRule\nspec:\n  trafficPolicy:\n    tls:\n      mode: SIMPLE\n      sni: {host}\n      caCertificates: /etc/ssl/certs/ca-certificates.crt\n      subjectAltNames:\n        - {host}\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings",
        "https://istio.io/latest/docs/ops/best-practices/security/#configure-tls-verification-in-destination-rule-when-using-tls-origination",
    ],
}

/// The first minor release whose proxies check servers against the system's CAs where no CA is named.
const CHECKS_BY_DEFAULT: u32 = 20;

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let is_old = mesh.settings.istio_minor.is_some_and(|minor| minor < CHECKS_BY_DEFAULT);
    for rule in mesh.of(ResourceKind::DestinationRule).map(DestinationRule) {
        let Some(host) = rule.host().and_then(Node::text) else { continue };
        for (_, tls) in rule.tls_settings() {
            if let Some(node) = unchecked(tls, is_old) {
                findings.add(Finding::new(&rule.0, node).with("host", host));
            }
        }
    }
}

/// What says that the server is not checked.
fn unchecked(tls: TlsSettings<'_>, is_old: bool) -> Option<Node<'_>> {
    if !matches!(tls.mode(), Some(TlsMode::Simple | TlsMode::Mutual)) {
        return None;
    }
    let skipped = tls.0.get("insecureSkipVerify").filter(|skip| skip.as_bool() == Some(true));
    let is_named = tls.ca_certificates().is_some() || tls.credential_name().is_some();
    skipped.or_else(|| (is_old && !is_named).then(|| tls.mode_node()))
}
