//! Connections to others: who cannot be reached, who is left alone, which limits are reached.

use super::{Area, Examined, Proxy};
use crate::admin::Host;
use crate::words::say;

const AREA: Area = Area::Connections;
/// Most clusters that are named for one reason.
const MOST: usize = 10;

pub(super) fn examine(proxy: &Proxy<'_, '_>) -> Vec<Examined> {
    let lang = proxy.lang;
    let mut examined = Vec::new();
    let failures = super::connection_failures::examine(proxy);
    if let Some(clusters) = &proxy.clusters {
        for fault in &clusters.faults {
            let error = &fault.error;
            let what = say!(lang, "`/clusters` cannot be read: {error}", "无法读取 `/clusters`：{error}");
            examined.push(Examined::open(AREA, what, say!(lang, "Take it again.", "请重新获取。")));
        }
        let mut found: Vec<Examined> =
            clusters.clusters.iter().flat_map(|(name, status)| cluster(proxy, name, &status.hosts)).collect();
        if found.is_empty() && failures.is_empty() && !clusters.clusters.is_empty() {
            let what = say!(lang, "every endpoint can be connected to and is used", "所有端点均可连接且在使用中");
            examined.push(Examined::good(AREA, what));
        }
        found.sort_by_key(|one| one.good);
        examined.extend(found.into_iter().take(MOST));
    } else {
        examined.push(Examined::open(
            AREA,
            say!(lang, "how endpoints are is not known", "端点状态未知"),
            say!(lang, "Give the proxy's `/clusters` with --clusters.", "请用 --clusters 提供代理的 `/clusters`。"),
        ));
    }
    examined.extend(failures);
    examined.extend(super::circuit_breakers::examine(proxy));
    examined
}

fn cluster(proxy: &Proxy<'_, '_>, name: &str, hosts: &[Host]) -> Vec<Examined> {
    let lang = proxy.lang;
    let mut examined = Vec::new();
    let unusable: Vec<&Host> = hosts.iter().filter(|host| !host.is_usable()).collect();
    if !unusable.is_empty() {
        let (count, all) = (unusable.len(), hosts.len());
        let mut why: Vec<&str> = unusable.iter().flat_map(|host| &host.unhealthy).map(String::as_str).collect();
        why.sort_unstable();
        why.dedup();
        let why = why.join(", ");
        let what = say!(
            lang,
            "{name}: {count} of {all} endpoints left alone ({why})",
            "{name}：{all} 个端点中有 {count} 个被摘除（{why}）"
        );
        let action = say!(
            lang,
            "failed_outlier_check: too many errors in a row, it comes back by itself; look at that Pod. failed_active_hc: its health check fails. failed_eds_health: Kubernetes says it is not ready.",
            "failed_outlier_check：连续出错被驱逐，之后会自动恢复，请检查该 Pod。failed_active_hc：健康检查失败。failed_eds_health：Kubernetes 认为它未就绪。"
        );
        examined.push(if count == all { Examined::bad(AREA, what, action) } else { Examined::open(AREA, what, action) });
    }
    let of = |host: &Host, stat: &str| host.stats.get(stat).copied().unwrap_or_default();
    let failing = hosts.iter().filter(|host| of(host, "cx_connect_fail") > 0);
    for host in failing {
        let (failed, total, address) = (of(host, "cx_connect_fail"), of(host, "cx_total"), &host.address);
        let what = say!(
            lang,
            "{name}: {failed} of {total} connections to {address} failed since the proxy started",
            "{name}：自代理启动以来，到 {address} 的 {total} 个连接中有 {failed} 个失败"
        );
        let action = say!(
            lang,
            "Does the application listen on that port and on that address, not on 127.0.0.1 alone? Does a NetworkPolicy let it through?",
            "应用是否监听该端口和该地址，而不只是 127.0.0.1？NetworkPolicy 是否放行？"
        );
        examined.push(if failed >= total { Examined::bad(AREA, what, action) } else { Examined::open(AREA, what, action) });
    }
    examined
}
