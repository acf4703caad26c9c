//! A proxy begins TLS with a server outside, and with 1.32 its ClientHello grows beyond one packet.

use crate::finding::{Finding, Findings};
use crate::mesh::{Lookup, Mesh, Target};
use crate::model::{DestinationRule, TlsMode};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC931",
    slug: "large-client-hello",
    since: "0.1.0",
    severity: Info,
    upgrade: 32,
    explains: [upstream_connection_timeout, tls_handshake_failed],
    equivalent: &[],
    kinds: [DestinationRule],
    each: DestinationRule,
    message: "from Istio 1.32 on the proxy offers {host} post-quantum keys, in a ClientHello of two packets",
    message_zh: "从 Istio 1.32 起，代理会向 {host} 提供后量子密钥，ClientHello 变成两个包",
    confirm: &[
        Confirm {
            id: "openssl",
            steps: &[
                Command("openssl s_client -connect {host}:443 -servername {host} -groups X25519MLKEM768:X25519"),
                Note("A server or middlebox that cannot take it hangs or resets.", "不支持的服务器或中间设备会卡住或者 reset。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "curves",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# mesh configuration\ntlsDefaults:\n  ecdhCurves: [X25519, P-256]\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/version_history/v1.40/v1.40.0",
        "https://github.com/openssl/openssl/issues/27557",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, rule: DestinationRule<'a>, findings: &mut Findings<'a>) {
    let tls = rule.policies().flat_map(|policy| policy.tls().into_iter().chain(policy.ports().filter_map(|port| port.tls())));
    let Some(tls) = tls.into_iter().find(|tls| matches!(tls.mode(), Some(TlsMode::Simple | TlsMode::Mutual))) else {
        return;
    };
    let Some(host) = rule.host().and_then(|host| host.text()) else { return };
    let is_inside = match mesh.host(host, rule.0.namespace) {
        Lookup::Found(found) => found.iter().any(|target| matches!(target, Target::Service(_))),
        _ => host.ends_with(".svc.cluster.local") || !host.contains('.'),
    };
    if !is_inside {
        findings.add(Finding::new(&rule.0, tls.mode_node()).with("host", host).likely());
    }
}
