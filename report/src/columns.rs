//! What an entry has in the columns of a table, as people read it; what comes from the input is escaped.

use jiff::Timestamp;
use meshwhy_core::cluster_name::ClusterName;

use crate::diagnosis::Entry;
use crate::escape;

/// A time up to its seconds.
#[must_use]
pub fn seconds(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.strftime("%Y-%m-%dT%H:%M:%S").to_string())
}

/// The service that was asked for, as people call it: host and port.
#[must_use]
pub fn service(entry: &Entry) -> String {
    let target = target(entry);
    let ClusterName::Service { port, subset, host: Some(host), .. } = ClusterName::parse(&target) else { return target };
    if host.is_empty() {
        return target;
    }
    let host = host.split_once(".svc").map_or(host, |(name, _)| name);
    let subset = if subset.is_empty() { String::new() } else { format!(" {subset}") };
    format!("{host}:{port}{subset}")
}

/// The part of its target's requests that a failure is.
#[must_use]
pub fn share(entry: &Entry) -> String {
    match entry.share {
        None => "-".to_owned(),
        Some(share) if share < 0.01 => format!("{:.2} %", share * 100.0),
        Some(share) => format!("{:.0} %", share * 100.0),
    }
}

/// The cluster, else the host that was asked for.
#[must_use]
pub fn target(entry: &Entry) -> String {
    entry.cluster.as_deref().or(entry.target.as_deref()).map_or_else(|| "-".to_owned(), escape::line)
}

/// The proxy, and the side that it was on.
#[must_use]
pub fn hop(entry: &Entry) -> String {
    let hop = entry.hop.as_deref().map(escape::line);
    match (hop, entry.side) {
        (Some(hop), Some(side)) => format!("{hop} {side}"),
        (Some(hop), None) => hop,
        (None, Some(side)) => side.to_owned(),
        (None, None) => "-".to_owned(),
    }
}
