//! istiod fetches signing keys from wherever a RequestAuthentication says.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Container, ResourceKind, Workload};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC610",
    slug: "jwks-fetch-unrestricted",
    since: "0.1.0",
    severity: Warning,
    persona: Security,
    explains: [],
    equivalent: &["IST0175"],
    kinds: [RequestAuthentication],
    message: "istiod fetches keys from any address: BLOCKED_CIDRS_IN_JWKS_URIS is not set",
    message_zh: "istiod 会到任意地址拉取密钥：没有设置 BLOCKED_CIDRS_IN_JWKS_URIS",
    confirm: &[
        Confirm {
            id: "environment",
            steps: &[
                Command("kubectl -n istio-system get deploy istiod -o jsonpath='{.spec.template.spec.containers[*].env}'"),
                Note("BLOCKED_CIDRS_IN_JWKS_URIS is absent or empty.", "没有 BLOCKED_CIDRS_IN_JWKS_URIS，或者值为空。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "block",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "# values of the istiod chart\nenv:\n  BLOCKED_CIDRS_IN_JWKS_URIS: \"169.254.0.0/16,127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16\"\n",
                ),
                Note(
                    "Leave out the ranges that your own issuers are in.",
                    "如果自己的签发方（issuer）在其中某个网段，就不要写那个网段。",
                ),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/commands/pilot-discovery/#envvars",
        "Istio pkg/config/analysis/analyzers/authn/blockedcidrs.go, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    // Keys that are written down are not fetched.
    let fetched = |rule: Node<'a>| rule.get("jwks").is_none_or(Node::is_empty);
    let fetching = mesh.of(ResourceKind::RequestAuthentication).find_map(|authentication| {
        let rules = authentication.spec().get("jwtRules")?;
        rules.items().find(|rule| fetched(*rule)).map(|rule| (authentication, rule))
    });
    let Some((authentication, rule)) = fetching else { return };
    let istiods = mesh.of(ResourceKind::Deployment).filter(|deployment| deployment.labels().get("app") == Some("istiod"));
    for istiod in istiods {
        let containers: Vec<Container<'a>> =
            Workload::of(istiod).into_iter().flat_map(|workload| workload.containers()).collect();
        if containers.iter().any(|container| is_restricted(*container)) {
            continue;
        }
        let discovery = containers.iter().find(|container| container.name() == Some("discovery")).or_else(|| containers.first());
        let place = discovery.map_or_else(|| istiod.name_node(), |container| container.0.get("env").unwrap_or(container.0));
        findings.add(Finding::new(&istiod, place).beside(&authentication, rule));
    }
}

fn is_restricted(container: Container<'_>) -> bool {
    container.0.list("env").any(|variable| {
        let is_named = variable.get("name").and_then(Node::text) == Some("BLOCKED_CIDRS_IN_JWKS_URIS");
        is_named && variable.get("value").or_else(|| variable.get("valueFrom")).is_some_and(|value| !value.is_empty())
    })
}
