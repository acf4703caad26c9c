//! `Proxy-Status` headers as a client sees them: `curl -i`, `curl -v`, or the value alone.
//!
//! A header with a member of ours is about one reply, made by one proxy; any other one is read member by member.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use meshwhy_core::node_id::pod_and_namespace;
use meshwhy_core::proxy_status::{self, StatusMember};
use meshwhy_core::{Cause, Context, Decisive, Facts, Flag, ResponseFlags};

const NAME: &str = "proxy-status";

static OURS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("; mw-"));
static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("error="));

/// Reads one header line; one entry per member that says what failed, the author's alone where it is ours, none when the
/// line is no such header.
///
/// Without the header's name a line counts only when a member carries a cause or a side of ours or a registered error type:
/// application logs hold `error=` too.
pub(crate) fn parse(line: &str) -> Vec<Facts<'static>> {
    let line = line.trim_start_matches("< ").trim();
    let named = line.split_once(':').filter(|(name, _)| name.trim().eq_ignore_ascii_case(NAME));
    let holds = |parameter: &Finder<'_>| parameter.find(line.as_bytes()).is_some();
    if named.is_none() && !holds(&OURS) && !holds(&ERROR) {
        return Vec::new();
    }
    let members = proxy_status::read(named.map_or(line, |(_, value)| value));
    if let Some(author) = proxy_status::author(&members).filter(|author| named.is_some() || is_ours_or_registered(author)) {
        return vec![own(author)];
    }
    members.into_iter().filter(|member| named.is_some() || is_ours_or_registered(member)).filter_map(facts).collect()
}

/// Whether the line is such a header and none of its members is ours.
pub(crate) fn holds_hops(line: &str) -> bool {
    let value = line.split_once(':').map_or(line, |(_, value)| value);
    !parse(line).is_empty() && author(std::iter::once(value)).is_none()
}

/// What the proxy of ours wrote that made the reply with these headers.
pub(crate) fn author<'a>(values: impl Iterator<Item = &'a str>) -> Option<Facts<'static>> {
    let members: Vec<StatusMember> = values.flat_map(proxy_status::read).collect();
    proxy_status::author(&members).map(own)
}

/// The facts of a member of ours; its details are one text.
fn own(member: &StatusMember) -> Facts<'static> {
    if let Some(record) = &member.record {
        let mut facts = record.facts.clone();
        facts.upstream_host = facts.upstream_host.take().or_else(|| member.next_hop.clone().map(Into::into));
        return facts;
    }
    let silent = member.code.is_none() && member.details.is_none();
    Facts {
        decisive: Decisive {
            flags: member.flags.or_else(|| member.error.as_deref().filter(|_| silent).and_then(flag)),
            details: member.details.clone().map(Into::into),
            annotated_code: member.code.clone().map(Into::into),
            upstream_host: member.next_hop.clone().map(Into::into),
            route: member.route.clone().map(Into::into),
            side: member.side,
            ..Decisive::default()
        },
        context: Context { record_refused: member.record_refused.then_some(true), ..speaker(&member.name) },
    }
}

/// Who speaks, by the name in the member.
fn speaker(name: &str) -> Context<'static> {
    let (pod, namespace) = pod_and_namespace(name).unzip();
    let own = |text: &str| text.to_owned().into();
    Context { pod: pod.map(own), namespace: namespace.map(own), ..Context::default() }
}

fn is_ours_or_registered(member: &StatusMember) -> bool {
    member.side.is_some()
        || member.code.as_deref().is_some_and(|code| Cause::find(code).is_some())
        || member.error.as_deref().is_some_and(|error| flag(error).is_some() || TYPES_WITHOUT_FLAG.contains(&error))
}

fn facts(member: StatusMember) -> Option<Facts<'static>> {
    let (details, termination_details, flags) = member.details.as_deref().map(split).unwrap_or_default();
    let flags = flags.or_else(|| {
        details.is_none().then(|| member.error.as_deref().and_then(flag)).flatten().filter(|_| member.code.is_none())
    });
    if member.code.is_none() && details.is_none() && flags.is_none() {
        return None;
    }
    let context = speaker(&member.name);
    Some(Facts {
        decisive: Decisive {
            flags,
            details: details.map(Into::into),
            termination_details: termination_details.map(Into::into),
            annotated_code: member.code.map(Into::into),
            upstream_host: member.next_hop.map(Into::into),
            side: member.side,
            ..Decisive::default()
        },
        context,
    })
}

type Details = (Option<String>, Option<String>, Option<ResponseFlags>);

/// Splits what Envoy writes itself: `CODE_DETAILS; TERMINATION_DETAILS; FLAGS`, each of them optional.
fn split(text: &str) -> Details {
    let mut parts: Vec<&str> = text.split("; ").map(str::trim).filter(|part| !part.is_empty()).collect();
    let flags = parts.last().filter(|last| last.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b','));
    let flags = flags.and_then(|last| ResponseFlags::parse(last));
    if flags.is_some() {
        parts.pop();
    }
    let mut parts = parts.into_iter().map(str::to_owned);
    (parts.next(), parts.next(), flags)
}

/// The error types that Envoy writes for more than one flag, and those that it never writes.
const TYPES_WITHOUT_FLAG: [&str; 7] = [
    "connection_refused",
    "connection_timeout",
    "http_request_denied",
    "proxy_configuration_error",
    "proxy_internal_error",
    "tls_certificate_error",
    "tls_protocol_error",
];

/// The response flag behind an error type that Envoy writes itself, where there is only one.
///
/// Source: Envoy `source/common/stream_info/utility.cc`, `ProxyStatusUtils::fromStreamInfo`, 1.30–1.40.
fn flag(error: &str) -> Option<ResponseFlags> {
    let flag = match error {
        "destination_not_found" => Flag::NR,
        "connection_limit_reached" => Flag::UO,
        "connection_terminated" => Flag::UC,
        "http_protocol_error" => Flag::UPE,
        "http_response_timeout" => Flag::UT,
        "http_request_error" => Flag::DPE,
        "destination_unavailable" => Flag::UH,
        _ => return None,
    };
    Some(ResponseFlags(flag.mask()))
}
