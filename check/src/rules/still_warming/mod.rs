//! The dump of a proxy holds something that it still waits for.

use crate::finding::Findings;
use crate::mesh::Mesh;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC777",
    slug: "still-warming",
    since: "0.1.0",
    severity: Warning,
    explains: [tls_secret_missing, no_cluster],
    equivalent: &[],
    kinds: [],
    message: "the proxy waits for the {kind} {name}, and what needs it is not served until it comes",
    message_zh: "代理还在等 {kind} {name}，它到之前，依赖它的部分都不提供服务",
    confirm: &[
        Confirm {
            id: "again",
            steps: &[
                Command("istioctl proxy-config secret {pod}.{namespace}"),
                Command("istioctl proxy-config listeners {pod}.{namespace}"),
                Note(
                    "WARMING a minute later means that nobody sends it. A dump from the first seconds of a proxy shows it as well.",
                    "一分钟后还是 WARMING，说明没有人下发它。代理刚启动的几秒里 dump 也会是这样。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "supply",
            applicability: Review,
            steps: &[Note(
                "A secret: create it under the name that `credentialName` has, in the namespace of the gateway's pods, and let the gateway's service account read it. `default` and `ROOTCA` come from istiod: look whether the proxy reaches it. A cluster: istiod sends its endpoints; a cluster that Envoy refused waits for ever, and its log says why.",
                "secret：按 `credentialName` 的名字创建，放在 gateway Pod 所在的 namespace，并让 gateway 的 service account 有权读取。`default` 和 `ROOTCA` 由 istiod 签发：看代理能不能连上 istiod。cluster：endpoint 由 istiod 下发；被 Envoy 拒绝的 cluster 会一直等下去，原因在代理日志里。",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/api-v3/admin/v3/config_dump_shared.proto",
        "https://istio.io/latest/docs/ops/common-problems/security-issues/",
        "measured with Envoy 1.40: a listener whose secret nobody sends, a cluster that was refused",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for dump in mesh.config_dumps() {
        for warming in dump.warming() {
            let name = warming.name.text().unwrap_or_default();
            findings.add(dump.finding(warming.name).with("kind", warming.kind.as_str()).with("name", name).likely());
        }
    }
}
