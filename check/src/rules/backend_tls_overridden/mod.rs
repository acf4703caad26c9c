//! A DestinationRule and a BackendTLSPolicy say how to reach one host, and 1.31 lets the rule win.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Resource, TrafficPolicy};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC916",
    slug: "backend-tls-overridden",
    since: "0.1.0",
    severity: Warning,
    upgrade: 31,
    explains: [tls_to_plaintext_port, plaintext_to_tls_port],
    equivalent: &[],
    kinds: [BackendTLSPolicy],
    each: Resource,
    message: "from Istio 1.31 on the tls of DestinationRule {rule} wins over this BackendTLSPolicy for {host}",
    message_zh: "从 Istio 1.31 起，{host} 的 TLS 以 DestinationRule {rule} 为准，这个 BackendTLSPolicy 不再生效",
    confirm: &[
        Confirm {
            id: "cluster",
            steps: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn {host} -o yaml"),
                Note("Compare the transport socket before and after the upgrade.", "对比升级前后的 transport socket。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "one",
            applicability: Manual,
            steps: &[
                Note("Keep one of the two, or let both say the same.", "两者只留一个，或者写成一致。"),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &["https://github.com/istio/istio/issues/60358"],
}

fn check<'a>(mesh: &Mesh<'a>, policy: Resource<'a>, findings: &mut Findings<'a>) {
    for target in policy.spec().list("targetRefs").filter(|target| target.str_at(&["kind"]) == Some("Service")) {
        let Some(name) = target.get("name") else { continue };
        let host = format!("{}.{}.svc.cluster.local", name.text().unwrap_or_default(), policy.namespace);
        let rules = mesh.rules_of_host(&host, policy.namespace).iter();
        let with_tls = rules.filter_map(|rule| Some((rule, rule.policy().and_then(TrafficPolicy::tls)?)));
        for (rule, tls) in with_tls {
            let finding = Finding::new(&policy, name).with("rule", rule.0.name).with("host", host.clone());
            findings.add(finding.beside(&rule.0, tls.mode_node()));
        }
    }
}
