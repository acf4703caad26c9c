//! A subset has a policy without TLS beside a rule with TLS, and from 1.31 on takes the rule's.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{DestinationRule, TrafficPolicy};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC915",
    slug: "subset-inherits-tls",
    since: "0.1.0",
    severity: Warning,
    upgrade: 31,
    explains: [tls_to_plaintext_port, plaintext_to_tls_port],
    equivalent: &[],
    kinds: [DestinationRule],
    each: DestinationRule,
    message: "subset {subset} has no tls of its own: from Istio 1.31 on the rule's {mode} decides for its endpoints",
    message_zh: "subset {subset} 没写 tls：从 Istio 1.31 起由规则整体的 {mode} 决定",
    confirm: &[
        Confirm {
            id: "cluster",
            steps: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn {host} -o yaml"),
                Note("Compare the transport sockets of the subset's cluster.", "对比这个 subset 的 cluster 的 transport socket。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "explicit",
            applicability: Review,
            steps: &[Patch(PatchKind::Fragment, "# subset of the DestinationRule\ntrafficPolicy:\n  tls:\n    mode: ISTIO_MUTUAL\n")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/destination-rule/#Subset",
        "Istio release note dr-subset-tls-mode-fallback, 1.31",
    ],
}

fn check<'a>(_: &Mesh<'a>, rule: DestinationRule<'a>, findings: &mut Findings<'a>) {
    let Some(tls) = rule.policy().and_then(TrafficPolicy::tls) else { return };
    for subset in rule.subsets() {
        let Some((key, policy)) = subset.entry("trafficPolicy") else { continue };
        if TrafficPolicy(policy).tls().is_none() && TrafficPolicy(policy).ports().next().is_none() {
            let mode = tls.mode_node().text().unwrap_or("DISABLE");
            let name = subset.get("name").and_then(|name| name.text()).unwrap_or_default();
            let finding = Finding::new(&rule.0, key).with("subset", name).with("mode", mode);
            findings.add(finding.beside(&rule.0, tls.mode_node()).likely());
        }
    }
}
