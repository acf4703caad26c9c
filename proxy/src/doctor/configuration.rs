//! What the control plane delivered: refused, waiting, unreadable.

use super::{Area, Examined, Proxy};
use crate::admin::State;
use crate::proto_json::{Object, Text};
use crate::words::say;

const AREA: Area = Area::Configuration;

pub(super) fn examine(proxy: &Proxy<'_, '_>) -> Vec<Examined> {
    let (lang, dump) = (proxy.lang, proxy.dump);
    let mut examined = Vec::new();
    for fault in &dump.faults {
        let (part, error) = (&fault.part, &fault.error);
        examined.push(Examined::open(
            AREA,
            say!(lang, "{part} of the dump cannot be read: {error}", "无法读取转储中的 {part}：{error}"),
            say!(lang, "Take the dump again, whole and unchanged.", "请重新导出完整、未经修改的转储。"),
        ));
    }
    for (name, state) in &dump.refused {
        let (name, details) = (&**name, &*state.details);
        examined.push(Examined::bad(
            AREA,
            say!(lang, "Envoy refused `{name}`: {details}", "Envoy 拒绝了 `{name}`：{details}"),
            say!(
                lang,
                "The proxy goes on with what it had before. Correct the resource (an EnvoyFilter above all) that the message is about; istiod says the same in `pilot_total_xds_rejects`.",
                "代理仍使用之前的配置。请修正报错所指的资源（多为 EnvoyFilter）；istiod 的 `pilot_total_xds_rejects` 也会计数。"
            ),
        ));
    }
    if dump.refused.is_empty() && dump.has.listeners && dump.has.clusters {
        examined.push(Examined::good(AREA, say!(lang, "no refused configuration", "没有被拒绝的配置")));
    }
    examined.extend(warming(proxy));
    examined.extend(state(proxy));
    examined
}

/// What waits, of the first kind that there is: a cluster waits for its secrets, a listener for both.
fn warming(proxy: &Proxy<'_, '_>) -> Vec<Examined> {
    let (lang, dump) = (proxy.lang, proxy.dump);
    let waiting = |list: &[crate::admin::config_dump::Resource<'_>]| -> Vec<String> {
        let refused = |name: &str| dump.refused.iter().any(|(known, _)| &**known == name);
        let names = list.iter().filter(|it| it.state == State::Warming && !refused(&it.name)).map(|it| it.name.to_string());
        names.collect()
    };
    let listeners = dump.listeners.iter().filter(|(state, _)| *state == State::Warming).map(|(_, it)| it.name.to_string());
    let kinds = [waiting(&dump.secrets), waiting(&dump.clusters), listeners.collect()];
    let actions = [
        say!(
            lang,
            "The certificate has not come: look in the agent's log for what istiod answers, and whether the Secret of a `credentialName` is in the gateway's namespace.",
            "证书尚未下发：请查看 agent 日志中 istiod 的回应，并确认 `credentialName` 指向的 Secret 位于网关所在的命名空间。"
        ),
        say!(
            lang,
            "The cluster waits for endpoints, DNS or a secret; requests to it fail until then. `istioctl proxy-status` shows whether EDS is in sync.",
            "集群在等待端点、DNS 或证书；在此之前发往它的请求会失败。`istioctl proxy-status` 可查看 EDS 是否同步。"
        ),
        say!(lang, "The listener waits for its route table or a secret.", "监听器在等待路由表或证书。"),
    ];
    let first = kinds.into_iter().zip(actions).find(|(names, _)| !names.is_empty());
    match first {
        Some((names, action)) => {
            let names = names.join(", ");
            vec![Examined::bad(AREA, say!(lang, "still warming: {names}", "仍在预热（warming）：{names}"), action)]
        }
        None if dump.has.listeners && dump.has.clusters => {
            vec![Examined::good(AREA, say!(lang, "nothing is warming", "没有处于预热状态的资源"))]
        }
        None => Vec::new(),
    }
}

fn state(proxy: &Proxy<'_, '_>) -> Option<Examined> {
    let lang = proxy.lang;
    if let Some(info) = proxy.data.server_info {
        let info: Object<'_> = serde_json::from_slice(info).ok()?;
        let state = info.read::<Text<'_>>("state")?.to_string();
        return Some(match &*state {
            "LIVE" => Examined::good(AREA, say!(lang, "the proxy is live", "代理处于 LIVE 状态")),
            _ => Examined::bad(
                AREA,
                say!(lang, "the proxy is {state}, not LIVE", "代理处于 {state}，而不是 LIVE"),
                say!(
                    lang,
                    "INITIALIZING waits for configuration: is istiod reachable? DRAINING is on its way out.",
                    "INITIALIZING 表示在等待配置：istiod 是否可达？DRAINING 表示正在退出。"
                ),
            ),
        });
    }
    let connected = proxy.stats.as_ref()?.get("control_plane.connected_state")?;
    Some(match connected {
        0 => Examined::bad(
            AREA,
            say!(lang, "no connection to the control plane", "与控制面没有连接"),
            say!(
                lang,
                "The proxy goes on with what it had. Look at istiod's Pods and Service, at NetworkPolicies to port 15012, and in the agent's log.",
                "代理继续使用已有的配置。请检查 istiod 的 Pod 与 Service、到 15012 端口的 NetworkPolicy，以及 agent 日志。"
            ),
        ),
        _ => Examined::good(AREA, say!(lang, "connected to the control plane", "与控制面的连接正常")),
    })
}
