//! Nothing says what a port of a Service speaks.

use crate::finding::{Finding, Findings};
use crate::mesh::{Mesh, is_system_namespace};
use crate::model::Service;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC303",
    slug: "port-without-protocol",
    since: "0.1.0",
    severity: Info,
    explains: [],
    equivalent: &["IST0118", "KIA0601"],
    kinds: [Service],
    each: Service,
    message: "nothing says what port {port} of {service} speaks, so proxies guess it from the first bytes",
    message_zh: "{service} 的端口 {port} 没有声明协议，代理只能根据最初几个字节去猜",
    confirm: &[
        Confirm {
            id: "listener",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} --port {port}"),
                Note(
                    "Two rows, one for `App: http/1.1,h2c` and one for everything else: the proxy guesses.",
                    "同时有 `App: http/1.1,h2c` 和其余流量两行：代理在自动探测协议。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "name",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "# Service: the protocol in the name, or in appProtocol\nspec:\n  ports:\n    - name: http-web\n      appProtocol: http\n      port: 80\n",
                ),
                Note(
                    "Known words: http, http2, https, grpc, grpc-web, tcp, tls, mongo, redis, mysql, udp. `appProtocol` counts before the name; `protocol` is only TCP or UDP.",
                    "可用的协议名：http、http2、https、grpc、grpc-web、tcp、tls、mongo、redis、mysql、udp。`appProtocol` 优先于端口名；`protocol` 字段只表示 TCP 或 UDP。",
                ),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/",
        "https://istio.io/latest/docs/reference/config/analysis/ist0118/",
        "Istio pkg/config/kube/conversion.go, 1.30",
    ],
}

/// Ports that are taken for TCP where nothing is declared: SMTP, DNS, MySQL, MongoDB.
const TCP_BY_NUMBER: [i64; 4] = [25, 53, 3306, 27017];

fn check<'a>(_: &Mesh<'a>, service: Service<'a>, findings: &mut Findings<'a>) {
    if is_system_namespace(service.0.namespace) || service.0.is_of_istio() || service.external_name().is_some() {
        return;
    }
    for port in service.ports() {
        let Some(number) = port.number().filter(|number| !TCP_BY_NUMBER.contains(number)) else { continue };
        if port.protocol().is_none() {
            let place = port.0.get("appProtocol").or_else(|| port.0.get("name")).unwrap_or(port.0);
            let finding = Finding::new(&service.0, place).with("port", number.to_string());
            findings.add(finding.with("service", service.0.name));
        }
    }
}
