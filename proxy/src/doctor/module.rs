//! Whether meshwhy's module is there: how it is attached, which bytes, and whether it runs.

use std::collections::BTreeSet;

use super::telemetry::managers;
use super::{Area, Examined, Proxy};
use crate::ConfigDump;
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
    let found = attachments(proxy.dump);
    let all = managers(proxy.dump).count();
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
        examined.extend(running(proxy, !found.hashes.is_empty()));
    }
    examined
}

/// Whether the module stands in one of the proxy's listeners.
pub(super) fn is_attached(dump: &ConfigDump<'_>) -> bool {
    let found = attachments(dump);
    found.observe + found.annotate > 0
}

fn attachments(dump: &ConfigDump<'_>) -> Attachments {
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
    for (_, listener) in &dump.listeners {
        listener.access_log.iter().for_each(&mut logger);
        listener
            .chains()
            .filter_map(|chain| chain.tcp_proxy()?.ok())
            .for_each(|proxy| proxy.access_log.iter().for_each(&mut logger));
    }
    for (_, manager) in managers(dump) {
        manager.access_log.iter().for_each(&mut logger);
    }
    for (_, manager) in managers(dump) {
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

/// Whether the module was fetched and loaded, by Envoy's own counters. The gauge of running VMs counts those of all modules.
fn running(proxy: &Proxy<'_, '_>, is_fetched: bool) -> Vec<Examined> {
    let lang = proxy.lang;
    let Some(stats) = &proxy.stats else {
        let what = say!(lang, "whether the module runs is not known", "模块是否在运行未知");
        return vec![Examined::open(
            AREA,
            what,
            say!(lang, "Give the proxy's `/stats` with --stats.", "请用 --stats 提供代理的 `/stats`。"),
        )];
    };
    let mut active = stats.between("wasm.envoy.wasm.runtime.", ".active").map(|(_, value)| value).peekable();
    let active: Option<u64> = active.peek().is_some().then(|| active.sum());
    let failures = stats.get("wasm.remote_load_fetch_failures").unwrap_or_default();
    let fetched = ["wasm.remote_load_fetch_successes", "wasm.remote_load_cache_hits"].map(|name| stats.get(name));
    let is_missing = is_fetched && failures > 0 && fetched == [Some(0), Some(0)];
    let counts = stats.between("wasmcustom.", "").any(|(name, value)| name.contains("meshwhy_") && value > 0);
    let others: Vec<String> = other_modules(proxy).into_iter().take(5).collect();
    let others = others.join(", ");
    let look = say!(
        lang,
        "Traffic flows, records are missing. Is `meshwhy-module` up, can the proxy reach it, and has its file the hash above?",
        "流量不受影响，但没有诊断记录。`meshwhy-module` 是否在运行、代理能否访问、文件哈希是否与上面一致？"
    );
    let mut examined = vec![match active {
        _ if is_missing => Examined::bad(
            AREA,
            say!(
                lang,
                "no module was fetched, meshwhy's neither; {failures} fetches failed",
                "没有拉取到任何模块，meshwhy 的也没有；拉取失败 {failures} 次"
            ),
            look,
        ),
        Some(0) => Examined::bad(
            AREA,
            say!(lang, "no VM of Wasm runs; {failures} fetches failed", "没有运行中的 Wasm VM；拉取失败 {failures} 次"),
            look,
        ),
        _ if counts && failures == 0 => Examined::good(AREA, say!(lang, "the module has counted failures", "模块已产生计数")),
        Some(active) if others.is_empty() && failures == 0 => Examined::good(
            AREA,
            say!(
                lang,
                "VMs of Wasm running: {active}; no other module is configured",
                "运行中的 Wasm VM：{active} 个；没有配置其他模块"
            ),
        ),
        _ if failures > 0 => Examined::open(
            AREA,
            say!(
                lang,
                "{failures} fetches of modules failed: a listener that was made then has no module until its next update",
                "模块拉取失败 {failures} 次：当时创建的监听器在下次更新前没有模块"
            ),
            look,
        ),
        Some(active) => Examined::open(
            AREA,
            say!(
                lang,
                "VMs of Wasm running: {active}; whether one is meshwhy's is not known: there is {others}, too",
                "运行中的 Wasm VM：{active} 个；其中是否有 meshwhy 的未知：还配置了 {others}"
            ),
            say!(
                lang,
                "Provoke a failure, such as a request for a path without a route: a line `meshwhy1` in the proxy's log shows that the module runs.",
                "请制造一次失败，例如请求没有路由的路径：代理日志中出现 `meshwhy1` 行即说明模块在运行。"
            ),
        ),
        None => Examined::open(
            AREA,
            say!(
                lang,
                "whether the module runs is not known: `/stats` has no `wasm.` counters",
                "模块是否在运行未知：`/stats` 中没有 `wasm.` 计数器"
            ),
            say!(
                lang,
                "Take all of `/stats`, without a filter; where `proxyStatsMatcher` leaves `wasm` out, include it.",
                "请获取完整的 `/stats`，不加过滤；若 `proxyStatsMatcher` 排除了 `wasm`，请将其包含。"
            ),
        ),
    }];
    let reloads: u64 =
        stats.between("wasm.", ".vm_reload_success").filter(|(name, _)| name.contains("meshwhy")).map(|(_, value)| value).sum();
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

/// What may run other modules, by name; a filter that is delivered by discovery may be one of them.
fn other_modules(proxy: &Proxy<'_, '_>) -> BTreeSet<String> {
    let is_other = |filter: &Filter<'_>| match filter.typed_config {
        Some(config) => config.type_name().contains(".wasm.") && !config.0.get().contains("meshwhy"),
        None => filter.config_discovery.is_some(),
    };
    let mut names = BTreeSet::new();
    let mut add = |filters: &[Filter<'_>]| {
        names.extend(filters.iter().filter(|filter| is_other(filter)).map(|filter| filter.name.to_string()));
    };
    for (_, listener) in &proxy.dump.listeners {
        add(&listener.listener_filters);
        add(&listener.access_log);
        listener.chains().for_each(|chain| add(&chain.filters));
    }
    for (_, manager) in managers(proxy.dump) {
        add(&manager.http_filters);
        add(&manager.access_log);
    }
    proxy.dump.bootstrap.iter().for_each(|bootstrap| add(&bootstrap.bootstrap_extensions));
    names
}
