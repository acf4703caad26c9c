//! A ServiceEntry has the host of a Service, and from 1.30 on sidecars take the Service.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{ResourceKind, ServiceEntry};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC911",
    slug: "entry-beside-service",
    since: "0.1.0",
    severity: Warning,
    upgrade: 30,
    explains: [],
    equivalent: &[],
    kinds: [ServiceEntry],
    message: "{host} is a Service too: from Istio 1.30 on sidecars take the Service, not this entry",
    message_zh: "{host} 同时也是 Service：从 Istio 1.30 起 sidecar 用 Service，不用这个 ServiceEntry",
    confirm: &[
        Confirm {
            id: "endpoints",
            steps: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace} | grep {host}"),
                Note("Compare the addresses before and after the upgrade.", "对比升级前后的地址。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "rename",
            applicability: Manual,
            steps: &[
                Note("Give the entry a host of its own, or remove one of the two.", "给 ServiceEntry 换一个 host，或者两者只留一个。"),
            ],
            verify: CHECK_AGAIN,
        },
        Fix {
            id: "keep",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Helm values of istiod, for the time of the upgrade\npilot:\n  env:\n    PILOT_SIDECAR_PICK_BEST_SERVICE_NAMESPACE: \"false\"\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/news/releases/1.30.x/announcing-1.30/upgrade-notes/",
        "Istio release note sidecar-pick-best-service-namespace, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let kept = mesh.istiod_env("PILOT_SIDECAR_PICK_BEST_SERVICE_NAMESPACE");
    if kept.is_some_and(|(_, value)| value.text() == Some("false")) {
        return;
    }
    for entry in mesh.of(ResourceKind::ServiceEntry).map(ServiceEntry) {
        for host in entry.hosts() {
            let Some(name) = host.text() else { continue };
            // Within one namespace nothing changes.
            let Some(service) = mesh.service_of_host(name).filter(|service| service.0.namespace != entry.0.namespace) else {
                continue;
            };
            let finding = Finding::new(&entry.0, host).with("host", name);
            findings.add(finding.beside(&service.0, service.0.name_node()).likely());
        }
    }
}
