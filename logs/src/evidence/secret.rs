//! Certificates and keys that were not delivered: SDS, the certificate authority, secrets of gateways.

use meshwhy_core::Facts;
use meshwhy_core::event::Event;

use super::phrase::{Phrase, PhraseHit, event, happened, read};
use super::words::{holds, holds_any};
use super::{certificate, xds};

pub(super) const PHRASES: &[Phrase] = &[
    read("failed to generate secret for", authority),
    read("failed to generate workload certificate", authority),
    read("failed to warm certificate", authority),
    read("failed to sign CSR", authority),
    read("Failed to create certificate", authority),
    read("CSR failed with error", authority),
    read("ca request failed", authority),
    read("failed to fetch certificate", authority),
    event("failed to get root cert", Event::SecretMissing),
    event("certificate for workload is not yet available", Event::SecretMissing),
    event("failed load server cert/key pair from secret", Event::SecretMissing),
    event("failed to load server cert/key pair from secret", Event::SecretMissing),
    event("server cert or private key is empty", Event::SecretMissing),
    event("found secret, but didn't have expected keys", Event::SecretMissing),
    event("failed to fetch key and certificate for", Event::SecretMissing),
    event("failed to fetch ca certificate for", Event::SecretMissing),
    event("failed to fetch trusted CA certificate for", Event::SecretMissing),
    event("attempted to access unauthorized certificates", Event::SecretMissing),
    event("Failed to load certificate chain from", Event::SecretMissing),
    event("Failed to load incomplete certificate from", Event::SecretMissing),
    event("Failed to load private key from", Event::SecretMissing),
    event("Failed to load trusted CA certificates from", Event::SecretMissing),
    read("kubernetes://", credential),
    read("kubernetes-gateway://", credential),
    read("initial fetch timed out for", fetch_timeout),
];

/// What the certificate authority said: it cannot be trusted or reached, or it gives no certificate.
pub(super) fn authority(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let event = certificate::fault(hit.after).or_else(|| xds::unreachable(hit.after).then_some(Event::XdsUnreachable));
    Some(happened(event.unwrap_or(Event::SecretMissing)))
}

fn credential(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    holds_any(hit.after, &["not found", "failed", "invalid", "unauthorized"]).then(|| happened(Event::SecretMissing))
}

/// `gRPC config: initial fetch timed out for TYPE`.
fn fetch_timeout(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    Some(happened(if holds(hit.after, ".Secret") { Event::SecretMissing } else { Event::XdsUnreachable }))
}
