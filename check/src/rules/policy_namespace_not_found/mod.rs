//! An AuthorizationPolicy names a client's namespace that is not there.

use foldhash::HashSet;

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{AuthorizationPolicy, ResourceKind};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC603",
    slug: "policy-namespace-not-found",
    since: "0.1.0",
    severity: Warning,
    explains: [rbac_denied],
    equivalent: &["IST0101", "KIA0101"],
    kinds: [AuthorizationPolicy],
    message: "no namespace is called {namespace}",
    message_zh: "没有名为 {namespace} 的 namespace",
    confirm: &[
        Confirm {
            id: "namespaces",
            steps: &[
                Command("kubectl get namespaces"),
                Note("None of them is the one that the policy names.", "列表里没有策略写的这个 namespace。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "name",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# AuthorizationPolicy {policy}\nrules:\n  - from:\n      - source:\n          namespaces: [\"{namespace}\"]\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0101/",
        "https://istio.io/latest/docs/reference/config/security/authorization-policy/#Source",
        "Istio pkg/config/analysis/analyzers/authz/authorizationpolicies.go, 1.30",
    ],
}

/// Namespaces that clusters have and repositories seldom declare.
const INFRASTRUCTURE: [&str; 12] = [
    "default",
    "istio",
    "ingress",
    "egress",
    "gateway",
    "kube-",
    "monitoring",
    "observability",
    "prometheus",
    "logging",
    "argo",
    "knative",
];

/// What the files say about namespaces.
struct Namespaces<'a> {
    declared: HashSet<&'a str>,
    used: HashSet<&'a str>,
    /// Whether each namespace that something lives in is declared, so that the list seems to be whole.
    is_whole: bool,
}

impl<'a> Namespaces<'a> {
    fn of(mesh: &Mesh<'a>) -> Self {
        let declared: HashSet<_> = mesh.of(ResourceKind::Namespace).map(|namespace| namespace.name).collect();
        let used: HashSet<_> = mesh.resources.iter().map(|resource| resource.namespace).filter(|name| !name.is_empty()).collect();
        let is_whole = declared.len() > 1 && used.iter().all(|name| declared.contains(name) || is_infrastructure(name));
        Self { declared, used, is_whole }
    }

    fn has(&self, pattern: &str) -> bool {
        let mut known = self.declared.iter().chain(&self.used);
        match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
            (Some(suffix), _) => known.any(|name| name.ends_with(suffix)),
            (_, Some(prefix)) => known.any(|name| name.starts_with(prefix)),
            _ if self.declared.contains(pattern) || self.used.contains(pattern) => true,
            _ => known.any(|name| name.eq_ignore_ascii_case(pattern)),
        }
    }

    /// Whether one that is not there would be: where all are declared, or one is written almost like it.
    fn should_have(&self, pattern: &str) -> bool {
        let is_pattern = pattern.starts_with('*') || pattern.ends_with('*');
        let is_typo = || pattern.len() > 3 && self.declared.iter().any(|name| differs_by_one(name, pattern));
        if is_pattern { self.declared.len() > 1 } else { self.is_whole && !is_infrastructure(pattern) || is_typo() }
    }
}

fn is_infrastructure(name: &str) -> bool {
    INFRASTRUCTURE.iter().any(|known| name.contains(known))
}

/// Whether one character is missing, too many, or another. What differs in a digit is rather a sibling (`team1`, `team2`).
fn differs_by_one(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let prefix = short.bytes().zip(long.bytes()).take_while(|(one, other)| one == other).count();
    let suffix = short.bytes().rev().zip(long.bytes().rev()).take_while(|(one, other)| one == other).count();
    let rest = short.len().saturating_sub(prefix + suffix);
    let odd = long.as_bytes().get(prefix).is_some_and(u8::is_ascii_digit);
    long.len() - short.len() + rest == 1 && !odd
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let namespaces = Namespaces::of(mesh);
    for policy in mesh.of(ResourceKind::AuthorizationPolicy) {
        for rule in AuthorizationPolicy(policy).rules() {
            let named = rule.sources().flat_map(|source| source.list("namespaces").chain(source.list("notNamespaces")));
            for (node, name) in named.filter_map(|node: Node<'a>| Some((node, node.text()?))) {
                if namespaces.has(name) {
                    continue;
                }
                if namespaces.should_have(name) {
                    findings.add(Finding::new(&policy, node).with("namespace", name).likely());
                } else {
                    findings.unknown(&policy, node, format!("Namespace {name}"));
                }
            }
        }
    }
}
