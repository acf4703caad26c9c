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

use meshwhy_core::details::{self, Details};
use meshwhy_core::{Facts, ResponseFlags, transport};

use super::field::{Field, Fields};
use super::{AccessLog, known};
use crate::Format;
use cursor::{Cursor, Numbers};
use head::Start;

/// Reads a line; `None` when it is of another shape.
pub(crate) fn parse(text: &str) -> Option<AccessLog<'_>> {
    let mut line = Cursor::new(text);
    let start = head::read(&mut line)?;
    let status = line.status()?;
    let (flags, numeric) = line.flags()?;
    if (200..300).contains(&status) && flags.is_empty() && !numeric && start.is_certain() {
        return Some(AccessLog::Healthy);
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
    let format = if reasons.shape == Shape::Envoy && tail.words == 0 { Format::EnvoyText } else { Format::IstioText };

    let mut fields = Fields {
        facts: Facts {
            status: Some(status),
            flags: Some(flags),
            details: reasons.details.and_then(known),
            termination_details: reasons.termination.and_then(known),
            upstream_transport_failure: reasons.transport.and_then(known),
            duration_ms: numbers.duration,
            protocol: start.protocol.and_then(known),
            method: start.method.and_then(known),
            path: start.path.and_then(known),
            start_time: start.time.and_then(known),
            ..tail.facts
        },
        proxy_status: tail.proxy_status.and_then(known),
    };
    if let Some(policy) = reasons.policy {
        fields.put(Field::PolicyStatus, policy.into());
    }
    Some(AccessLog::Facts { facts: fields.finish(), format, truncated })
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
