//! `/certs` beside the dump of a real proxy.

#![expect(clippy::unwrap_used, reason = "a broken dump must fail loudly")]

use jiff::Timestamp;
use meshwhy_core::Lang;
use meshwhy_proxy::doctor::{Area, Examined, examine};
use meshwhy_proxy::matching::Truth;
use meshwhy_proxy::{AdminData, ConfigDump};

const SERVER: &str = include_str!("data/server-sidecar-inbound.json");
const ORDERS: &str = "spiffe://cluster.local/ns/shop/sa/orders";

fn certs(begin: &str, end: &str, of_ca: &str) -> String {
    format!(
        r#"{{"certificates":[{{"ca_cert":[{{"path":"<inline>","serial_number":"aa","subject_alt_names":[{of_ca}],
        "days_until_expiration":"3649","valid_from":"2026-01-01T00:00:00Z","expiration_time":"2036-01-01T00:00:00Z"}}],
        "cert_chain":[{{"path":"<inline>","serial_number":"bb","subject_alt_names":[{{"uri":"{ORDERS}"}}],
        "days_until_expiration":"1","valid_from":"{begin}","expiration_time":"{end}"}}]}}]}}"#
    )
}

/// Whether a line about certificates has these words, and how it is judged.
fn judged(certs: &str, words: &str) -> Option<Truth> {
    let dump = ConfigDump::read(SERVER.as_bytes());
    let data = AdminData { certs: Some(certs.as_bytes()), ..AdminData::default() };
    let report = examine(&dump, &data, None, "2026-11-22T00:00:00Z".parse::<Timestamp>().unwrap(), Lang::En);
    let has = |one: &&Examined| one.area == Area::Certificates && one.what.contains(words);
    report.examined.iter().find(has).map(|one| one.good)
}

#[test]
fn what_is_loaded_is_compared_with_what_was_delivered() {
    let same = certs("2026-11-21T07:17:50Z", "2027-11-21T07:20:00Z", "");
    assert_eq!(judged(&same, &format!("loaded and valid: 2; the first to end is {ORDERS} (bb)")), Some(Truth::Yes));
    assert_eq!(judged(&same, "older than the one delivered"), None);
    assert_eq!(judged(&same, "trust domain cluster.local"), Some(Truth::Yes));

    let older = certs("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", "");
    assert_eq!(judged(&older, "older than the one delivered"), Some(Truth::Unknown));
    // The proxy took updates after it ended.
    let expired = certs("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", "");
    assert_eq!(judged(&expired, &format!("`{ORDERS} (bb)` expired at 2026-11-01")), Some(Truth::No));
    // Or perhaps it ended after the answer was taken.
    let over = certs("2026-11-20T12:00:00Z", "2026-11-21T12:00:00Z", "");
    assert_eq!(judged(&over, "was valid until 2026-11-21T12:00:00Z"), Some(Truth::Unknown));

    let foreign = certs("2026-11-21T07:17:50Z", "2027-11-21T07:20:00Z", r#"{"uri":"spiffe://other.example"}"#);
    assert_eq!(judged(&foreign, "trust domains: certificates cluster.local; CAs other.example"), Some(Truth::Unknown));
    assert_eq!(judged("no JSON", "`/certs` cannot be read"), Some(Truth::Unknown));
}
