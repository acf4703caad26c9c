//! Configuration that Envoy refuses, in Envoy's words, in istiod's (`ACK ERROR`) and in those of a start that failed.

use meshwhy_core::Facts;
use meshwhy_core::event::Event;

use super::phrase::{Phrase, PhraseHit, detailed, event, happened, read};
use super::words::{holds, holds_any};

pub(super) const PHRASES: &[Phrase] = &[
    read("gRPC config for ", subscription),
    read("delta config for ", subscription),
    read("config for type.googleapis.com/", subscription),
    read("ACK ERROR", after),
    read("Error adding/updating listener", after),
    read("error adding listener", after),
    read("Error adding/updating cluster", after),
    read("lds: fetch failure", after),
    read("rds: fetch failure", after),
    read("cds: fetch failure", after),
    read("error initializing configuration", start),
    event("has duplicate address", Event::ListenerConflict),
    read("duplicate listener", duplicate),
    event("conflicts with static listener", Event::ListenerConflict),
    event("conflict with existing server", Event::ListenerConflict),
    event("listener conflict detected", Event::ListenerConflict),
    event("Only unique values for domains are permitted", Event::DuplicateDomain),
    event("Duplicate entry of domain", Event::DuplicateDomain),
    event("Only a single wildcard domain is permitted", Event::DuplicateDomain),
];

/// `gRPC config for TYPE rejected: REASON`; an update that was accepted has no reason.
fn subscription(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let reason = hit.after.split_once("rejected:").map(|(_, reason)| reason)?;
    let kind = hit.after.split_once("rejected:").map_or("", |(kind, _)| kind);
    Some(reading(reason, kind))
}

fn after(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    Some(reading(hit.after, hit.before))
}

/// `duplicate/locked listener` is the word for an update that changes nothing; it is another text.
fn duplicate(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    holds(hit.after, "found").then(|| happened(Event::ListenerConflict))
}

/// Envoy ends itself when its bootstrap does not load.
fn start(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    Some(match reason(hit.after, "") {
        Some(Event::ConfigRejected) | None => happened(Event::ProxyNotStarted),
        Some(event) => happened(event),
    })
}

fn reading<'a>(text: &'a str, kind: &'a str) -> Facts<'a> {
    if holds_any(text, &["unknown cluster", "unknown weighted cluster"]) {
        return detailed("cluster_not_found");
    }
    happened(reason(text, kind).unwrap_or(Event::ConfigRejected))
}

/// Why Envoy refused, by the words of its reason and the type of the resource.
fn reason(text: &str, kind: &str) -> Option<Event> {
    const RULES: &[(&[&str], Event)] = &[
        (&["unique values for domains", "Duplicate entry of domain", "single wildcard domain"], Event::DuplicateDomain),
        (&["has duplicate address", "duplicate listener", "Address already in use"], Event::ListenerConflict),
        (&["Wasm"], Event::WasmLoadFailed),
        (&["LocalJwks", "jwks"], Event::JwksFetchFailed),
        (
            &[
                "Failed to load certificate",
                "Failed to load incomplete",
                "Failed to load private key",
                "Failed to load trusted CA",
                "Failed to load password",
                "unable to read file: /etc/certs",
                "root-cert.pem",
                "cert-chain.pem",
            ],
            Event::SecretMissing,
        ),
    ];
    let by_text = RULES.iter().find(|(words, _)| holds_any(text, words)).map(|(_, event)| *event);
    by_text.or_else(|| holds(kind, ".Secret").then_some(Event::SecretMissing))
}
