//! A probe as JSON for programs.

use std::io::{self, Write};

use meshwhy_core::Lang;
use meshwhy_probe::{Answerer, BodyEnd, Failure, Request, Response, ServerCertificate, TlsFailure};
use serde::Serialize;

use super::words;
use crate::lang;
use crate::probe_report::{Probe, ProbeMatrix};
use crate::render::json::{SCHEMA, Verdict, answers, object};

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub(crate) struct Probed<'a> {
    schema: &'static str,
    lang: &'static str,
    #[serde(flatten)]
    probe: ShownProbe<'a>,
    /// Causes, best first; none where the request succeeded, or where the catalogue has no word for what happened.
    verdicts: Vec<Verdict<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub(crate) struct Matrix<'a> {
    schema: &'static str,
    lang: &'static str,
    /// One request each, the control `plain` first.
    variants: Vec<ShownVariant<'a>>,
    /// Variants that were not asked.
    left_out: Vec<LeftOut>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
struct ShownVariant<'a> {
    /// `plain`, `http1.0`, `http1.1`, `http2`, `large-headers`, `no-host`, `wrong-sni` or `no-trace-context`.
    variant: &'static str,
    /// Whether it fails just as the control does: then the variant is not at fault.
    fails_as_control: bool,
    #[serde(flatten)]
    probe: ShownProbe<'a>,
    /// The causes without their explanation.
    causes: Vec<NamedCause>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
struct NamedCause {
    code: &'static str,
    slug: &'static str,
    confidence: &'static str,
    headline: &'static str,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
struct LeftOut {
    variant: &'static str,
    reason: String,
}

/// One request and what came of it; of the request's headers nothing is shown.
#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
struct ShownProbe<'a> {
    method: String,
    /// Without its query.
    url: String,
    /// The trace that the request began.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    /// The address that the connection led to.
    peer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<ShownTls<'a>>,
    /// Whether the answer is the one that was asked for, and no cause is named.
    succeeded: bool,
    /// To the headers of the response, or to the failure.
    duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<ShownResponse<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<ShownFailure<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_by: Option<ShownAnswerer>,
    /// The members of `proxy-status`, the one nearest to the origin first.
    trail: Vec<Hop>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
struct ShownTls<'a> {
    version: &'a str,
    /// The protocol that the server chose (ALPN).
    protocol: Option<&'a str>,
    certificate: Option<ShownCertificate<'a>>,
    /// Why the certificate would have been refused without `--insecure`.
    #[serde(skip_serializing_if = "Option::is_none")]
    ignored: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
struct ShownCertificate<'a> {
    subject: &'a str,
    issuer: &'a str,
    /// At most 20.
    names: &'a [String],
    not_before: &'a str,
    not_after: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
struct ShownResponse<'a> {
    status: u16,
    /// `HTTP/1.1`
    version: String,
    /// Bytes of the body that came.
    body_bytes: u64,
    /// `complete`, `left` (after 1 MiB), `timed-out` or `broken`.
    body_end: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc_status: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc_message: Option<&'a str>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
struct ShownFailure<'a> {
    /// `resolve`, `connect`, `tls`, `send` or `headers`.
    phase: &'static str,
    message: String,
    /// The TLS alert of the server, as RFC 8446 names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<&'a str>,
    /// The certificate that was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<ShownCertificate<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
struct ShownAnswerer {
    /// `proxy` (it says so), `upstream`, `likely-envoy`, `envoy-or-upstream` or `unknown`.
    author: &'static str,
    /// In words.
    text: String,
    /// The proxy that the client spoke to, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    front: Option<String>,
    /// The headers that say so.
    headers: Vec<(String, String)>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
struct Hop {
    name: String,
    side: Option<&'static str>,
    error: Option<String>,
    code: Option<String>,
    flags: Option<String>,
    details: Option<String>,
    next_hop: Option<String>,
    received_status: Option<u16>,
}

/// Writes one probe.
pub(crate) fn probe(out: &mut dyn Write, probe: &Probe, lang: Lang) -> io::Result<()> {
    let verdicts = answers(&probe.report);
    object(out, &Probed { schema: SCHEMA, lang: lang::tag(lang), probe: ShownProbe::of(probe, lang), verdicts })
}

/// Writes all variants.
pub(crate) fn matrix(out: &mut dyn Write, matrix: &ProbeMatrix, lang: Lang) -> io::Result<()> {
    let variants = matrix.rows.iter().map(|row| ShownVariant {
        variant: row.variant.as_str(),
        fails_as_control: matrix.fails_as_control(row),
        probe: ShownProbe::of(&row.probe, lang),
        causes: row
            .probe
            .report
            .entries
            .iter()
            .map(|entry| NamedCause {
                code: entry.code,
                slug: entry.slug,
                confidence: entry.confidence,
                headline: entry.headline,
            })
            .collect(),
    });
    let left_out = matrix.left_out.iter();
    let left_out =
        left_out.map(|(variant, reason)| LeftOut { variant: variant.as_str(), reason: words::omission(lang, *reason) });
    object(out, &Matrix { schema: SCHEMA, lang: lang::tag(lang), variants: variants.collect(), left_out: left_out.collect() })
}

impl<'a> ShownProbe<'a> {
    fn of(probe: &'a Probe, lang: Lang) -> Self {
        let (request, outcome) = (&probe.request, &probe.outcome);
        let response = outcome.result.as_ref().ok();
        let trace_id = request.trace.as_ref().filter(|_| !outcome.sent.is_empty()).map(|trace| trace.trace_id.as_str());
        Self {
            method: request.sent_method().to_string(),
            url: request.target.shown(),
            trace_id,
            peer: outcome.peer.as_deref(),
            tls: outcome.tls.as_ref().map(|session| ShownTls {
                version: &session.version,
                protocol: session.protocol.as_deref(),
                certificate: session.certificate.as_ref().map(ShownCertificate::of),
                ignored: session.ignored.as_ref().map(|fault| words::fault(lang, fault)),
            }),
            succeeded: probe.is_success(),
            duration_ms: u64::try_from(outcome.duration.as_millis()).unwrap_or(u64::MAX),
            response: response.map(ShownResponse::of),
            failure: outcome.result.as_ref().err().map(|failed| ShownFailure::of(failed, lang)),
            answered_by: response.map(|response| ShownAnswerer::of(response, request, lang)),
            trail: response.map(hops).unwrap_or_default(),
        }
    }
}

impl<'a> ShownCertificate<'a> {
    fn of(certificate: &'a ServerCertificate) -> Self {
        let ServerCertificate { subject, issuer, names, not_before, not_after } = certificate;
        Self { subject, issuer, names, not_before, not_after }
    }
}

impl<'a> ShownResponse<'a> {
    fn of(response: &'a Response) -> Self {
        Self {
            status: response.status,
            version: format!("{:?}", response.version),
            body_bytes: response.length,
            body_end: match response.end {
                BodyEnd::Complete => "complete",
                BodyEnd::Left => "left",
                BodyEnd::TimedOut => "timed-out",
                BodyEnd::Broken(_) => "broken",
            },
            grpc_status: response.grpc_status(),
            grpc_message: response.header("grpc-message"),
        }
    }
}

impl<'a> ShownFailure<'a> {
    fn of(failed: &'a Failure, lang: Lang) -> Self {
        let tls = match failed {
            Failure::Tls(failed) => Some(failed),
            _ => None,
        };
        Self {
            phase: words::phase(failed),
            message: words::failure(lang, failed),
            alert: tls.and_then(|failed| if let TlsFailure::Alert { name, .. } = failed { Some(name.as_str()) } else { None }),
            certificate: tls.and_then(|failed| match failed {
                TlsFailure::Certificate { certificate, .. } => certificate.as_deref().map(ShownCertificate::of),
                _ => None,
            }),
        }
    }
}

impl ShownAnswerer {
    fn of(response: &Response, request: &Request, lang: Lang) -> Self {
        let Answerer { author, front, signs } = Answerer::of(response, request);
        Self {
            author: words::author_word(&author),
            text: words::author(lang, &author),
            front: front.map(|front| words::front(lang, front)),
            headers: signs,
        }
    }
}

fn hops(response: &Response) -> Vec<Hop> {
    let hop = |member: meshwhy_core::proxy_status::StatusMember| Hop {
        name: member.name,
        side: member.side.map(meshwhy_core::Side::as_str),
        error: member.error,
        code: member.code,
        flags: member.flags.map(|flags| flags.to_string()),
        details: member.details,
        next_hop: member.next_hop,
        received_status: member.received_status,
    };
    response.trail().into_iter().map(hop).collect()
}
