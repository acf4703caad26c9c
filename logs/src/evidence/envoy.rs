//! Envoy's application log, and istiod's where both do the same work.
//!
//! Source: `ENVOY_LOG` and `ENVOY_CONN_LOG` texts of Envoy 1.10–1.40 (`source/common/{router,http,network,upstream}`,
//! `source/extensions/filters`), Istio `pilot/pkg/model/jwks_resolver.go`.

use meshwhy_core::details;
use meshwhy_core::event::Event;
use meshwhy_core::{Decisive, Facts, Flag, ResponseFlags};

use super::local_reply;
use super::phrase::{Phrase, PhraseHit, detailed, details as with_details, event, happened, read};
use super::words::{first, holds, holds_any, message, status};

/// Signing keys; before certificates, which may be why they could not be fetched.
pub(super) const JWKS: &[Phrase] = &[
    read("fetch pubkey", fetched),
    event("Jwks remote fetch is failed", Event::JwksFetchFailed),
    event("Jwks async fetching url", Event::JwksFetchFailed),
    event("Failed to fetch public key from", Event::JwksFetchFailed),
    event("Failed to fetch jwt public key", Event::JwksFetchFailed),
    event("Failed to fetch jwks_uri from", Event::JwksFetchFailed),
    event("Failed to refresh JWT public key", Event::JwksFetchFailed),
    event("The JWKS key is not yet fetched", Event::JwksFetchFailed),
    event("using a fake JWKS", Event::JwksFetchFailed),
];

pub(super) const PHRASES: &[Phrase] = &[
    read("Sending local reply with details", sent),
    read("response details:", sent),
    read("upstream timeout", router),
    read("upstream per try timeout", router),
    read("upstream per try idle timeout", router),
    read("connect timeout", pool),
    with_details("no healthy host for TCP connection pool", "no_healthy_upstream"),
    with_details("no healthy host for HTTP connection pool", "no_healthy_upstream"),
    with_details("no healthy host for", "no_healthy_upstream"),
    with_details("no route match for URL", "route_not_found"),
    // Up to Envoy 1.17 the router's word for a missing route.
    with_details("no cluster match for URL", "route_not_found"),
    read("unknown cluster '", unknown_cluster),
    with_details("Cluster not found ", "cluster_not_found"),
    with_details("no matching filter chain found", "filter_chain_not_found"),
    read("enforced denied", denied),
    read("Jwt authentication completed with:", jwt),
    read("JWT token verification completed with:", jwt),
    read("c-ares status", dns),
    read("pending requests", resetting),
    event("removing draining listener", Event::XdsWarning),
    read("dispatch error:", dispatch),
    read("Error dispatching received data:", received),
    read("[client]", client),
    read("protocol error: http/1.1 protocol error:", received),
    read("protocol error: ", protocol),
    read("sent reset code=", reset),
    with_details("max pending streams overflow", "upstream_reset_before_response_started{overflow}"),
    with_details("max streams overflow", "upstream_reset_before_response_started{overflow}"),
    with_details("max requests overflow", "upstream_reset_before_response_started{overflow}"),
    with_details("ext_authz filter rejected the request with an error", "ext_authz_error"),
    with_details("ext_authz filter rejected the request. Response status code", "ext_authz_denied"),
    with_details("CheckRequest call failed with status", "ext_authz_error"),
    with_details("rate limit fail, status=", "rate_limiter_error"),
    with_details("Stream max duration time reached", "max_duration_timeout"),
    event("Failed to load Wasm module", Event::WasmLoadFailed),
    event("Failed to load Wasm code", Event::WasmLoadFailed),
    event("Wasm VM failed", Event::WasmLoadFailed),
    // `Function: proxy_on_log failed: Uncaught RuntimeError: unreachable`: a loaded module has trapped and is silent from then on.
    event(" failed: Uncaught RuntimeError", Event::WasmLoadFailed),
    event(" failed: Uncaught RangeError", Event::WasmLoadFailed),
    // `Plugin NAME failed to load` and, unless it fails open, this line from each thread: they follow every reason, good or bad.
    event("Plugin configured to fail closed failed to load", Event::WasmPluginMissing),
    read("createWasm: failed to", wasm),
    read("Wasm remote code fetch is unstable", harmless),
    event("Retry limit exceeded for fetching data from remote data source", Event::WasmLoadFailed),
    event("Unable to create Wasm", Event::WasmLoadFailed),
    event("cannot fetch Wasm module", Event::WasmLoadFailed),
    event("fail to fetch Wasm module", Event::WasmLoadFailed),
    event("failed to fetch Wasm module", Event::WasmLoadFailed),
    event("wasm remote code fetch failed", Event::WasmLoadFailed),
    event("wasm fetch failed", Event::WasmLoadFailed),
    event("Failed to initialize Wasm", Event::WasmLoadFailed),
    event("failed to convert Wasm", Event::WasmLoadFailed),
    read("failed to load", plugin),
    read("headers size exceeds limit", header_limit),
    read("headers count exceeds limit", header_limit),
];

/// The details as Envoy's logger prints them: older ones hold spaces inside their braces.
fn sent(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let text = hit.after.trim_start();
    let braced = text
        .rfind('}')
        .and_then(|end| text.get(..=end))
        .filter(|text| text.find(['{', ' ']).is_some_and(|at| text.get(at..).is_some_and(|rest| rest.starts_with('{'))));
    let text = braced.or_else(|| first(text))?;
    (text != "-" && !details::parse(text).is_success()).then(|| detailed(text))
}

/// Words of the router's own logger; clients and applications use the same ones.
fn router(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    if hit.line.logger != "router" || !message(hit.after).is_empty() {
        return None;
    }
    let per_try = |word: &str| hit.line.message.ends_with(word);
    Some(detailed(match () {
        () if per_try("per try idle timeout") => "upstream_per_try_idle_timeout",
        () if per_try("per try timeout") => "upstream_per_try_timeout",
        () => "response_timeout",
    }))
}

fn pool(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let own = hit.line.logger == "pool" && message(hit.after).is_empty();
    own.then(|| detailed("upstream_reset_before_response_started{connection_timeout}"))
}

fn unknown_cluster(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let cluster = hit.after.split('\'').next().filter(|name| !name.is_empty());
    Some(Decisive { cluster: cluster.map(Into::into), ..detailed("cluster_not_found").decisive }.into())
}

/// `enforced denied, matched policy NAME`; a shadow policy denies nothing.
fn denied(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let policy = hit.after.split_once("matched policy").and_then(|(_, rest)| first(rest)).unwrap_or_default();
    Some(detailed(format!("rbac_access_denied_matched_policy[{policy}]")))
}

fn jwt(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let status = message(hit.after);
    if status.is_empty() || status.eq_ignore_ascii_case("OK") {
        return None;
    }
    Some(local_reply::jwt(status))
}

/// The codec's words for a request or a response; without the logger's name it is more often a request, and nothing more is known.
fn header_limit(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    const TOO_LARGE: u16 = 431;
    if hit.line.logger == "client" {
        return received(PhraseHit { after: hit.line.message.get(hit.before.len()..)?, ..hit });
    }
    Some(Decisive { status: Some(TOO_LARGE), ..Decisive::default() }.into())
}

/// `dns resolution for NAME failed with c-ares status 4`; 0 is success.
fn dns(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let failed = first(hit.after.trim_start_matches([':', '='])).is_some_and(|status| status != "0");
    (failed && holds_any(hit.before, &["dns", "resol"])).then(|| detailed("dns_resolution_failure"))
}

/// The codec client's `disconnect. resetting 2 pending requests`.
fn resetting(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let count = hit.before.trim_end().strip_suffix(|digit: char| digit.is_ascii_digit())?;
    let count = count.trim_end_matches(|digit: char| digit.is_ascii_digit());
    count
        .trim_end()
        .ends_with("disconnect. resetting")
        .then(|| detailed("upstream_reset_before_response_started{connection_termination}"))
}

/// `fetch pubkey [uri = URI]: …`, of Envoy; istiod says it of failures alone.
fn fetched(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let fine = holds_any(hit.after, &[": success", ": start"]) || holds(hit.after, "status code 200");
    (!fine).then(|| happened(Event::JwksFetchFailed))
}

/// The downstream codec, where the connection manager hears of it.
fn dispatch(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let text = message(hit.after);
    (!text.is_empty()).then(|| detailed(format!("codec_error:{text}")))
}

/// The upstream codec, in the words of its client.
fn received(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let text = message(hit.after);
    (!text.is_empty()).then(|| Facts::from(Decisive { upstream_local_close: Some(text.into()), ..Decisive::default() }))
}

fn client(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let (_, text) = hit.after.split_once("protocol error: ")?;
    received(PhraseHit { after: text, ..hit })
}

/// The codec client's line without its head, and not one of another library's.
fn protocol(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let alone = hit.before.trim().is_empty() || hit.line.logger == "client";
    alone.then(|| received(hit)).flatten()
}

/// 2 is INTERNAL_ERROR: what the HTTP/2 codec sends when it will not take a stream's headers.
fn reset(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    (first(hit.after) == Some("2")).then(|| happened(Event::StreamResetByCodec))
}

/// While another plugin fetches the same code, and for ten seconds after a fetch that failed, Envoy goes on without the code and
/// fetches it once more; only the end of that fetch says whether it failed.
fn wasm(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let pending = holds_any(hit.after, &["(in progress)", "(cached)"]);
    Some(happened(if pending { Event::WasmLoadPending } else { Event::WasmLoadFailed }))
}

/// Envoy's `Plugin NAME failed to load`; other software has plugins, too.
fn plugin(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let named = hit.before.split_once("Plugin ").is_some_and(|(_, name)| !name.trim().is_empty());
    (hit.line.logger == "wasm" && named && hit.after.trim().is_empty()).then(|| happened(Event::WasmPluginMissing))
}

/// A warning that Envoy writes whether or not there is reason to.
fn harmless(_: PhraseHit<'_>) -> Option<Facts<'_>> {
    Some(Facts::default())
}

/// Facts of a status that a text names.
pub(super) fn answered<'a>(text: &str) -> Option<Facts<'a>> {
    status(text)
        .filter(|status| *status >= 400)
        .map(|status| Facts::from(Decisive { status: Some(status), ..Decisive::default() }))
}

/// Facts of a flag that a text implies.
pub(super) fn flagged<'a>(flag: Flag) -> Facts<'a> {
    Facts::from(Decisive { flags: Some(ResponseFlags(flag.mask())), ..Decisive::default() })
}
