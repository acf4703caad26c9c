//! A patch of a filter matches by the port on which the proxy itself captures traffic.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::EnvoyFilter;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC766",
    slug: "port-of-virtual-listener",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &[],
    kinds: [EnvoyFilter],
    each: EnvoyFilter,
    message: "portNumber {port} is the proxy's own: no HTTP filter chain is for it",
    message_zh: "portNumber {port} 是代理自己的端口，没有对应的 HTTP filter chain",
    confirm: &[
        Confirm {
            id: "chains",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} --port {port} -o yaml"),
                Note("The filter chains match the ports of the workload.", "filter chain 匹配的是工作负载的端口。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "port",
            applicability: Review,
            steps: &[Patch(PatchKind::Fragment, "# match of the patch\ncontext: SIDECAR_INBOUND\nlistener:\n  portNumber: 8080\n")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/envoy-filter/#EnvoyFilter-ListenerMatch",
        "Istio pilot/pkg/networking/core/envoyfilter/listener_patch.go, 1.30",
    ],
}

fn check<'a>(_: &Mesh<'a>, filter: EnvoyFilter<'a>, findings: &mut Findings<'a>) {
    for patch in filter.patches().filter(|patch| patch.apply_to() == Some("HTTP_FILTER")) {
        let context = patch.matched().and_then(|matched| matched.str_at(&["context"]));
        let Some(port) = patch.listener().and_then(|listener| listener.get("portNumber")) else { continue };
        let is_virtual = match context {
            Some("SIDECAR_INBOUND") => port.as_integer() == Some(15006),
            Some("SIDECAR_OUTBOUND") => port.as_integer() == Some(15001),
            _ => false,
        };
        if is_virtual {
            findings.add(Finding::new(&filter.0, port).with("port", port.text().unwrap_or_default()));
        }
    }
}
