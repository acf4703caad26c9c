//! What pilot-agent and istiod say of proxies and policies.

use meshwhy_core::Facts;
use meshwhy_core::event::Event;

use super::phrase::{Phrase, PhraseHit, event, happened, read};
use super::words::{holds, holds_any};

pub(super) const PHRASES: &[Phrase] = &[
    read("Envoy proxy is NOT ready", not_ready),
    read("failed retrieving Envoy stats", stats),
    read("failed to get readiness stats", stats),
    read("failed to get server info", stats),
    event("envoy proxy failed to become ready", Event::ProxyNotReady),
    event("timeout waiting for Envoy proxy to become ready", Event::ProxyNotReady),
    event("config received from XDS server, but was rejected", Event::ConfigRejected),
    event("config not received from XDS server", Event::XdsUnreachable),
    event("config not received from Pilot", Event::XdsUnreachable),
    event("config not fully received from XDS server", Event::ProxyNotReady),
    event("exited with error: exit status", Event::ProxyNotStarted),
    event("exited with error: signal", Event::ProxyNotStarted),
    event("terminated with an error: exit status", Event::ProxyNotStarted),
    event("terminated with an error: signal", Event::ProxyNotStarted),
    event("Caught Segmentation fault, suspect faulting address", Event::ProxyNotStarted),
    event("Caught Aborted, suspect faulting address", Event::ProxyNotStarted),
    event("failed to parse CUSTOM action", Event::ExtAuthzProviderMissing),
    event("failed parsing CUSTOM action", Event::ExtAuthzProviderMissing),
    read("bad-CUSTOM-action", bad_action),
];

fn not_ready(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let why = hit.after;
    if holds_any(why, &["failed retrieving Envoy stats", "failed to get readiness stats", "failed to get server info"]) {
        return stats(hit);
    }
    let rejected = updates(why, "cds updates:").1 > 0 || updates(why, "lds updates:").1 > 0;
    let none_came = updates(why, "cds updates:").0 == 0 && updates(why, "lds updates:").0 == 0;
    let asked = holds_any(why, &["updates:", "config not received"]);
    Some(happened(match (rejected || holds(why, "but was rejected"), asked && none_came) {
        (true, _) => Event::ConfigRejected,
        (false, true) => Event::XdsUnreachable,
        (false, false) => Event::ProxyNotReady,
    }))
}

/// The counts of `cds updates: 2 successful, 1 rejected`; none where the text has no such part.
fn updates(text: &str, name: &str) -> (u64, u64) {
    let part = text.split_once(name).map_or("", |(_, rest)| rest);
    let mut counts = part.split([' ', ',', ';']).filter_map(|word| word.parse().ok());
    (counts.next().unwrap_or(0), counts.next().unwrap_or(0))
}

/// Envoy's admin port: refused means that no Envoy listens, anything else that it is busy.
fn stats(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let gone = holds_any(hit.after, &["connection refused", "EOF", "connection reset"]);
    Some(happened(if gone { Event::ProxyNotStarted } else { Event::ProxyNotReady }))
}

/// The name of the policy that Istio writes instead; where a denial names it, the denial says more.
fn bad_action(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    (!holds(hit.before, "matched")).then(|| happened(Event::ExtAuthzProviderMissing))
}
