//! Whether failures leave a line and a trace.

use std::collections::BTreeSet;

use super::{Area, Examined, Proxy, access_log_filter};
use crate::ConfigDump;
use crate::config::{Filter, HttpConnectionManager};
use crate::proto_json::{Object, Text};
use crate::words::say;

const AREA: Area = Area::Telemetry;
/// Most listeners that are named.
const MOST: usize = 10;

/// The connection managers of all listeners, each with the name of its listener.
pub(super) fn managers<'p, 'a>(dump: &'p ConfigDump<'a>) -> impl Iterator<Item = (&'p str, HttpConnectionManager<'a>)> {
    let listeners = dump.listeners.iter().map(|(_, listener)| listener);
    listeners.flat_map(|listener| {
        let managers = listener.chains().filter_map(|chain| chain.connection_manager()?.ok());
        managers.map(|manager| (&*listener.name, manager))
    })
}

pub(super) fn examine(proxy: &Proxy<'_, '_>) -> Vec<Examined> {
    if managers(proxy.dump).next().is_none() {
        return Vec::new();
    }
    let mut examined = access_logs(proxy);
    examined.extend(tracing(proxy));
    examined
}

fn is_ours(logger: &Filter<'_>) -> bool {
    logger.typed_config.is_some_and(|config| config.0.get().contains("meshwhy"))
}

fn access_logs(proxy: &Proxy<'_, '_>) -> Vec<Examined> {
    let lang = proxy.lang;
    let (mut silent, mut filtered, mut all) = (BTreeSet::new(), Vec::<Examined>::new(), 0_usize);
    let mut examined = Vec::new();
    for (name, manager) in managers(proxy.dump) {
        all += 1;
        let loggers: Vec<&Filter<'_>> = manager.access_log.iter().filter(|logger| !is_ours(logger)).collect();
        // What Envoy itself writes of failures for meshwhy is a log; a module that may not be there is none.
        if manager.access_log.iter().all(|logger| logger.is(".WasmAccessLog")) {
            silent.insert(name.to_owned());
        } else if !loggers.is_empty() && loggers.iter().all(|logger| logger.filter.is_some()) {
            let judged = access_log_filter::examine(name, &loggers, lang);
            if !filtered.contains(&judged) {
                filtered.push(judged);
            }
        }
    }
    if !silent.is_empty() {
        let names: Vec<String> = silent.into_iter().take(MOST).collect();
        let names = names.join(", ");
        let action = say!(
            lang,
            "Failures leave no line there: set `accessLogFile` in the mesh configuration, or a Telemetry resource with accessLogging.",
            "那里的失败不会留下日志：请在网格配置中设置 `accessLogFile`，或使用带 accessLogging 的 Telemetry 资源。"
        );
        examined.push(Examined::bad(AREA, say!(lang, "no access log in {names}", "{names} 没有访问日志"), action));
    }
    filtered.sort_by_key(|one| one.good);
    examined.extend(filtered.into_iter().take(MOST));
    if !examined.is_empty() {
        return examined;
    }
    vec![Examined::good(
        AREA,
        say!(
            lang,
            "each of {all} connection managers has an access log that no failure is kept from",
            "{all} 个连接管理器都有访问日志，失败不会被过滤掉"
        ),
    )]
}

fn tracing(proxy: &Proxy<'_, '_>) -> Vec<Examined> {
    let lang = proxy.lang;
    let (mut providers, mut shares) = (BTreeSet::new(), BTreeSet::new());
    for (_, manager) in managers(proxy.dump) {
        let Some(tracing) = manager.tracing.and_then(|tracing| tracing.decode::<Object<'_>>().ok()) else { continue };
        let provider = tracing.read::<Object<'_>>("provider").and_then(|provider| provider.read::<Text<'_>>("name"));
        providers.extend(provider.map(|name| name.to_string()));
        let share = tracing.read::<Object<'_>>("random_sampling").and_then(|share| share.read::<f64>("value"));
        shares.insert(share.unwrap_or(100.0).to_string());
    }
    let bootstrap = proxy.dump.bootstrap.as_ref().and_then(|bootstrap| bootstrap.tracing);
    let bootstrap =
        bootstrap.and_then(|tracing| tracing.decode::<Object<'_>>().ok()?.read::<Object<'_>>("http")?.read::<Text<'_>>("name"));
    providers.extend(bootstrap.map(|name| name.to_string()));
    if providers.is_empty() {
        let what = say!(lang, "no tracing provider is configured: no spans are sent", "没有配置追踪提供方：不会发送 span");
        let action = say!(
            lang,
            "Where traces are wanted: an extensionProvider in the mesh configuration and a Telemetry resource that names it.",
            "需要追踪时：请在网格配置中定义 extensionProvider，并用 Telemetry 资源引用它。"
        );
        return vec![Examined::open(AREA, what, action)];
    }
    let formats: BTreeSet<&str> = providers.iter().map(|name| format_of(name)).collect();
    let names = providers.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let (shares, context) =
        (shares.into_iter().collect::<Vec<_>>().join(", "), formats.iter().copied().collect::<Vec<_>>().join(", "));
    let what = say!(
        lang,
        "traces go to {names}, {shares} % of new ones, with {context} as context",
        "追踪发送到 {names}，采样率 {shares}%，上下文格式为 {context}"
    );
    if formats.len() > 1 {
        let action = say!(
            lang,
            "Listeners of one proxy use different headers for the context: traces break between them. Use one provider.",
            "同一代理的监听器使用了不同的上下文请求头：链路会在其间断开。请统一提供方。"
        );
        return vec![Examined::bad(AREA, what, action)];
    }
    vec![Examined::good(AREA, what)]
}

/// The headers by which a tracer hands its context on.
fn format_of(provider: &str) -> &'static str {
    match provider {
        "envoy.tracers.zipkin" => "B3",
        "envoy.tracers.opentelemetry" => "W3C traceparent",
        "envoy.tracers.datadog" => "x-datadog",
        "envoy.tracers.skywalking" => "sw8",
        _ => "?",
    }
}
