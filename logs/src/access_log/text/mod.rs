//! TEXT access logs: Istio's default of every version, and Envoy's.
//!
//! Envoy escapes nothing in a text log and clients choose user agent and `x-forwarded-for`: what stands before those is read
//! from the left, what stands behind them from the right, and they themselves not at all.
//!
//! Source: Istio `pilot/pkg/model/telemetry_logging.go` (1.9 and later: code details and termination details without
//! quotes), `pilot/pkg/networking/core/v1alpha3/listener.go` (1.5–1.8: dynamic metadata and transport failure in quotes; 1.1–1.4:
//! Mixer's status, then the failure too; 1.0: neither); Envoy `substitution_format_string.cc`, `DEFAULT_FORMAT`.

mod cursor;
mod head;
mod tail;

use meshwhy_core::details::Word;
use meshwhy_core::details::{self, Details};
use meshwhy_core::facts::kind::{FactKind, Quoted};
use meshwhy_core::{Context, Decisive, Facts, ResponseFlags, transport};

use super::field::{AccessLog, Success, complete, present};
use cursor::{Cursor, Numbers};
use head::Start;

/// Whether the details that the text begins with are those of a failure, whose status is a success all the same.
fn is_refusal(text: &str) -> bool {
    let text = text.trim_start();
    if text.starts_with(Word::ViaUpstream.as_str()) || !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return false;
    }
    let end = memchr::memchr(b' ', text.as_bytes()).unwrap_or(text.len());
    text.get(..end).is_some_and(|details| details::parse(details).refuses())
}

/// Reads a line; `None` when it is of another shape.
pub(crate) fn parse(text: &str) -> Option<AccessLog<'_>> {
    let mut line = Cursor::new(text);
    let start = head::read(&mut line)?;
    let status = line.status()?;
    let (flags, numeric) = line.flags()?;
    let success = (200..300).contains(&status) && flags.is_empty() && !numeric && start.is_certain();
    if success && !is_refusal(line.rest()) {
        return Some(AccessLog::Healthy(Success {
            cluster: present(tail::cluster(line.rest())),
            start_time: present(start.time),
            traceparent: None,
        }));
    }
    let reasons = Reasons::read(&mut line);
    let numbers = line.numbers();
    let flagged = if numeric {
        Flagged::Mask
    } else if flags.is_empty() {
        Flagged::None
    } else {
        Flagged::Names
    };
    if !is_plausible(&start, &reasons, numbers, flagged) {
        return None;
    }
    let tail = tail::read(line.rest(), reasons.shape != Shape::Envoy);
    let truncated = start.is_cut() || !numbers.complete || tail.truncated;

    let [cluster, upstream_local_address, downstream_local_address, downstream_remote_address, server_name, route] = tail.words;
    let mut facts = Facts {
        decisive: Decisive {
            status: Some(status),
            flags: Some(flags),
            details: present(reasons.details),
            termination_details: present(reasons.termination),
            upstream_transport_failure: present(reasons.transport),
            policy_status: present(reasons.policy).and_then(Quoted::read),
            duration_ms: numbers.duration,
            route: present(route),
            cluster: present(cluster),
            upstream_host: present(tail.host),
            ..Decisive::default()
        },
        context: Context {
            protocol: present(start.protocol),
            method: present(start.method),
            path: present(start.path),
            authority: present(tail.authority),
            request_id: present(tail.request_id),
            upstream_local_address: present(upstream_local_address),
            downstream_local_address: present(downstream_local_address),
            downstream_remote_address: present(downstream_remote_address),
            server_name: present(server_name),
            start_time: present(start.time),
            ..Context::default()
        },
    };
    complete(&mut facts, tail.proxy_status);
    Some(AccessLog::Facts { facts, truncated, open: false })
}

/// Reads a line that somebody wrapped; `None` when the text holds several lines.
pub(crate) fn parse_wrapped(text: &str) -> Option<AccessLog<'static>> {
    let mut joined = String::with_capacity(text.len());
    for part in text.lines().map(str::trim).filter(|part| !part.is_empty()) {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(part);
    }
    if head::requests(&joined) > 1 { None } else { parse(&joined).map(AccessLog::into_owned) }
}

/// How the fields between the flags and the byte counts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// None at all.
    Envoy,
    /// One or two in quotes: Mixer's or the dynamic status, the transport failure.
    Quoted,
    /// Code details and termination details as words, then the transport failure in quotes.
    Words,
}

/// What the line says about why.
#[derive(Debug)]
struct Reasons<'a> {
    shape: Shape,
    details: Option<&'a str>,
    termination: Option<&'a str>,
    policy: Option<&'a str>,
    transport: Option<&'a str>,
}

impl<'a> Reasons<'a> {
    fn read(line: &mut Cursor<'a>) -> Self {
        let (details, termination) = line.words_before_numbers();
        let (first, second) = (line.quoted(), line.quoted());
        let none = Self { shape: Shape::Words, details, termination, policy: None, transport: None };
        match (details, first, second) {
            (None, None, _) => Self { shape: Shape::Envoy, ..none },
            (Some(_), transport, _) => Self { transport, ..none },
            (None, policy, Some(transport)) => Self { shape: Shape::Quoted, policy, transport: Some(transport), ..none },
            (None, Some(only), None) if is_transport(only) => Self { shape: Shape::Quoted, transport: first, ..none },
            (None, policy, None) => Self { shape: Shape::Quoted, policy, ..none },
        }
    }
}

fn is_transport(text: &str) -> bool {
    transport::parse(text).is_some_and(|failure| failure.kind.is_some())
}

/// How the flags are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flagged {
    None,
    Names,
    Mask,
}

/// Whether a line with these parts is an access log at all.
///
/// Web servers write a request line and a status, too, and then a size, which reads as a mask of flags; a piece without its
/// request line must say more than a number and two letters.
fn is_plausible(start: &Start<'_>, reasons: &Reasons<'_>, numbers: Numbers, flagged: Flagged) -> bool {
    let quoted = reasons.shape == Shape::Quoted;
    match flagged {
        Flagged::Mask if reasons.shape == Shape::Envoy => start.is_certain() && numbers.complete,
        Flagged::Mask => start.is_certain() && (!quoted || numbers.count > 0),
        Flagged::Names | Flagged::None if start.is_certain() => {
            flagged == Flagged::Names || reasons.shape == Shape::Words || numbers.count > 0
        }
        Flagged::Names | Flagged::None => {
            let explained = reasons.details.is_some_and(|text| !matches!(details::parse(text), Details::Other(_)))
                || reasons.transport.is_some_and(is_transport);
            reasons.transport.is_some() && (explained || numbers.count > 1)
        }
    }
}

/// The flags of a piece, if it is one that begins with them.
pub(super) fn strict_flags(word: &str) -> Option<ResponseFlags> {
    ResponseFlags::parse(word).filter(|_| !word.bytes().all(|byte| byte.is_ascii_digit()))
}
