//! Several DestinationRules of one namespace say different things of one host.

use std::collections::BTreeMap;

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::{Mesh, full_host};
use crate::model::DestinationRule;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC317",
    slug: "conflicting-destination-rules",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &["KIA0201"],
    kinds: [DestinationRule],
    message: "{other} has a {field} for {host}, too; only that of the older rule holds",
    message_zh: "{other} 也为 {host} 配了 {field}，只有创建更早的那条生效",
    confirm: &[
        Confirm {
            id: "rules",
            steps: &[
                Command("kubectl -n {namespace} get destinationrules --sort-by=.metadata.creationTimestamp"),
                Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn {host} -o json"),
                Note(
                    "What the younger rule says is not in the cluster.",
                    "cluster 里没有较晚创建的那条规则的设置。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "one-rule",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# one DestinationRule for the host\nspec:\n  host: {host}\n  trafficPolicy:\n    connectionPool:\n      tcp:\n        connectTimeout: 2s\n  subsets:\n    - name: v1\n      labels:\n        version: v1\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services",
        "https://kiali.io/docs/features/validations/#kia0201---more-than-one-destinationrules-for-the-same-host-subset-combination",
        "Istio pilot/pkg/model/destination_rule.go, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let mut rules: BTreeMap<(&str, String), Vec<DestinationRule<'a>>> = BTreeMap::new();
    for rule in mesh.destination_rules() {
        if let Some(host) = rule.host().and_then(Node::text) {
            rules.entry((rule.0.namespace, full_host(host, rule.0.namespace))).or_default().push(rule);
        }
    }
    for ((_, host), rules) in rules.iter().filter(|(_, rules)| rules.len() > 1) {
        for (at, rule) in rules.iter().enumerate() {
            // The same manifest twice is another mistake.
            let is_other = |earlier: &&DestinationRule<'a>| earlier.0.name != rule.0.name && are_merged(earlier, rule);
            let mut earlier = rules.iter().take(at).filter(is_other);
            if let Some((field, first, here, there)) = earlier.find_map(|earlier| conflict(earlier, rule)) {
                let finding = Finding::new(&rule.0, here).with("host", host.clone()).with("field", field);
                findings.add(mesh.weighed(finding.with("other", first.0.id().to_string()).beside(&first.0, there)));
            }
        }
    }
}

/// Whether istiod makes one rule of both.
fn are_merged(one: &DestinationRule<'_>, other: &DestinationRule<'_>) -> bool {
    let export = |rule: &DestinationRule<'_>| {
        let mut scopes: Vec<String> =
            rule.0.spec().list("exportTo").filter_map(|scope| scope.text().map(str::to_owned)).collect();
        scopes.sort_unstable();
        scopes
    };
    let has_selector = |rule: &DestinationRule<'_>| rule.0.spec().get("workloadSelector").is_some();
    !has_selector(one) && !has_selector(other) && export(one) == export(other)
}

type Conflict<'a> = (&'static str, DestinationRule<'a>, Node<'a>, Node<'a>);

/// What both say: a policy of the host, or a subset of the same name.
fn conflict<'a>(first: &DestinationRule<'a>, rule: &DestinationRule<'a>) -> Option<Conflict<'a>> {
    let policy = |rule: &DestinationRule<'a>| rule.0.spec().entry("trafficPolicy").map(|(key, _)| key);
    if let (Some(here), Some(there)) = (policy(rule), policy(first)) {
        return Some(("trafficPolicy", *first, here, there));
    }
    rule.subsets().find_map(|subset| {
        let name = subset.get("name")?;
        let other = first.subset(name.text()?)?;
        Some(("subset", *first, name, other.get("name")?))
    })
}
