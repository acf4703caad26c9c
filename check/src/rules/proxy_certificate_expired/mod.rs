//! The dump of a proxy holds a certificate that had expired when the dump was taken.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::pem::Pem;
use x509_parser::time::ASN1Time;

use crate::document::Node;
use crate::finding::Findings;
use crate::mesh::Mesh;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC409",
    slug: "proxy-certificate-expired",
    since: "0.1.0",
    severity: Error,
    explains: [certificate_expired],
    equivalent: &[],
    kinds: [],
    message: "the certificate {name} expired at {end}, and the proxy still used it at {time}",
    message_zh: "证书 {name} 在 {end} 已过期，而代理在 {time} 还在用它",
    confirm: &[
        Confirm {
            id: "secret",
            steps: &[
                Command("istioctl proxy-config secret {pod}.{namespace}"),
                Note("VALID CERT is false, or NOT AFTER lies in the past.", "VALID CERT 为 false，或者 NOT AFTER 已经过去。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "renew",
            applicability: Review,
            steps: &[Note(
                "`default` is the workload's own certificate, which the agent renews at istiod before half of its time is over: look in the agent's log for what refuses that, then restart the pod. A `kubernetes://` certificate is the Secret behind a `credentialName`: renew that, and look at what should have done so (cert-manager).",
                "`default` 是工作负载自己的证书，agent 会在有效期过半之前向 istiod 续签：看 agent 日志里续签为什么失败，修好后重启 Pod。`kubernetes://` 开头的是 `credentialName` 指向的 Secret：先更新它，再查本该自动更新的组件（cert-manager）。",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/common-problems/security-issues/#keys-and-certificates-errors",
        "https://www.envoyproxy.io/docs/envoy/latest/api-v3/admin/v3/config_dump.proto#admin-v3-secretsconfigdump",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for dump in mesh.config_dumps() {
        // Today says nothing: an old dump holds certificates that were good when it was taken.
        let Some(time) = dump.last_updated() else { continue };
        for (name, chain) in dump.certificates() {
            let Some(end) = expiry(chain).filter(|end| end.as_str() < time) else { continue };
            findings.add(dump.finding(chain).with("name", name).with("end", end).with("time", time));
        }
    }
}

/// When the first certificate of a chain expires, as far as the seconds of RFC 3339.
fn expiry(chain: Node<'_>) -> Option<String> {
    let bytes = STANDARD.decode(chain.text()?).ok()?;
    let pem = Pem::iter_from_buffer(&bytes).next()?.ok()?;
    Some(seconds(pem.parse_x509().ok()?.validity().not_after))
}

fn seconds(time: ASN1Time) -> String {
    let time = time.to_datetime();
    let (date, month) = (time.date(), u8::from(time.month()));
    format!("{:04}-{month:02}-{:02}T{:02}:{:02}:{:02}", date.year(), date.day(), time.hour(), time.minute(), time.second())
}
