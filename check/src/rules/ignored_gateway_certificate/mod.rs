//! A Gateway's server names a certificate and passes TLS through.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Gateway;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC510",
    slug: "ignored-gateway-certificate",
    since: "0.1.0",
    severity: Warning,
    explains: [no_filter_chain],
    equivalent: &["IST0133"],
    kinds: [Gateway],
    each: Gateway,
    message: "{certificate} is ignored: the mode is {mode}",
    message_zh: "{certificate} 不会被使用：mode 是 {mode}",
    confirm: &[
        Confirm {
            id: "listener",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} --port 443"),
                Note("The server leads to a cluster by SNI, not to a route.", "这个 server 按 SNI 指向 cluster，而不是 route。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "end-tls",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Gateway\nspec:\n  servers:\n    - tls:\n        mode: SIMPLE\n        credentialName: example-credential\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/gateway/#ServerTLSSettings-TLSmode",
        "Istio pkg/config/validation/validation.go, 1.30",
    ],
}

/// What says that the gateway is to end TLS.
const CERTIFICATES: [&str; 6] =
    ["credentialName", "credentialNames", "serverCertificate", "privateKey", "caCertificates", "tlsCertificates"];

fn check<'a>(_: &Mesh<'a>, gateway: Gateway<'a>, findings: &mut Findings<'a>) {
    let servers = gateway.servers().filter(|server| server.passes_tls_through());
    for tls in
        servers.filter(|server| server.protocol().is_some_and(|protocol| protocol.is_tls())).filter_map(|server| server.tls())
    {
        let entries = CERTIFICATES.iter().find_map(|name| tls.entry(name).filter(|(_, value)| !value.is_empty()));
        let Some((key, _)) = entries else { continue };
        let mode = tls.get("mode").and_then(Node::text);
        findings.add(
            Finding::new(&gateway.0, key)
                .with("certificate", key.text().unwrap_or_default())
                .with("mode", mode.unwrap_or("PASSTHROUGH")),
        );
    }
}
