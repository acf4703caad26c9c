//! A policy's principal or namespace has letters that were read as a pattern up to 1.29.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Resource;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC928",
    slug: "principal-taken-as-pattern",
    since: "0.1.0",
    severity: Warning,
    upgrade: 30,
    explains: [rbac_denied],
    equivalent: &[],
    kinds: [AuthorizationPolicy],
    each: Resource,
    message: "{value} was read as a pattern; from Istio 1.30 on its letters stand for themselves",
    message_zh: "{value} 以前会被当成正则，从 Istio 1.30 起按字面匹配",
    confirm: &[
        Confirm {
            id: "log",
            steps: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep rbac_access_denied"),
                Note("Identities that were admitted by the pattern are refused.", "靠正则放行的身份现在被拒绝。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "list",
            applicability: Manual,
            steps: &[Note("Name each identity that is meant.", "把要放行的身份逐个写出来。")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/security/authorization-policy/#Source",
        "https://github.com/istio/istio/issues/59992",
    ],
}

fn check<'a>(_: &Mesh<'a>, policy: Resource<'a>, findings: &mut Findings<'a>) {
    let from = policy.spec().list("rules").flat_map(|rule| rule.list("from"));
    for source in from.filter_map(|from| from.get("source")) {
        let suffixes = ["principals", "notPrincipals"].into_iter().flat_map(move |key| source.list(key)).filter(is_suffix);
        let namespaces = ["namespaces", "notNamespaces"].into_iter().flat_map(move |key| source.list(key));
        for value in suffixes.chain(namespaces).filter(has_pattern) {
            findings.add(Finding::new(&policy, value).with("value", value.text().unwrap_or_default()).likely());
        }
    }
}

fn is_suffix(value: &Node<'_>) -> bool {
    value.text().is_some_and(|text| text.len() > 1 && text.starts_with('*'))
}

/// Whether it has a letter that a regular expression reads otherwise, beside the star that Istio reads itself.
fn has_pattern(value: &Node<'_>) -> bool {
    let inner = value.text().unwrap_or_default().trim_matches('*');
    inner.bytes().any(|byte| matches!(byte, b'.' | b'[' | b']' | b'(' | b')' | b'+' | b'?' | b'|' | b'{' | b'^' | b'$'))
}
