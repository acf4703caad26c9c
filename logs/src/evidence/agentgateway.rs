//! agentgateway, which Istio ships as a data plane since 1.30: its request log, `key=value` or JSON.
//!
//! Source: agentgateway `crates/agentgateway/src/proxy/mod.rs` (`ProxyResponseReason`, `ProxyError`) and `telemetry/log.rs`, 1.0.

use std::borrow::Cow;

use meshwhy_core::{Context, Decisive, Facts};

use super::phrase::{Phrase, PhraseHit, detailed, read};
use super::words::{first, holds, holds_any, status};
use super::ztunnel::{pair, transport};

pub(super) const PHRASES: &[Phrase] = &[read("reason=", reason_alone)];

/// The key that every line of a request has.
pub(super) const MARK: &str = "http.status";

/// Reads a line of its request log, failed or not.
pub(super) fn access(text: &str) -> Option<Facts<'_>> {
    memchr::memmem::find(text.as_bytes(), MARK.as_bytes())?;
    structured(&|key| pair(text, key).map(Cow::Borrowed))
}

/// Reads the same of its JSON log, whose keys `get` looks up.
pub(super) fn structured<'a>(get: &dyn Fn(&str) -> Option<Cow<'a, str>>) -> Option<Facts<'a>> {
    let code = status(&get(MARK)?)?;
    get("src.addr")?;
    ["gateway", "listener", "bind"].iter().find_map(|key| get(key))?;
    let error = get("error").unwrap_or_default();
    let base = get("reason").and_then(|reason| failure(&reason, &error).map(Facts::into_owned));
    let base = base.filter(|_| code >= 400).unwrap_or_default();
    Some(Facts {
        decisive: Decisive {
            status: Some(code),
            duration_ms: get("duration").and_then(|text| text.strip_suffix("ms")?.parse().ok()),
            route: get("route"),
            upstream_host: get("endpoint"),
            ..base.decisive
        },
        context: Context {
            method: get("http.method"),
            authority: get("http.host"),
            path: get("http.path"),
            downstream_remote_address: get("src.addr"),
            proxy: Some("agentgateway".into()),
            ..base.context
        },
    })
}

/// A reason by itself, unless other software uses the word, too.
fn reason_alone(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    const ANYBODYS: [&str; 4] = ["NotFound", "Timeout", "Authorization", "Internal"];
    let reason = first(hit.after).filter(|reason| !ANYBODYS.contains(reason))?;
    failure(reason, "").map(Facts::into_owned)
}

/// What Envoy would have said; `None` where the upstream answered, or where the reason says nothing.
fn failure<'a>(reason: &str, error: &'a str) -> Option<Facts<'a>> {
    let says = |words: &str| holds(error, words);
    Some(match reason {
        "NotFound" if says("service not found") => detailed("cluster_not_found"),
        "NotFound" => detailed("route_not_found"),
        "NoHealthyBackend" if says("DNS resolution") => detailed("dns_resolution_failure"),
        "NoHealthyBackend" if holds_any(error, &["does not exist", "no valid backends"]) => detailed("cluster_not_found"),
        "NoHealthyBackend" => detailed("no_healthy_upstream"),
        "DirectResponse" => detailed("direct_response"),
        "JwtAuth" => detailed("jwt_authn_access_denied{}"),
        "BasicAuth" => detailed("no_credential_for_basic_auth"),
        "APIKeyAuth" => detailed("missing_api_key"),
        "ExtAuth" => detailed("ext_authz_denied"),
        "Authorization" if says("CSRF") => detailed("csrf_origin_mismatch"),
        "Authorization" => detailed("rbac_access_denied_matched_policy[none]"),
        "Timeout" => detailed("response_timeout"),
        "ExtProc" => detailed("ext_proc_error_gRPC_error"),
        "RateLimit" if says("rate limit failed") => detailed("rate_limiter_error"),
        "RateLimit" => detailed("request_rate_limited"),
        "UpstreamFailure" => match transport(error) {
            Some(transport) => Decisive { upstream_transport_failure: Some(transport.into()), ..Decisive::default() }.into(),
            None if holds_any(error, &["connection closed", "reset by peer", "broken pipe"]) => {
                detailed("upstream_reset_before_response_started{connection_termination}")
            }
            None => detailed("upstream_reset_before_response_started{connection_failure}"),
        },
        _ => return None,
    })
}
