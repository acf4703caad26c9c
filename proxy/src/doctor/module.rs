//! Whether meshwhy's module is there: how it is attached, which bytes, and whether it runs.

use std::collections::BTreeSet;

use super::telemetry::managers;
use super::{Area, Examined, Proxy};
use crate::config::Filter;
use crate::proto_json::Object;
use crate::words::say;

const AREA: Area = Area::Module;
/// The hash in manifests that were rendered without a module.
const NO_MODULE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// How meshwhy is attached to a proxy.
#[derive(Debug, Default)]
struct Attachments {
    /// The module as access logger.
    observe: usize,
    /// The module as HTTP filter.
    annotate: usize,
    /// Envoy's own logger.
    native: usize,
    /// Connection managers that mark replies.
    marked: usize,
    hashes: BTreeSet<String>,
}

pub(super) fn examine(proxy: &Proxy<'_, '_>) -> Vec<Examined> {
    let lang = proxy.lang;
    let found = attachments(proxy);
    let all = managers(proxy).count();
    let kinds = [("observe", found.observe), ("annotate", found.annotate), ("native", found.native)];
    let kinds: Vec<&str> = kinds.into_iter().filter(|(_, count)| *count > 0).map(|(kind, _)| kind).collect();
    if kinds.is_empty() {
        let what = say!(lang, "meshwhy is not attached to this proxy", "此代理未启用 meshwhy");
        let action = say!(
            lang,
            "Apply a manifest of `envoyfilter/` where you want records; whether an EnvoyFilter selects the Pod is in its namespace and labels.",
            "需要诊断记录时请应用 `envoyfilter/` 中的清单；EnvoyFilter 是否选中该 Pod 取决于命名空间和标签。"
        );
        return vec![Examined::open(AREA, what, action)];
    }
    let kinds = kinds.join(", ");
    let marked = found.marked;
    let what = say!(
        lang,
        "attached as {kinds}; replies are marked in {marked} of {all} connection managers",
        "部署方式：{kinds}；{all} 个连接管理器中有 {marked} 个会标注应答"
    );
    let mut examined = vec![Examined::good(AREA, what)];
    examined.extend(found.hashes.iter().map(|hash| {
        let short = hash.get(..12).unwrap_or(hash);
        if hash == NO_MODULE {
            Examined::bad(
                AREA,
                say!(lang, "the manifest has no hash of a module", "清单中没有填写模块的哈希"),
                say!(
                    lang,
                    "Apply a manifest of a release, or build one: its sha256 names the module.",
                    "请应用发行版的清单，或自行构建：其中的 sha256 指定模块。"
                ),
            )
        } else {
            Examined::good(AREA, say!(lang, "module sha256 {short}…", "模块 sha256 {short}…"))
        }
    }));
    if found.observe + found.annotate > 0 {
        examined.extend(running(proxy));
    }
    examined
}

fn attachments(proxy: &Proxy<'_, '_>) -> Attachments {
    let mut found = Attachments::default();
    let mut logger = |logger: &Filter<'_>| {
        let text = logger.typed_config.map_or("", |config| config.0.get());
        if logger.is(".WasmAccessLog") && text.contains("meshwhy") {
            found.observe += 1;
            found.hashes.extend(hash(logger));
        } else if text.contains("\"meshwhy.record\"") {
            found.native += 1;
        }
    };
    for (_, listener) in &proxy.dump.listeners {
        listener.access_log.iter().for_each(&mut logger);
        listener
            .chains()
            .filter_map(|chain| chain.tcp_proxy()?.ok())
            .for_each(|proxy| proxy.access_log.iter().for_each(&mut logger));
    }
    for (_, manager) in managers(proxy) {
        manager.access_log.iter().for_each(&mut logger);
    }
    for (_, manager) in managers(proxy) {
        for filter in manager.http_filters.iter().filter(|filter| filter.is(".Wasm")) {
            if filter.typed_config.is_some_and(|config| config.0.get().contains("meshwhy")) {
                found.annotate += 1;
                found.hashes.extend(hash(filter));
            }
        }
        found.marked += usize::from(manager.local_reply_config.is_some_and(|config| config.0.get().contains("mw-cause=")));
    }
    found
}

/// The hash of the module that a logger or a filter fetches.
fn hash(filter: &Filter<'_>) -> Option<String> {
    let config: Object<'_> = filter.typed_config?.decode::<Object<'_>>().ok()?.read("config")?;
    let code: Object<'_> = config.read::<Object<'_>>("vm_config")?.read("code")?;
    let hash: crate::proto_json::Text<'_> = code.read::<Object<'_>>("remote")?.read("sha256")?;
    (!hash.is_empty()).then(|| hash.to_string())
}

/// Whether the module was fetched and loaded, by Envoy's own counters.
fn running(proxy: &Proxy<'_, '_>) -> Vec<Examined> {
    let lang = proxy.lang;
    let Some(stats) = &proxy.stats else {
        let what = say!(lang, "whether the module runs is not known", "模块是否在运行未知");
        return vec![Examined::open(
            AREA,
            what,
            say!(lang, "Give the proxy's `/stats` with --stats.", "请用 --stats 提供代理的 `/stats`。"),
        )];
    };
    let active: u64 = stats.between("wasm.", ".active").map(|(_, value)| value).sum();
    let failures = stats.get("wasm.remote_load_fetch_failures").unwrap_or_default();
    let reloads: u64 =
        stats.between("wasm.", ".vm_reload_success").filter(|(name, _)| name.contains("meshwhy")).map(|(_, value)| value).sum();
    let mut examined = vec![if active > 0 {
        Examined::good(AREA, say!(lang, "{active} VMs of Wasm are running", "有 {active} 个 Wasm VM 在运行"))
    } else {
        Examined::bad(
            AREA,
            say!(lang, "no VM of Wasm runs; {failures} fetches failed", "没有运行中的 Wasm VM；拉取失败 {failures} 次"),
            say!(
                lang,
                "Traffic flows, records are missing. Is `meshwhy-module` up, can the proxy reach it, and has its file the hash above?",
                "流量不受影响，但没有诊断记录。`meshwhy-module` 是否在运行、代理能否访问、文件哈希是否与上面一致？"
            ),
        )
    }];
    if reloads > 0 {
        let what = say!(lang, "the module was reloaded {reloads} times after a trap", "模块在陷入 trap 后重载了 {reloads} 次");
        examined.push(Examined::open(
            AREA,
            what,
            say!(
                lang,
                "Send the lines of Envoy's log with `wasm` to meshwhy.",
                "请把 Envoy 日志中含 `wasm` 的行反馈给 meshwhy。"
            ),
        ));
    }
    examined
}
