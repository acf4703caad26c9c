//! Keys are fetched from an address that 1.32 refuses.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Resource;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC929",
    slug: "jwks-at-metadata-address",
    since: "0.1.0",
    severity: Error,
    upgrade: 32,
    explains: [jwks_fetch_failed, jwt_rejected],
    equivalent: &[],
    kinds: [RequestAuthentication],
    each: Resource,
    message: "istiod 1.32 does not fetch keys from {uri}",
    message_zh: "istiod 1.32 不再从 {uri} 获取公钥",
    confirm: &[
        Confirm {
            id: "log",
            steps: &[
                Command("kubectl -n istio-system logs deploy/istiod | grep -i jwks"),
                Note("The fetch is refused; every token gets 401.", "获取被拒绝，所有 token 都返回 401。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "address",
            applicability: Manual,
            steps: &[
                Note(
                    "Serve the keys from an ordinary address, or write them into `jwks`.",
                    "公钥改由普通地址提供，或者直接写进 `jwks`。",
                ),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &["https://istio.io/latest/docs/reference/config/security/request_authentication/#JWTRule"],
}

fn check<'a>(_: &Mesh<'a>, authentication: Resource<'a>, findings: &mut Findings<'a>) {
    for rule in authentication.spec().list("jwtRules") {
        let Some(node) = rule.get("jwksUri").or_else(|| rule.get("jwks_uri")) else { continue };
        let Some(uri) = node.text().filter(|uri| is_metadata(uri)) else { continue };
        findings.add(Finding::new(&authentication, node).with("uri", uri));
    }
}

fn is_metadata(uri: &str) -> bool {
    let host = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    host.starts_with("169.254.") || host.starts_with("[fe80:") || host.starts_with("metadata.google.internal")
}
