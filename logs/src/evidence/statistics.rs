//! Counters of a proxy: `/stats`, Prometheus, `/clusters`, and the endpoints that `istioctl` prints.
//!
//! A counter tells of everything since the proxy started, so what it makes likely is never certain; one that is 0 says what it was not.
//!
//! Source: Envoy "Cluster manager statistics", "HTTP connection manager statistics", `/clusters` of the admin interface, 1.40;
//! `istioctl proxy-config endpoints`, 1.31.

use meshwhy_core::event::Event;
use meshwhy_core::{Decisive, Facts, Flag};

use super::envoy::flagged;
use super::phrase::{Phrase, PhraseHit, counter, counter_of_all, happened, read};
use super::words::holds_any;

pub(super) const PHRASES: &[Phrase] = &[
    counter_of_all("upstream_rq_pending_overflow", Flag::UO),
    counter_of_all("envoy_cluster_upstream_rq_pending_overflow", Flag::UO),
    counter("upstream_cx_overflow", Flag::UO),
    counter("envoy_cluster_upstream_cx_overflow", Flag::UO),
    counter("upstream_rq_retry_overflow", Flag::UO),
    counter("envoy_cluster_upstream_rq_retry_overflow", Flag::UO),
    counter("upstream_cx_none_healthy", Flag::UH),
    counter("envoy_cluster_upstream_cx_none_healthy", Flag::UH),
    counter("outlier_detection.ejections_active", Flag::UH),
    counter("envoy_cluster_outlier_detection_ejections_active", Flag::UH),
    counter_of_all("upstream_cx_connect_fail", Flag::UF),
    counter_of_all("envoy_cluster_upstream_cx_connect_fail", Flag::UF),
    counter("cx_connect_fail::", Flag::UF),
    read("upstream_cx_connect_timeout", connect_timeout),
    read("envoy_cluster_upstream_cx_connect_timeout", connect_timeout),
    counter_of_all("upstream_rq_timeout", Flag::UT),
    counter_of_all("envoy_cluster_upstream_rq_timeout", Flag::UT),
    counter_of_all("upstream_cx_destroy_remote_with_active_rq", Flag::UC),
    counter_of_all("envoy_cluster_upstream_cx_destroy_remote_with_active_rq", Flag::UC),
    counter_of_all("upstream_cx_protocol_error", Flag::UPE),
    counter_of_all("envoy_cluster_upstream_cx_protocol_error", Flag::UPE),
    read("ssl.fail_verify_san", unverified),
    read("envoy_cluster_ssl_fail_verify_san", unverified),
    read("ssl.fail_verify_error", unverified),
    read("envoy_cluster_ssl_fail_verify_error", unverified),
    counter_of_all(".no_route:", Flag::NR),
    read(".update_rejected:", rejected),
    read("::health_flags::/", unhealthy_host),
];

fn connect_timeout(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let reason = "delayed connect error: Connection timed out";
    counted(hit, &Decisive { upstream_transport_failure: Some(reason.into()), ..flagged(Flag::UF).decisive })
}

fn unverified(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let reason = "TLS error: 268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED";
    counted(hit, &Decisive { upstream_transport_failure: Some(reason.into()), ..Decisive::default() })
}

fn rejected(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let count: u64 = hit.after.trim().parse().ok()?;
    Some(if count == 0 { Facts::default() } else { happened(Event::ConfigRejected) })
}

/// `CLUSTER::ADDRESS::health_flags::/failed_outlier_check`.
fn unhealthy_host(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let (cluster, host) = hit.before.split_once("::")?;
    holds_any(hit.after, &["failed"]).then(|| unavailable(cluster, host))
}

/// A row of `istioctl proxy-config endpoints`: endpoint, status, outlier check, cluster.
pub(super) fn endpoint(text: &str) -> Option<Facts<'_>> {
    let mut words = text.split_whitespace();
    let (host, health, check, cluster) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let is_row = host.contains([':', '/']) && cluster.contains('|') && words.next().is_none();
    match (health, check) {
        ("HEALTHY", "OK") if is_row => Some(Facts::default()),
        ("UNHEALTHY" | "DRAINING" | "TIMEOUT" | "DEGRADED", "OK" | "FAILED") | ("HEALTHY", "FAILED") if is_row => {
            Some(unavailable(cluster, host))
        }
        _ => None,
    }
}

fn unavailable<'a>(cluster: &'a str, host: &'a str) -> Facts<'a> {
    Decisive { cluster: Some(cluster.into()), upstream_host: Some(host.into()), ..flagged(Flag::UH).decisive }.into()
}

/// What a counter of a cluster says by its value, which must stand behind it.
pub(super) fn counted<'a>(hit: PhraseHit<'a>, failed: &Decisive<'static>) -> Option<Facts<'a>> {
    let labels = hit.after.strip_prefix('{').and_then(|rest| rest.split_once('}'));
    let (labels, value) = labels.map_or(("", hit.after), |(labels, value)| (labels, value));
    let value = value.trim_start_matches([':', ' ', '\t']);
    let digits = value.split(|letter: char| !letter.is_ascii_digit()).next().filter(|digits| !digits.is_empty())?;
    let count: u64 = digits.parse().ok()?;
    let alone =
        value.get(digits.len()..)?.split_whitespace().next().is_none_or(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
    if !alone {
        return None;
    }
    let cluster = cluster(hit.before, labels).map(Into::into);
    if count == 0 {
        return Some(Decisive { cluster, ..Decisive::default() }.into());
    }
    let mut facts = Facts::from(Decisive { cluster, ..failed.clone() });
    facts.context.occurrences = Some(count);
    Some(facts)
}

/// `cluster.NAME.`, of Istio with `;` behind the name; `NAME::ADDRESS::`; or the label.
fn cluster<'a>(before: &'a str, labels: &'a str) -> Option<&'a str> {
    let labelled = labels.split_once("cluster_name=\"").and_then(|(_, rest)| rest.split('"').next());
    let word = before.split_whitespace().next_back()?;
    let named = || word.strip_prefix("cluster.").map(|name| name.trim_end_matches(['.', ';']));
    labelled.or_else(named).or_else(|| word.split_once("::").map(|(name, _)| name)).filter(|name| !name.is_empty())
}
