//! A policy asks for the client's identity where mutual TLS is off.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{AuthorizationPolicy, Labels, MtlsMode, PeerAuthentication, ResourceKind, selects};
use crate::rules::declare_rule;
use crate::scope::PolicyScope;

declare_rule! {
    code: "MWC607",
    slug: "principals-need-mtls",
    since: "0.1.0",
    severity: Error,
    explains: [rbac_denied],
    equivalent: &["KIA0109"],
    kinds: [PeerAuthentication],
    each: AuthorizationPolicy,
    message: "{field} never matches: PeerAuthentication {authentication} switches mTLS off here",
    message_zh: "{field} 永远匹配不上：PeerAuthentication {authentication} 在这里关掉了 mTLS",
    confirm: &[
        Confirm {
            id: "mode",
            steps: &[
                Command("istioctl x describe pod {pod}.{namespace}"),
                Note("The effective PeerAuthentication has the mode DISABLE.", "生效的 PeerAuthentication 模式是 DISABLE。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "mtls",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# PeerAuthentication that holds for the workload\nspec:\n  mtls:\n    mode: STRICT\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/concepts/security/#dependency-on-mutual-tls",
        "https://istio.io/latest/docs/reference/config/security/authorization-policy/#Source",
        "Istio pilot/pkg/security/authn/policy_applier.go, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, policy: AuthorizationPolicy<'a>, findings: &mut Findings<'a>) {
    let mut asked = policy.rules().flat_map(|rule| rule.conditions()).filter(|condition| condition.is_of_peer()).peekable();
    if asked.peek().is_none() {
        return;
    }
    let Some((authentication, mode)) = disabling(mesh, &policy) else { return };
    for condition in asked {
        let finding = Finding::new(&policy.0, condition.node).with("field", condition.name);
        findings.add(finding.with("authentication", authentication.0.name).beside(&authentication.0, mode).likely());
    }
}

/// The PeerAuthentication that switches mutual TLS off for what a policy holds for, and where it says so.
fn disabling<'a>(mesh: &Mesh<'a>, policy: &AuthorizationPolicy<'a>) -> Option<(PeerAuthentication<'a>, Node<'a>)> {
    let root = mesh.root_namespace();
    if policy.0.namespace != root && !disables(mesh, policy.0.namespace) && !disables(mesh, root) {
        return None;
    }
    let (namespace, labels) = match PolicyScope::of(mesh, &policy.0) {
        PolicyScope::Workloads(workloads) => {
            workloads.first().map(|workload| (workload.resource.namespace, workload.labels()))?
        }
        PolicyScope::Elsewhere(selector) | PolicyScope::Nothing(selector) => (policy.0.namespace, Labels(Some(selector))),
        PolicyScope::Everything => (policy.0.namespace, Labels(None)),
        PolicyScope::Targets => return None,
    };
    let is_near = |found: &PeerAuthentication<'a>| found.0.namespace == root || mesh.stand_together(&found.0, &policy.0);
    let of = |namespace: &'a str| {
        mesh.in_namespace(ResourceKind::PeerAuthentication, namespace).map(PeerAuthentication).filter(is_near)
    };
    let own = of(namespace).find(|found| {
        let selector = found.0.selector();
        found.mode().is_some() && selector.is_some_and(|selector| selects(selector, labels))
    });
    let whole = |namespace: &'a str| of(namespace).find(|found| found.0.selector().is_none() && found.mode().is_some());
    let deciding = own.or_else(|| whole(namespace)).or_else(|| whole(root))?;
    deciding
        .mode()
        .filter(|(mode, _)| *mode == MtlsMode::Disable && mesh.is_undivided(&deciding.0))
        .map(|(_, node)| (deciding, node))
}

/// Whether some PeerAuthentication of a namespace switches mutual TLS off.
fn disables(mesh: &Mesh<'_>, namespace: &str) -> bool {
    let mut modes = mesh.peer_authentications_of(namespace).iter().filter_map(PeerAuthentication::mode);
    modes.any(|(mode, _)| mode == MtlsMode::Disable)
}
