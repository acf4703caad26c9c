//! The stream between a proxy and its control plane: that it ended, and whether that matters.

use meshwhy_core::Facts;
use meshwhy_core::event::Event;

use super::phrase::{Phrase, PhraseHit, event, happened, read};
use super::words::{holds, holds_any};
use super::{certificate, secret};

pub(super) const PHRASES: &[Phrase] = &[
    read("gRPC config stream", stream),
    event("Unable to establish new stream", Event::XdsUnreachable),
    event("Unable to establish stream to configuration server", Event::XdsUnreachable),
    read("failed to connect to upstream", dialled),
    read("failed to create upstream grpc client", dialled),
    read("terminated with unexpected error", ended),
    read("terminated with status", ended),
    read("XDS client connection error", dialled),
    read("XDS client error", ztunnel),
    read("ADS client", adsc),
    event("disconnected from XDS server", Event::XdsReconnect),
    event("XDS client complete", Event::XdsReconnect),
    read("terminated rpc error: code = ", terminated),
    event("Ignoring unwatched type", Event::XdsWarning),
    event("Ignoring unknown type URL", Event::XdsWarning),
    read("Ignoring the message for type URL", no_subscriber),
    event("Using deprecated option", Event::XdsWarning),
    event("Using the default now-deprecated value", Event::XdsWarning),
    event("Usage of the deprecated runtime key", Event::XdsWarning),
    event("There is no configured limit to the number of allowed active", Event::XdsWarning),
];

/// How a stream that comes to its regular end is closed.
const ROUTINE: &[&str] = &[
    "NO_ERROR",
    "max_age",
    "transport is closing",
    "error reading from server: EOF",
    "reading from server: EOF",
    "connection termination",
    "remote reset",
    "context canceled",
    "code = Canceled",
    "server is shutting down",
    "stream closed",
    "error reading a body from connection",
];

/// How a control plane that cannot be reached shows.
const UNREACHABLE: &[&str] = &[
    "connection failure",
    "connection timeout",
    "connection refused",
    "connection reset",
    "connection error",
    "connect error",
    "tcp connect",
    "dns error",
    "dial tcp",
    "i/o timeout",
    "no such host",
    "no healthy upstream",
    "upstream request timeout",
    "code = Unavailable",
    "DeadlineExceeded",
    "deadline exceeded",
    "deadline has elapsed",
    "handshake failed",
    "no route to host",
    "warming",
];

/// Whether the text says that the control plane does not answer.
pub(super) fn unreachable(text: &str) -> bool {
    holds_any(text, UNREACHABLE)
}

/// `[RESOURCES ]gRPC config stream[ to NAME] closed[ since N s ago]: CODE, MESSAGE`.
fn stream(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let (_, rest) = hit.after.split_once("closed")?;
    let (_, rest) = rest.split_once(": ").or_else(|| rest.split_once(':'))?;
    let (code, message) = rest.split_once(',').unwrap_or((rest, ""));
    let code = code.trim().parse::<u32>().ok()?;
    let message = message.trim();
    let of_secrets = hit.before.trim_end().ends_with("StreamSecrets") || holds(hit.after, "sds-grpc");
    if of_secrets && holds_any(message, &["secret", "certificate", "root cert"]) {
        return secret::authority(hit);
    }
    // An agent that says since when has tried again in the meantime.
    let repeated = hit.after.trim_start().starts_with("closed since");
    match closed(code, message) {
        Event::XdsReconnect if repeated && code == UNAVAILABLE => Some(happened(Event::XdsUnreachable)),
        event => Some(happened(event)),
    }
}

/// gRPC's number.
const UNAVAILABLE: u32 = 14;

/// What the status of a closed stream says; the numbers are gRPC's.
fn closed(code: u32, message: &str) -> Event {
    const OK: u32 = 0;
    const CANCELLED: u32 = 1;
    const DEADLINE_EXCEEDED: u32 = 4;
    const INTERNAL: u32 = 13;
    if let Some(fault) = certificate::fault(message) {
        return fault;
    }
    let routine = holds_any(message, ROUTINE);
    match code {
        OK | CANCELLED => Event::XdsReconnect,
        INTERNAL if message.is_empty() || routine => Event::XdsReconnect,
        UNAVAILABLE if message.is_empty() || routine => Event::XdsReconnect,
        DEADLINE_EXCEEDED => Event::XdsUnreachable,
        _ if unreachable(message) => Event::XdsUnreachable,
        _ => Event::XdsControlPlaneError,
    }
}

/// An agent or ztunnel that could not connect.
fn dialled(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    Some(happened(certificate::fault(hit.after).unwrap_or(Event::XdsUnreachable)))
}

/// An agent's or ztunnel's stream that was open.
fn ended(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let event = certificate::fault(hit.after).unwrap_or_else(|| {
        let routine = holds_any(hit.after, ROUTINE) || !unreachable(hit.after);
        if routine { Event::XdsReconnect } else { Event::XdsUnreachable }
    });
    Some(happened(event))
}

/// ztunnel's own stream, which istiod ends every half hour too.
fn ztunnel(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let facts = ended(hit)?;
    Some(if facts.event == Some(Event::XdsReconnect) { happened(Event::ZtunnelBenign) } else { facts })
}

fn adsc(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    holds_any(hit.after, &["error", "disconnected", "closed"]).then_some(())?;
    ended(hit)
}

/// istiod's `ADS: "ADDRESS" NODE terminated rpc error: code = …`: the proxy went or the stream's time was over.
fn terminated(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    holds(hit.before, "ADS:").then(|| happened(Event::XdsReconnect))
}

fn no_subscriber(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    holds(hit.after, "no current subscribers").then(|| happened(Event::XdsWarning))
}
