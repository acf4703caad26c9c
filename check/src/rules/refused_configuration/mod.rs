//! The dump of a proxy holds an update that Envoy refused.

use crate::finding::Findings;
use crate::mesh::Mesh;
use crate::model::RefusedUpdate;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC775",
    slug: "refused-configuration",
    since: "0.1.0",
    severity: Error,
    explains: [config_rejected],
    equivalent: &[],
    kinds: [],
    message: "Envoy refused {name} and works without this update: {reason}",
    message_zh: "Envoy 拒绝了 {name}，这次更新没有生效：{reason}",
    confirm: &[
        Confirm {
            id: "states",
            steps: &[
                Command("istioctl proxy-status"),
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- pilot-agent request GET 'config_dump?mask=dynamic_listeners.error_state'"),
                Note(
                    "proxy-status says STALE or that an update was rejected; the dump still has the error state, with a newer time of the last attempt.",
                    "proxy-status 显示 STALE 或更新被拒绝；dump 里还有 error_state，而且最近一次尝试的时间是新的。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "repair",
            applicability: Review,
            steps: &[Note(
                "Take back the last change of an EnvoyFilter, Sidecar, ServiceEntry or Gateway that this listener, cluster or route table is made from, then repair what the text names: an address that is used twice, an `@type` that this Envoy does not have, a value out of range.",
                "先撤回最近改动的 EnvoyFilter、Sidecar、ServiceEntry 或 Gateway（即生成这个 listener、cluster 或路由表的资源），再按报错修正：重复的地址、这个版本的 Envoy 没有的 `@type`、超出范围的取值。",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/api-v3/admin/v3/config_dump_shared.proto#envoy-v3-api-msg-admin-v3-updatefailurestate",
        "measured with Envoy 1.40: a listener with an address that is taken",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for dump in mesh.config_dumps() {
        for RefusedUpdate { name, details } in dump.refused() {
            let reason = details.text().unwrap_or_default();
            findings.add(dump.finding(details).with("name", name).with("reason", reason));
        }
    }
}
