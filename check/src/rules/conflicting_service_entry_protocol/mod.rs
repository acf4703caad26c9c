//! ServiceEntries give one host and port different protocols.

use std::collections::BTreeMap;

use foldhash::HashMap;

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{ResourceKind, ServiceEntry};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC316",
    slug: "conflicting-service-entry-protocol",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &["IST0177"],
    kinds: [ServiceEntry],
    message: "port {port} of {host} is {protocol} here, and another protocol in {other}",
    message_zh: "{host} 的端口 {port} 在这里是 {protocol}，在 {other} 里是另一种协议",
    confirm: &[
        Confirm {
            id: "listener",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} --port {port}"),
                Command("kubectl get serviceentries -A -o yaml | grep -B12 -A12 {host}"),
                Note("Only one of the protocols is there.", "只剩其中一种协议。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "one-entry",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# one ServiceEntry for the host, with one protocol for the port\nspec:\n  ports:\n    - name: https\n      number: 443\n      protocol: HTTPS\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/service-entry/#ServiceEntry",
        "Istio pkg/config/analysis/analyzers/serviceentry/conflicting_protocol.go, 1.31",
    ],
}

/// A port of a ServiceEntry.
#[derive(Clone, Copy)]
struct Claim<'a> {
    entry: ServiceEntry<'a>,
    host: &'a str,
    port: Node<'a>,
}

impl<'a> Claim<'a> {
    fn number(&self) -> Option<i64> {
        self.port.get("number")?.as_integer()
    }

    fn protocol(&self) -> &'a str {
        self.port.get("protocol").and_then(Node::text).unwrap_or_default()
    }

    fn conflicts_with(&self, other: &Self, mesh: &Mesh<'a>) -> bool {
        let (one, another) = (&self.entry.0, &other.entry.0);
        // The same name in several files is one manifest in several versions.
        let are_versions = one.id() == another.id() && one.place().file != another.place().file;
        let are_there = !are_versions && mesh.stand_together(one, another);
        are_there && !self.protocol().eq_ignore_ascii_case(other.protocol()) && meets(self.entry, other.entry)
    }
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let mut claims: HashMap<(&str, i64), Vec<Claim<'a>>> = HashMap::default();
    for entry in mesh.of(ResourceKind::ServiceEntry).map(ServiceEntry) {
        for host in entry.hosts().filter_map(Node::text) {
            for port in entry.ports() {
                let claim = Claim { entry, host, port };
                if let Some(number) = claim.number().filter(|_| !claim.protocol().is_empty()) {
                    claims.entry((host, number)).or_default().push(claim);
                }
            }
        }
    }
    let mut found = BTreeMap::new();
    for claims in claims.into_values().filter(|claims| claims.len() > 1) {
        for claim in &claims {
            if let Some(other) = claims.iter().find(|other| claim.conflicts_with(other, mesh)) {
                found.entry((claim.entry.0.place(), claim.port.place())).or_insert((*claim, *other));
            }
        }
    }
    findings.found.extend(found.into_values().map(|(claim, other)| mesh.weighed(finding(claim, other))));
}

fn finding<'a>(claim: Claim<'a>, other: Claim<'a>) -> Finding<'a> {
    let place = |claim: Claim<'a>| claim.port.get("protocol").unwrap_or(claim.port);
    let number = claim.number().map(|number| number.to_string()).unwrap_or_default();
    let finding = Finding::new(&claim.entry.0, place(claim)).with("host", claim.host).with("port", number);
    let finding = finding.with("protocol", claim.protocol()).with("other", other.entry.0.id().to_string());
    finding.beside(&other.entry.0, place(other))
}

/// Whether some namespace sees both.
fn meets(one: ServiceEntry<'_>, other: ServiceEntry<'_>) -> bool {
    let (one, other) = (scopes(one), scopes(other));
    one.iter().any(|scope| *scope == "*" || other.contains(&"*") || other.contains(scope))
}

fn scopes(entry: ServiceEntry<'_>) -> Vec<&str> {
    let namespace = entry.0.namespace;
    let written: Vec<_> = entry.0.spec().list("exportTo").filter_map(Node::text).collect();
    let full = |scope: &&str| *scope == ".";
    match written.is_empty() {
        true => vec!["*"],
        false => written.iter().map(|scope| if full(scope) { namespace } else { scope }).collect(),
    }
}
