//! Several Services lead to one port of a pod from different ports and with different protocols.

use crate::finding::Findings;
use crate::mesh::Mesh;
use crate::rules::conflicting_service_protocols::conflicts;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC307",
    slug: "conflicting-target-ports",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &["IST0137"],
    kinds: [Service],
    message: "Services {services} lead to port {port} of {workload} from different ports and with different protocols",
    message_zh: "Service {services} 用不同的端口、不同的协议指向 {workload} 的同一个端口 {port}",
    confirm: &[
        Confirm {
            id: "inbound",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} --port 15006"),
                Command("kubectl -n istio-system logs deploy/istiod | grep 'Conflicting inbound listener'"),
                Note(
                    "The target port has only one protocol, the one of the oldest Service.",
                    "这个 targetPort 只有一种协议，即最早创建的那个 Service 声明的。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "one-protocol",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "# both Services: the same word in front of the name\nspec:\n  ports:\n    - name: http-web\n      port: 80\n      targetPort: 9080\n",
                ),
                Note(
                    "Where the application really speaks two protocols, give each a port of its own.",
                    "如果应用确实同时使用两种协议，就各用一个端口。",
                ),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0137/",
        "Istio pilot/pkg/networking/core/listener_inbound.go, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for conflict in conflicts(mesh).iter().filter(|conflict| !conflict.is_of_one_number()) {
        findings.add(conflict.finding(mesh));
    }
}
