//! Access-log lines of Envoy and Istio.

pub(crate) mod istio_json;
pub(crate) mod istio_text;

use meshwhy_core::{Facts, Side, proxy_status};

/// Puts in what follows from other fields: the side, and the cause that a logged `Proxy-Status` header names.
///
/// The last member that names a cause decides: each hop appends its own.
fn complete(facts: &mut Facts<'_>, proxy_status: Option<&str>) {
    facts.side = facts.cluster.as_deref().and_then(side);
    let members = proxy_status.map(proxy_status::read).unwrap_or_default();
    facts.annotated_code = members.into_iter().rev().find_map(|member| member.code).map(Into::into);
}

/// The side that a cluster's name tells.
fn side(cluster: &str) -> Option<Side> {
    match cluster.split_once('|')?.0 {
        "inbound" => Some(Side::Inbound),
        "outbound" => Some(Side::Outbound),
        _ => None,
    }
}
