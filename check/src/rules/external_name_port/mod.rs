//! A port of an ExternalName Service has a name that takes it for TCP or for nothing.

use crate::finding::{Finding, Findings};
use crate::mesh::{Mesh, is_system_namespace};
use crate::model::Service;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC304",
    slug: "external-name-port",
    since: "0.1.0",
    severity: Info,
    explains: [],
    equivalent: &["IST0150"],
    kinds: [Service],
    each: Service,
    message: "port {port} of the ExternalName Service {service} does not say that it is HTTP or TLS",
    message_zh: "ExternalName 类型的 Service {service}，端口 {port} 没有声明是 HTTP 还是 TLS",
    confirm: &[
        Confirm {
            id: "listener",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} --port {port}"),
                Note(
                    "Up to Istio 1.20 a row with the address 0.0.0.0 and no host: it takes what goes to this port anywhere. Later no row of this Service.",
                    "Istio 1.20 及更早：有一行地址是 0.0.0.0 且没有 host，发往任何地方的这个端口都会被它接走。之后的版本不再有这个 Service 的行。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "entry",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "# Service of type ExternalName: what is spoken, with its suffix\nspec:\n  ports:\n    - name: https\n      port: 443\n",
                ),
                Note(
                    "To route, limit or count these requests, describe the external host with a ServiceEntry instead.",
                    "想对这些请求做路由、限流或统计，请改用 ServiceEntry 描述这个外部域名。",
                ),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0150/",
        "https://istio.io/latest/news/releases/1.21.x/announcing-1.21/upgrade-notes/",
        "Istio pilot/pkg/serviceregistry/kube/conversion.go, 1.30",
    ],
}

fn check<'a>(_: &Mesh<'a>, service: Service<'a>, findings: &mut Findings<'a>) {
    if service.external_name().is_none() || is_system_namespace(service.0.namespace) || service.0.is_of_istio() {
        return;
    }
    for port in service.ports() {
        if port.protocol().is_none() || port.name() == Some("tcp") {
            let place = port.0.get("name").unwrap_or(port.0);
            let number = port.number().map(|number| number.to_string()).unwrap_or_default();
            findings.add(Finding::new(&service.0, place).with("port", number).with("service", service.0.name));
        }
    }
}
