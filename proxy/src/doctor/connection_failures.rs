//! Connections that failed, by cluster and reason.
//!
//! Source: Envoy "Cluster manager statistics" page, 1.40.

use std::collections::BTreeMap;

use super::{Area, Examined, Proxy};
use crate::words::say;

const AREA: Area = Area::Connections;
/// Most clusters that are named.
const MOST: usize = 10;
/// Counters of failures; those of TLS and time are more exact than that of all.
const REASONS: [&str; 7] = [
    "ssl.fail_verify_san",
    "ssl.fail_verify_error",
    "ssl.fail_verify_no_cert",
    "ssl.fail_verify_cert_hash",
    "ssl.connection_error",
    "upstream_cx_connect_timeout",
    "upstream_cx_connect_fail",
];

/// The clusters with most failures.
pub(super) fn examine(proxy: &Proxy<'_, '_>) -> Vec<Examined> {
    let lang = proxy.lang;
    let Some(stats) = &proxy.stats else { return Vec::new() };
    let mut clusters: BTreeMap<&str, Vec<(&str, u64)>> = BTreeMap::new();
    let suffixes = REASONS.map(|reason| format!(".{reason}"));
    for (reason, suffix) in REASONS.iter().zip(&suffixes) {
        for (name, count) in stats.between("cluster.", suffix).filter(|(_, count)| *count > 0) {
            clusters.entry(name).or_default().push((reason, count));
        }
    }
    // Where only connections failed, the lines of `/clusters` name the endpoints.
    if proxy.clusters.is_some() {
        clusters.retain(|_, reasons| reasons.iter().any(|(reason, _)| *reason != "upstream_cx_connect_fail"));
    }
    // A handshake that fails is counted as a failed connection, too.
    let most = |reasons: &[(&str, u64)]| reasons.iter().map(|(_, count)| *count).max().unwrap_or_default();
    let mut clusters: Vec<_> = clusters.into_iter().collect();
    clusters.sort_by_key(|(_, reasons)| std::cmp::Reverse(most(reasons)));
    let line = |(name, reasons): (&str, Vec<(&str, u64)>)| {
        let total = stats.get(&format!("cluster.{name}.upstream_cx_total")).unwrap_or_default();
        let shown: Vec<String> = reasons.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        let (shown, failed) = (shown.join(", "), most(&reasons));
        let name = name.trim_end_matches(';');
        let what = say!(
            lang,
            "{name}: connections failed since the proxy started: {shown}; of {total}",
            "{name}：自代理启动以来的连接失败：{shown}；共 {total} 个连接"
        );
        let action = say!(
            lang,
            "ssl.fail_verify_san: the certificate is for another identity (subjectAltNames, service account). Other ssl.*: another CA, or the server speaks no TLS: compare `tls.mode` with the server's PeerAuthentication. upstream_cx_connect_timeout: a NetworkPolicy or a dead node swallows packets. upstream_cx_connect_fail: nobody listens on the port.",
            "ssl.fail_verify_san：证书属于其他身份（subjectAltNames、服务账号）。其他 ssl.*：CA 不同，或服务端未使用 TLS：请核对 `tls.mode` 与服务端的 PeerAuthentication。upstream_cx_connect_timeout：NetworkPolicy 或故障节点丢弃了报文。upstream_cx_connect_fail：端口无人监听。"
        );
        if failed >= total && total > 0 { Examined::bad(AREA, what, action) } else { Examined::open(AREA, what, action) }
    };
    clusters.into_iter().take(MOST).map(line).collect()
}
