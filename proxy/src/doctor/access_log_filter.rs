//! Which failures the filters of access logs hide.
//!
//! Source: Envoy `api/envoy/config/accesslog/v3/accesslog.proto`, 1.40.

use meshwhy_core::Lang;
use serde_json::value::RawValue;

use super::{Area, Examined};
use crate::config::Filter;
use crate::matching::Truth;
use crate::proto_json::{Any, Integer, Object, Text, read};
use crate::words::say;

/// A kind of failure.
#[derive(Debug, Clone, Copy)]
struct Failure {
    /// Its statuses, from and to.
    statuses: (i128, i128),
    /// Whether Envoy gives it a response flag.
    is_flagged: bool,
}

/// The kinds of failures; 0 is a request that got no status.
const FAILURES: [Failure; 5] = [
    Failure { statuses: (0, 0), is_flagged: true },
    Failure { statuses: (400, 499), is_flagged: true },
    Failure { statuses: (500, 599), is_flagged: true },
    Failure { statuses: (500, 599), is_flagged: false },
    Failure { statuses: (400, 499), is_flagged: false },
];

/// What the filters of one connection manager's loggers hide, all of which have one.
pub(super) fn examine(name: &str, loggers: &[&Filter<'_>], lang: Lang) -> Examined {
    let area = Area::Telemetry;
    let filters: Vec<Object<'_>> = loggers.iter().filter_map(|logger| logger.filter?.decode().ok()).collect();
    let passes = |failure: Failure| (failure, Truth::any(filters.iter().map(|filter| passes(filter, failure))));
    let judged = FAILURES.map(passes);
    let of = |wanted: Truth| {
        let kinds = judged.iter().filter(|(_, truth)| *truth == wanted).map(|(failure, _)| shown(*failure, lang));
        kinds.collect::<Vec<_>>().join(", ")
    };
    let (hidden, open) = (of(Truth::No), of(Truth::Unknown));
    let action = say!(
        lang,
        "What the filter does not let through leaves no line: let status >= 400 and every response flag pass, joined by `or_filter`.",
        "过滤器不放行的请求不会留下日志：请用 `or_filter` 同时放行状态码 >= 400 和所有带响应标志的请求。"
    );
    if !hidden.is_empty() {
        let what = say!(lang, "the access log of {name} hides failures: {hidden}", "{name} 的访问日志隐藏了失败：{hidden}");
        // Some leave out only what the application itself answers.
        let is_wrong =
            judged.iter().any(|(failure, truth)| *truth == Truth::No && (failure.is_flagged || failure.statuses.0 == 500));
        return if is_wrong { Examined::bad(area, what, action) } else { Examined::open(area, what, action) };
    }
    if !open.is_empty() {
        let texts = filters.iter().flat_map(undecided).collect::<Vec<_>>().join("; ");
        let what = say!(
            lang,
            "whether the access log of {name} hides failures is not known ({open}): {texts}",
            "{name} 的访问日志是否隐藏失败未知（{open}）：{texts}"
        );
        return Examined::open(area, what, action);
    }
    Examined::good(
        area,
        say!(lang, "the filter of {name}'s access log lets failures pass", "{name} 的访问日志过滤器放行所有失败"),
    )
}

fn shown(failure: Failure, lang: Lang) -> String {
    match (failure.statuses.0, failure.is_flagged) {
        (0, _) => say!(lang, "no status (0)", "没有状态码（0）"),
        (400, true) => say!(lang, "4xx with a response flag", "带响应标志的 4xx"),
        (400, false) => say!(lang, "4xx without one", "不带响应标志的 4xx"),
        (_, true) => say!(lang, "5xx with a response flag", "带响应标志的 5xx"),
        (_, false) => say!(lang, "5xx without one", "不带响应标志的 5xx"),
    }
}

/// Whether a filter lets failures of a kind pass; one of its fields is set.
fn passes(filter: &Object<'_>, failure: Failure) -> Truth {
    let Some((field, value)) = filter.fields().next() else { return Truth::Unknown };
    let several = || read::<Object<'_>>(value)?.read::<Vec<Object<'_>>>("filters");
    match field {
        "or_filter" => several().map_or(Truth::Unknown, |all| Truth::any(all.iter().map(|one| passes(one, failure)))),
        "and_filter" => several().map_or(Truth::Unknown, |all| Truth::all(all.iter().map(|one| passes(one, failure)))),
        "status_code_filter" => by_status(value, failure).unwrap_or(Truth::Unknown),
        "response_flag_filter" if !failure.is_flagged => Truth::No,
        "response_flag_filter" => {
            let flags: Vec<Text<'_>> = read::<Object<'_>>(value).and_then(|it| it.read("flags")).unwrap_or_default();
            if flags.is_empty() { Truth::Yes } else { Truth::Unknown }
        }
        "not_health_check_filter" => Truth::Yes,
        _ => Truth::Unknown,
    }
}

fn by_status(value: &RawValue, failure: Failure) -> Option<Truth> {
    let comparison: Object<'_> = read::<Object<'_>>(value)?.read("comparison")?;
    let limit = comparison.read::<Object<'_>>("value")?.read::<Integer>("default_value").unwrap_or_default().0;
    let (first, last) = failure.statuses;
    let (all, some) = match comparison.read::<Text<'_>>("op").as_deref() {
        Some("GE") => (first >= limit, last >= limit),
        Some("LE") => (last <= limit, first <= limit),
        Some("NE") => (!(first..=last).contains(&limit), first != last || first != limit),
        None | Some("EQ") => (first == limit && last == limit, (first..=last).contains(&limit)),
        Some(_) => return None,
    };
    Some(match (all, some) {
        (true, _) => Truth::Yes,
        (_, true) => Truth::Unknown,
        _ => Truth::No,
    })
}

/// The parts that are not judged, in Envoy's words; of an expression its text.
fn undecided(filter: &Object<'_>) -> Vec<String> {
    let Some((field, value)) = filter.fields().next() else { return Vec::new() };
    let Some(message) = read::<Object<'_>>(value) else { return vec![field.to_owned()] };
    if let Some(all) = message.read::<Vec<Object<'_>>>("filters") {
        return all.iter().flat_map(undecided).collect();
    }
    let config: Option<Object<'_>> = message.read::<Any<'_>>("typed_config").and_then(|config| config.decode().ok());
    match config.and_then(|config| config.read::<Text<'_>>("expression")) {
        Some(expression) => vec![format!("`{}`", &*expression)],
        None => vec![field.to_owned()],
    }
}
