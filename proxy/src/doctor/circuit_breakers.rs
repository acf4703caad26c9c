//! Limits of connections and requests: which are reached, or were.
//!
//! Source: Envoy "Cluster manager statistics" page, 1.40.

use super::{Area, Examined, Proxy};
use crate::words::say;

const AREA: Area = Area::Connections;
/// Most clusters that are named for one reason.
const MOST: usize = 10;
/// The limit, how much of it is used, and how often it was reached.
const LIMITS: [(&str, Option<&str>, &str); 4] = [
    ("max_pending_requests", Some(".upstream_rq_pending_active"), ".upstream_rq_pending_overflow"),
    ("max_retries", None, ".upstream_rq_retry_overflow"),
    ("max_connections", Some(".upstream_cx_active"), ".upstream_cx_overflow"),
    ("max_requests", Some(".upstream_rq_active"), ""),
];

pub(super) fn examine(proxy: &Proxy<'_, '_>) -> Vec<Examined> {
    let mut examined = open(proxy);
    examined.extend(reached(proxy));
    examined
}

/// Circuit breakers that are open.
fn open(proxy: &Proxy<'_, '_>) -> Vec<Examined> {
    let lang = proxy.lang;
    let Some(stats) = &proxy.stats else { return Vec::new() };
    let open = ["cx_open", "cx_pool_open", "rq_pending_open", "rq_open", "rq_retry_open"].into_iter().flat_map(|gauge| {
        let suffixes = [".circuit_breakers.default.", ".circuit_breakers.high."].map(|part| format!("{part}{gauge}"));
        let of = |suffix: &String| {
            stats.between("cluster.", suffix).filter(|(_, value)| *value > 0).map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
        };
        suffixes.iter().flat_map(of).map(|name| (name, gauge)).collect::<Vec<_>>()
    });
    let report = |(name, gauge): (String, &str)| {
        Examined::bad(
            AREA,
            say!(lang, "{name}: a circuit breaker is open ({gauge})", "{name}：熔断器已打开（{gauge}）"),
            say!(
                lang,
                "Requests beyond the limit get 503 UO: raise the limits of the DestinationRule's connectionPool, or add endpoints.",
                "超出上限的请求会得到 503 UO：请调高 DestinationRule 的 connectionPool 上限，或增加端点。"
            ),
        )
    };
    open.take(MOST).map(report).collect()
}

/// Limits that were reached since the proxy started, the most often reached first, and those of which four fifths are used.
fn reached(proxy: &Proxy<'_, '_>) -> Vec<Examined> {
    let lang = proxy.lang;
    let Some(stats) = &proxy.stats else { return Vec::new() };
    let limit_of = |cluster: &str, limit: &str| {
        let limits = &proxy.clusters.as_ref()?.clusters.get(cluster)?.limits;
        limits.iter().find(|it| it.priority == "default" && it.name == limit).map(|it| it.value)
    };
    let (mut reached, mut near) = (Vec::new(), Vec::new());
    for (limit, active, overflow) in LIMITS {
        let counted = (!overflow.is_empty()).then(|| stats.between("cluster.", overflow)).into_iter().flatten();
        reached.extend(counted.filter(|(_, times)| *times > 0).map(|(name, times)| (times, name.trim_end_matches(';'), limit)));
        let used = active.map(|active| stats.between("cluster.", active)).into_iter().flatten();
        near.extend(used.filter_map(|(name, used)| {
            let name = name.trim_end_matches(';');
            let most = limit_of(name, limit)?;
            (used > 0 && used.saturating_mul(5) >= most.saturating_mul(4)).then_some((name, used, most, limit))
        }));
    }
    reached.sort_by(|one, other| other.cmp(one));
    let action = |limit: &str| {
        let field = match limit {
            "max_pending_requests" => "http1MaxPendingRequests",
            "max_retries" => "maxRetries",
            "max_connections" => "maxConnections",
            _ => "http2MaxRequests",
        };
        say!(
            lang,
            "Raise `{field}` in the connectionPool of the DestinationRule, or add endpoints; is the application slower than usual?",
            "请调高 DestinationRule 的 connectionPool 中的 `{field}`，或增加端点；应用是否比平时慢？"
        )
    };
    let mut examined: Vec<Examined> = reached
        .into_iter()
        .take(MOST)
        .map(|(times, name, limit)| {
            let most = limit_of(name, limit).map(|most| format!(" ({most})")).unwrap_or_default();
            let what = say!(
                lang,
                "{name}: the limit {limit}{most} was reached {times} times since the proxy started",
                "{name}：自代理启动以来，上限 {limit}{most} 被触及 {times} 次"
            );
            Examined::open(AREA, what, action(limit))
        })
        .collect();
    examined.extend(near.into_iter().take(MOST).map(|(name, used, most, limit)| {
        let what = say!(lang, "{name}: {used} of {most} used ({limit})", "{name}：已用 {used}，上限 {most}（{limit}）");
        Examined::open(AREA, what, action(limit))
    }));
    examined
}
