//! The bodies of Envoy's local replies, wherever they turn up: in a response, a client's error, a log.
//!
//! Source: `sendLocalReply` calls in Envoy 1.10–1.40; `jwt_verify_lib` `getStatusString`; Istio's Mixer client and
//! authentication filters (1.0–1.4).

use std::borrow::Cow;

use meshwhy_core::details::Reset;
use meshwhy_core::transport;
use meshwhy_core::{Decisive, Facts};

use super::phrase::{Phrase, PhraseHit, detailed, details, read};
use super::transport_text;
use super::words::{first, message};

const CONNECT_ERROR: &str = "upstream connect error or disconnect/reset before headers";
const RETRIED: &str = ". retried and the latest reset reason: ";
const RESET: &str = ". reset reason: ";
const TRANSPORT: &str = ", transport failure reason: ";
const BEFORE_RESPONSE: &str = "upstream_reset_before_response_started";

pub(super) const PHRASES: &[Phrase] = &[
    read(CONNECT_ERROR, connect_error),
    read("disconnect/reset before headers", connect_error),
    read("upstream connect error with", connect_error_with),
    read("reset reason:", reset_reason),
    read("UNAVAILABLE:", mixer),
    read("PERMISSION_DENIED:", mixer),
    read("RESOURCE_EXHAUSTED:", mixer),
    details("no healthy upstream", "no_healthy_upstream"),
    details("upstream request timeout", "response_timeout"),
    details("RBAC: access denied", "rbac_access_denied_matched_policy[]"),
    details("upstream max stream duration reached", "upstream_max_stream_duration_reached"),
    details("downstream duration timeout", "max_duration_timeout"),
    details("fault filter abort", "fault_filter_abort"),
    details("envoy overloaded", "overload"),
    details("maintenance mode", "maintenance_mode"),
    details("Dynamic forward proxy pending request overflow", "dynamic_forward_proxy_pending_request_overflow"),
    details("denied by ext_authz", "ext_authz_denied"),
    details("stream timeout", "stream_idle_timeout"),
    read("Jwt ", jwt_status),
    read("Jwks ", jwt_status),
    read("Audiences in Jwt are not allowed", jwt_status),
    read("Found multiple Jwt tokens", jwt_status),
    details("Origin authentication failed.", "jwt_authn_access_denied{Origin_authentication_failed.}"),
];

/// Bodies that are said as a whole, since their words are anybody's; with status and details.
const WHOLE: &[(&str, Option<u16>, &str)] = &[
    ("Upgrade Required", Some(426), "low_version"),
    ("Payload Too Large", Some(413), "request_payload_too_large"),
    ("request timeout", None, "request_overall_timeout"),
    ("request header timeout", None, "request_header_timeout"),
    ("DNS resolution failure", None, "dns_resolution_failure"),
    ("Invalid origin", Some(403), "csrf_origin_mismatch"),
];

/// Reads a body that is nothing but what Envoy writes.
pub(super) fn whole(text: &str) -> Option<Facts<'_>> {
    let text = text.trim().trim_matches(['"', '`']);
    if let Some(reset) = Reset::parse(text).filter(|_| text.contains([' ', '_'])) {
        return Some(detailed(format!("{BEFORE_RESPONSE}{{{}}}", reset.as_str())));
    }
    let (_, status, details) = WHOLE.iter().find(|(body, ..)| *body == text)?;
    Some(Facts::from(Decisive { status: *status, details: Some((*details).into()), ..Decisive::default() }))
}

/// The details of the local reply whose body is as long as this and whose status this is, if there is but one.
pub(super) fn by_length(status: u16, length: usize) -> Option<Cow<'static, str>> {
    let mut found: Vec<Cow<'static, str>> = Vec::new();
    let exact = EXACT.iter().filter(|(of, body, _)| *of == status && body.len() == length).map(|(.., details)| *details);
    found.extend(exact.map(Cow::Borrowed));
    // An overloaded proxy resets streams long after it refuses them; its reason is as long as a common one's.
    for reset in Reset::ALL.iter().filter(|reset| **reset != Reset::OverloadManagerReset) {
        let of = if *reset == Reset::ProtocolError { 502 } else { 503 };
        let lengths = [RESET, RETRIED].map(|words| [CONNECT_ERROR, words, reset.as_str()].iter().map(|part| part.len()).sum());
        if of == status && lengths.contains(&length) {
            found.push(format!("{BEFORE_RESPONSE}{{{}}}", reset.as_str()).into());
        }
    }
    found.dedup();
    if found.len() == 1 { found.pop() } else { None }
}

/// Bodies of one length: `connection failure` up to Envoy 1.26, `connection timeout` since.
pub(super) fn is_failed_connection(status: u16, length: usize) -> bool {
    let text = Reset::ConnectionTimeout.as_str();
    status == 503 && [RESET, RETRIED].iter().any(|words| CONNECT_ERROR.len() + words.len() + text.len() == length)
}

const EXACT: &[(u16, &str, &str)] = &[
    (503, "no healthy upstream", "no_healthy_upstream"),
    (503, CONNECT_ERROR, BEFORE_RESPONSE),
    (503, "envoy overloaded", "overload"),
    (503, "maintenance mode", "maintenance_mode"),
    (504, "upstream request timeout", "response_timeout"),
    (504, "downstream duration timeout", "max_duration_timeout"),
    (504, "stream timeout", "stream_idle_timeout"),
    (408, "stream timeout", "stream_idle_timeout"),
    (408, "request timeout", "request_overall_timeout"),
    (408, "request header timeout", "request_header_timeout"),
    (408, "downstream duration timeout", "max_duration_timeout"),
    (403, "RBAC: access denied", "rbac_access_denied_matched_policy[]"),
    (429, "local_rate_limited", "local_rate_limited"),
    (426, "Upgrade Required", "low_version"),
    (413, "Payload Too Large", "request_payload_too_large"),
    (400, "Bad Request", "http1.codec_error"),
    (401, "Jwt is missing", "jwt_authn_access_denied{Jwt_is_missing}"),
    (401, "Jwt verification fails", "jwt_authn_access_denied{Jwt_verification_fails}"),
    (401, "Jwt issuer is not configured", "jwt_authn_access_denied{Jwt_issuer_is_not_configured}"),
    (401, "Jwt not yet valid", "jwt_authn_access_denied{Jwt_not_yet_valid}"),
    (401, "Jwks remote fetch is failed", "jwt_authn_access_denied{Jwks_remote_fetch_is_failed}"),
    (403, "Audiences in Jwt are not allowed", "jwt_authn_access_denied{Audiences_in_Jwt_are_not_allowed}"),
];

fn connect_error(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let reason = [RETRIED, RESET].iter().find_map(|words| hit.after.strip_prefix(words));
    let bare = || detailed(BEFORE_RESPONSE);
    Some(reason.and_then(reset).or_else(|| transport_text::find(hit.after)).unwrap_or_else(bare))
}

/// The end of the body, to which people cut it down; the router logs the same words.
fn reset_reason(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    reset(hit.after)
}

/// People shorten the body to `upstream connect error with TLS error: …`.
fn connect_error_with(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    transport_text::find(hit.after)
}

/// Reads `RESET` or `RESET, transport failure reason: TRANSPORT` at the start of the text.
fn reset(text: &str) -> Option<Facts<'_>> {
    let text = text.trim_start();
    let begins = |reset: &&Reset| {
        let head = text.get(..reset.as_str().len());
        head.is_some_and(|head| Reset::parse(head) == Some(**reset))
    };
    let reset = Reset::ALL.iter().filter(begins).max_by_key(|reset| reset.as_str().len())?;
    let rest = text.get(reset.as_str().len()..)?;
    let said = rest.strip_prefix(TRANSPORT).map(transport_text::cut).filter(|said| transport::parse(said).is_some());
    let details = match said {
        Some(transport) => format!("{BEFORE_RESPONSE}{{{}|{}}}", reset.as_str(), transport.replace(' ', "_")),
        None => format!("{BEFORE_RESPONSE}{{{}}}", reset.as_str()),
    };
    Some(Facts::from(Decisive {
        details: Some(details.into()),
        upstream_transport_failure: said.map(Into::into),
        ..Decisive::default()
    }))
}

/// What the policy check of Istio 1.0–1.4 answered, `CODE:MESSAGE`; a gRPC client puts a space behind the colon.
fn mixer(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let word = first(hit.after).filter(|_| !hit.after.starts_with([' ', '"']))?;
    let start = hit.line.message.len().checked_sub(hit.after.len())?;
    let code = hit.line.message.get(hit.before.len()..start)?;
    if code.eq_ignore_ascii_case("RESOURCE_EXHAUSTED:") {
        let quota = word.starts_with("Quota");
        return quota.then(|| Facts::from(Decisive { details: Some("request_rate_limited".into()), ..Decisive::default() }));
    }
    let text = message(hit.line.message.get(hit.before.len()..)?);
    Some(Facts::from(Decisive { policy_status: Some(text.into()), ..Decisive::default() }))
}

/// Words of the JWT library behind `Jwt ` or `Jwks `, so that a sentence about tokens is none of them.
const JWT: &[&str] = &[
    "Jwt is missing",
    "Jwt is expired",
    "Jwt not yet valid",
    "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections",
    "Jwt is not in the form of Header.Payload.Signature",
    "Jwt header is an invalid Base64url encoded",
    "Jwt header is an invalid JSON",
    "Jwt header [alg] field is required and must be a string",
    "Jwt header [alg] is not supported",
    "Jwt header [kid] field is not a string",
    "Jwt payload is an invalid Base64url encoded",
    "Jwt payload is an invalid JSON",
    "Jwt payload [iss] field is not a string",
    "Jwt payload [exp] field is not an integer",
    "Jwt payload [nbf] field is not an integer",
    "Jwt payload [aud] field is not a string or string list",
    "Jwt signature is an invalid Base64url encoded",
    "Jwt issuer is not configured",
    "Jwt verification fails",
    "Audiences in Jwt are not allowed",
    "Found multiple Jwt tokens",
    "Jwks is an invalid JSON",
    "Jwks does not have [keys] field",
    "Jwks doesn't have any valid public key",
    "Jwks doesn't have key to match kid or alg from Jwt",
];

fn jwt_status(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let text = hit.line.message.get(hit.before.len()..)?;
    let status = JWT.iter().find(|status| text.get(..status.len()).is_some_and(|head| head.eq_ignore_ascii_case(status)))?;
    Some(jwt(status))
}

/// The details that the JWT filter logs for a status of its library.
pub(super) fn jwt<'a>(status: &str) -> Facts<'a> {
    detailed(format!("jwt_authn_access_denied{{{}}}", status.replace(' ', "_")))
}
