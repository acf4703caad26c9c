//! Names of hosts, as they are asked for and as they are written.

use crate::mesh::{covers, full_host, kubernetes_name};

/// A host without its port; brackets of an IPv6 address stay.
pub(super) fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// The port behind an address or authority.
pub(super) fn port_of(address: &str) -> Option<i64> {
    address.rsplit_once(':')?.1.parse().ok()
}

/// Whether a host that is written in a manifest of `namespace` covers one that is complete.
pub(super) fn covers_from(pattern: &str, namespace: &str, host: &str) -> bool {
    covers(&full_host(pattern, namespace), host) || covers(pattern, host)
}

/// Whether what a client asked for may mean this complete host: itself, or a Service's short forms.
pub(super) fn may_mean(asked: &str, full: &str, client_namespace: Option<&str>) -> bool {
    if asked.eq_ignore_ascii_case(full) {
        return true;
    }
    let Some((name, namespace)) = kubernetes_name(full) else { return false };
    let mut parts = asked.splitn(3, '.');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(first), None, None) => first == name && client_namespace.is_none_or(|client| client == namespace),
        (Some(first), Some(second), rest) => {
            first == name && second == namespace && matches!(rest, None | Some("svc" | "svc.cluster.local"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_mean_services() {
        let full = "reviews.shop.svc.cluster.local";
        for asked in ["reviews", "reviews.shop", "reviews.shop.svc", full] {
            assert!(may_mean(asked, full, None), "{asked}");
        }
        assert!(!may_mean("reviews", full, Some("other")));
        assert!(!may_mean("reviews.other", full, None));
        assert!(!may_mean("api.example.com", "example.com", None));
    }

    #[test]
    fn ports_are_cut_off() {
        assert_eq!((without_port("reviews:9080"), port_of("reviews:9080")), ("reviews", Some(9080)));
        assert_eq!(without_port("reviews"), "reviews");
    }
}
