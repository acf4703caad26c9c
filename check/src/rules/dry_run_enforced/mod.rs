//! A policy is a rehearsal, and older ztunnels enforce it.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Resource;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC927",
    slug: "dry-run-enforced",
    since: "0.1.0",
    severity: Error,
    upgrade: 29,
    explains: [rbac_denied],
    equivalent: &[],
    kinds: [AuthorizationPolicy],
    each: Resource,
    message: "with istiod 1.29 a ztunnel that is older enforces this dry-run policy",
    message_zh: "istiod 升到 1.29 后，旧版 ztunnel 会真的执行这个 dry-run 策略",
    confirm: &[
        Confirm {
            id: "ztunnel",
            steps: &[
                Command("kubectl -n istio-system logs -l app=ztunnel | grep \"policy rejection\""),
                Note("Connections are rejected; clients see a reset.", "连接被拒绝，客户端看到 reset。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "after",
            applicability: Manual,
            steps: &[
                Note("Apply the policy after all ztunnels are upgraded.", "等所有 ztunnel 都升级完，再 apply 这个策略。"),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &["https://istio.io/latest/docs/tasks/security/authorization/authz-dry-run/"],
}

fn check<'a>(mesh: &Mesh<'a>, policy: Resource<'a>, findings: &mut Findings<'a>) {
    let Some(node) = policy.annotations().node("istio.io/dry-run").filter(|node| node.text() == Some("true")) else {
        return;
    };
    if mesh.is_ambient(policy.namespace) == Some(true) {
        findings.add(Finding::new(&policy, node));
    }
}
