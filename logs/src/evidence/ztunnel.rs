//! ztunnel: its access lines, `key=value` or JSON, and the lines beside them that mean no harm.
//!
//! Source: ztunnel `src/proxy.rs` (`enum Error`), 1.18–1.31.

use std::borrow::Cow;

use meshwhy_core::event::Event;
use meshwhy_core::{Context, Decisive, Facts, Side};

use super::certificate;
use super::log_line::Level;
use super::phrase::{Phrase, PhraseHit, detailed, details, event, happened, read};
use super::words::{first, holds, holds_any, status};

pub(super) const PHRASES: &[Phrase] = &[
    event("tls handshake eof", Event::ZtunnelBenign),
    event("Timeout during TLS handshake", Event::ZtunnelBenign),
    event("unknown source workload", Event::ZtunnelBenign),
    event("failed to fetch information about local workload", Event::ZtunnelBenign),
    details("RBAC rejected", "rbac_access_denied_matched_policy[none]"),
    read("connection closed due to policy", whole),
    read("maybe a NetworkPolicy is blocking HBONE port", whole),
    read("no valid routing destination", whole),
    read("http status: 503, connection failed", whole),
    read("connection closed due to connection drain", whole),
    read("ztunnel::proxy", old),
];

/// An error that somebody quotes without its line.
fn whole(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    hit.line.message.get(hit.before.len()..).map(failure)
}

/// The lines before the access log came (1.18–1.20), where they warn of an error that is known.
fn old(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let facts = failure(hit.after);
    (hit.line.level == Level::Problem && facts.termination_details.is_none()).then_some(facts)
}

/// Reads an access line of ztunnel, failed or not.
pub(super) fn access(text: &str) -> Option<Facts<'_>> {
    let ours = ["src.addr=", "dst.addr="].iter().any(|key| memchr::memmem::find(text.as_bytes(), key.as_bytes()).is_some());
    ours.then(|| facts(&|key| pair(text, key).map(Cow::Borrowed)))
}

/// Reads the same of its JSON log, whose keys `get` looks up.
pub(super) fn structured<'a>(get: &dyn Fn(&str) -> Option<Cow<'a, str>>) -> Option<Facts<'a>> {
    get("src.addr").or_else(|| get("dst.addr"))?;
    Some(facts(get))
}

/// The value of `key=value` or `key="value"`, where the key begins a word.
pub(super) fn pair<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    memchr::memmem::find_iter(text.as_bytes(), key.as_bytes()).find_map(|at| {
        let begins = at.checked_sub(1).is_none_or(|before| text.as_bytes().get(before).is_some_and(u8::is_ascii_whitespace));
        let value = text.get(at.checked_add(key.len())?..)?.strip_prefix('=').filter(|_| begins)?;
        let value = match value.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next()?,
            None => value.split(char::is_whitespace).next()?,
        };
        (!value.is_empty()).then_some(value)
    })
}

fn facts<'a>(get: &dyn Fn(&str) -> Option<Cow<'a, str>>) -> Facts<'a> {
    let side = match get("direction").as_deref() {
        Some("inbound") => Some(Side::Inbound),
        Some("outbound") => Some(Side::Outbound),
        _ => None,
    };
    let ours = if side == Some(Side::Outbound) { "src" } else { "dst" };
    let own = |what: &str| get(&format!("{ours}.{what}"));
    let duration = get("duration").and_then(|text| text.strip_suffix("ms")?.parse().ok());
    let base = get("error").map(|error| failure(&error).into_owned()).unwrap_or_default();
    Facts {
        decisive: Decisive {
            side,
            duration_ms: duration,
            upstream_host: get("dst.hbone_addr").or_else(|| get("dst.addr")),
            ..base.decisive
        },
        context: Context {
            workload: own("workload"),
            namespace: own("namespace"),
            authority: get("dst.service"),
            downstream_remote_address: get("src.addr"),
            proxy: Some("ztunnel".into()),
            ..base.context
        },
    }
}

/// Texts that stand for a transport failure of the vocabulary.
const TRANSPORT: &[(&[&str], &str)] = &[
    (&["Connection refused", "os error 111"], "delayed connect error: Connection refused"),
    (&["No route to host", "os error 113"], "delayed connect error: No route to host"),
    (&["Network is unreachable", "os error 101"], "delayed connect error: Network is unreachable"),
    (&["Cannot assign requested address", "os error 99"], "delayed connect error: Cannot assign requested address"),
    (
        &["maybe a NetworkPolicy is blocking", "connection timed out", "deadline has elapsed", "os error 110"],
        "delayed connect error: Connection timed out",
    ),
];

/// How connections end that served their purpose, or that nobody waits for.
const HARMLESS: &[&str] = &[
    "client disconnected before all data was written",
    "destination disconnected before all data was written",
    "connection closed due to connection drain",
    "failed to drain within the timeout",
    "pool draining",
    "broken pipe",
    "while closing connection",
    "unknown source",
    "local workload",
    "tls handshake eof",
    "Timeout during TLS handshake",
];

/// The transport failure that an error of a Rust proxy stands for.
pub(super) fn transport(error: &str) -> Option<&'static str> {
    TRANSPORT.iter().find(|(words, _)| holds_any(error, words)).map(|(_, transport)| *transport)
}

fn failure(error: &str) -> Facts<'_> {
    let policy = |policy: &str| detailed(format!("rbac_access_denied_matched_policy[{policy}]"));
    if let Some((_, why)) = error.split_once("policy rejection") {
        return policy(why.split_once("denied by:").and_then(|(_, name)| first(name)).unwrap_or("none"));
    }
    if holds(error, "policy change") {
        return policy("none");
    }
    if let Some(event) = certificate::fault(error) {
        return happened(event);
    }
    if holds_any(error, HARMLESS) {
        return happened(Event::ZtunnelBenign);
    }
    if let Some(transport) = transport(error) {
        return Facts::from(Decisive { upstream_transport_failure: Some(transport.into()), ..Decisive::default() });
    }
    if holds_any(error, &["Connection reset by peer", "connection reset"]) {
        return detailed("upstream_reset_before_response_started{connection_termination}");
    }
    if holds_any(error, &["no healthy upstream", "no valid routing destination"]) {
        return detailed("no_healthy_upstream");
    }
    if holds_any(error, &["not yet available", "identity error"]) {
        return happened(Event::SecretMissing);
    }
    match error.split_once("http status:").and_then(|(_, rest)| status(rest)) {
        // The other ztunnel's word for its policy.
        Some(401 | 403) => policy("none"),
        Some(status) => Facts::from(Decisive {
            upstream_transport_failure: Some(format!("tunnel_response:{status}").into()),
            ..Decisive::default()
        }),
        None => Facts::from(Decisive { termination_details: Some(error.into()), ..Decisive::default() }),
    }
}
