//! A ServiceEntry without resolution reaches ztunnels that do not know such.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{ResourceKind, ServiceEntry};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC938",
    slug: "unresolved-entry-in-ambient",
    since: "0.1.0",
    severity: Warning,
    upgrade: 28,
    explains: [config_rejected],
    equivalent: &[],
    kinds: [ServiceEntry],
    message: "istiod 1.28 sends {host} to ztunnels, and older ones reject what has resolution NONE",
    message_zh: "istiod 1.28 会把 {host} 下发给 ztunnel，旧版 ztunnel 会拒绝 resolution NONE",
    confirm: &[
        Confirm {
            id: "ztunnel",
            steps: &[Command("kubectl -n istio-system logs -l app=ztunnel | grep -i nack")],
        },
    ],
    fixes: &[
        Fix {
            id: "order",
            applicability: Manual,
            steps: &[
                Note(
                    "Upgrade the ztunnels right after istiod, and add such entries only afterwards.",
                    "istiod 升完马上升级 ztunnel，这类 ServiceEntry 等升级完再加。",
                ),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &["https://istio.io/latest/news/releases/1.28.x/announcing-1.28/change-notes/"],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let is_ambient = mesh.of(ResourceKind::Namespace).any(|namespace| mesh.is_ambient(namespace.name) == Some(true));
    for entry in mesh.of(ResourceKind::ServiceEntry).map(ServiceEntry).filter(|_| is_ambient) {
        let Some(host) = entry.hosts().next().and_then(|host| host.text()) else { continue };
        let resolution = entry.0.spec().get("resolution");
        if resolution.is_none_or(|resolution| resolution.text() == Some("NONE")) {
            let place = resolution.unwrap_or_else(|| entry.0.name_node());
            findings.add(Finding::new(&entry.0, place).with("host", host).likely());
        }
    }
}
