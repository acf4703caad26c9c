//! Claims are copied into headers, which Envoy 1.40 takes from clients on every route.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Resource;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC934",
    slug: "claim-headers-stripped",
    since: "0.1.0",
    severity: Info,
    upgrade: 32,
    explains: [rbac_denied, credentials_rejected],
    equivalent: &[],
    kinds: [RequestAuthentication],
    each: Resource,
    message: "from Istio 1.32 on the header {header} of a client is removed, on paths without a token too",
    message_zh: "从 Istio 1.32 起，客户端自己带的 header {header} 一律删除，没有 token 的路径也一样",
    confirm: &[
        Confirm {
            id: "header",
            steps: &[
                Command("kubectl -n {namespace} logs {pod}"),
                Note("The application gets no such header where the token is absent.", "没有 token 时应用收不到这个 header。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "token",
            applicability: Manual,
            steps: &[
                Note(
                    "Let callers inside send a token, or another header of which no claim is made.",
                    "让内部调用方也带 token，或者换一个不由 claim 填写的 header。",
                ),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/version_history/v1.40/v1.40.0",
        "https://istio.io/latest/docs/reference/config/security/request_authentication/#ClaimToHeader",
    ],
}

fn check<'a>(_: &Mesh<'a>, authentication: Resource<'a>, findings: &mut Findings<'a>) {
    let copies = authentication.spec().list("jwtRules").flat_map(|rule| rule.list("outputClaimToHeaders"));
    for header in copies.filter_map(|copy| copy.get("header")) {
        findings.add(Finding::new(&authentication, header).with("header", header.text().unwrap_or_default()).likely());
    }
}
