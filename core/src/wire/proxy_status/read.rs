//! Reads a `Proxy-Status` header, and what it says of the reply that carries it.

use crate::causes::{Cause, Nature};
use crate::cluster_name::ClusterName;
use crate::details::{Details, Word};
use crate::facts::{Facts, Side};
use crate::flags::ResponseFlags;

/// One member of a header that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusMember {
    /// The intermediary that wrote it.
    pub name: String,
    /// RFC 9209 `error`.
    pub error: Option<String>,
    /// Our cause code.
    pub code: Option<String>,
    /// Our side.
    pub side: Option<Side>,
    /// The response flags of the reply, as Envoy prints them; our `mw-flags`.
    pub flags: Option<ResponseFlags>,
    /// The route that made the reply; our `mw-route`.
    pub route: Option<String>,
    /// RFC 9209 `details`.
    pub details: Option<String>,
    /// RFC 9209 `next-hop`.
    pub next_hop: Option<String>,
    /// RFC 9209 `received-status`.
    pub received_status: Option<u16>,
}

impl StatusMember {
    /// Whether a proxy of ours wrote it: nobody else writes parameters that begin with `mw-`.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        self.code.is_some() || self.side.is_some() || self.flags.is_some() || self.route.is_some()
    }

    /// Whether it tells why the request failed, and not only that the hop passed something on.
    #[must_use]
    pub const fn gives_reason(&self) -> bool {
        self.error.is_some() || self.code.is_some() || self.flags.is_some() || self.details.is_some()
    }

    fn is_of_telemetry(&self) -> bool {
        self.code.as_deref().and_then(Cause::find).is_some_and(|cause| cause.nature == Nature::Telemetry)
    }
}

/// The member of the proxy of ours that made the reply: the first that tells why, since inner members come first and who
/// passes a reply on adds nothing but that it did.
#[must_use]
pub fn author(members: &[StatusMember]) -> Option<&StatusMember> {
    let ours = || members.iter().filter(|member| member.is_ours());
    ours()
        .find(|member| member.flags.is_some() || member.details.is_some())
        .or_else(|| ours().find(|member| member.gives_reason()))
}

/// Puts what the author of a reply tells in place of what the hop that passed it on knows of its own, healthy exchange.
///
/// # Shape
/// The facts stay those of the hop as to who asked for what; flags, details, route, side and code are the author's, who is named
/// in [`Decisive::relayed_from`].
fn relay(author: &StatusMember, facts: &mut Facts<'_>) {
    facts.relayed_from = Some(author.name.clone().into());
    facts.annotated_code = author.code.clone().map(Into::into);
    facts.flags = author.flags;
    facts.details = author.details.clone().map(Into::into);
    facts.route = author.route.clone().map(Into::into);
    facts.side = author.side;
    // What no condition may take for the author's.
    facts.upstream_transport_failure = None;
    facts.virtual_host = None;
    facts.context.local_reply_owner = None;
    facts.upstream_reused = None;
    facts.upstream_connection_age_us = None;
    facts.grpc_status = None;
    let special = |cluster: &str| matches!(ClusterName::parse(cluster), ClusterName::Special(_));
    facts.cluster = facts.cluster.take().filter(|cluster| !special(cluster));
}

/// Puts in what a header tells that stands in the log of a request.
///
/// A reply of the upstream that carries a member of ours was made by that proxy, which always tells its side; a member without one is
/// the application's own invention. In a reply of the hop's own the last member that names a cause is the hop's: each appends its
/// own. What a member says of trace context explains no failure.
pub fn complete(facts: &mut Facts<'_>, header: &str) {
    let mut members = read(header);
    members.retain(|member| !member.is_of_telemetry());
    if facts.parsed_details() == Some(Details::Word(Word::ViaUpstream)) {
        members.retain(|member| member.side.is_some());
        if let Some(author) = author(&members) {
            relay(author, facts);
        }
    } else {
        facts.annotated_code = members.into_iter().rev().find_map(|member| member.code).map(Into::into);
    }
}

/// Reads a header value, strictly first and leniently second.
///
/// # Shape
/// Members in header order: nearest the origin first. The lenient reader takes Envoy's C-style escapes, bare names that are
/// no tokens, and `error` as a string; it gives nothing for text without any parameter of RFC 9209 or ours.
#[must_use]
pub fn read(value: &str) -> Vec<StatusMember> {
    match strict(value) {
        Some(members) => members,
        None => lenient(value),
    }
}

fn strict(value: &str) -> Option<Vec<StatusMember>> {
    let list: sfv::List = sfv::Parser::new(value).parse().ok()?;
    let members = list.iter().filter_map(|entry| match entry {
        sfv::ListEntry::Item(item) => {
            let params = item.params.iter().map(|(key, value)| (key.as_str(), bare(value)));
            Some(member(bare(&item.bare_item), params))
        }
        sfv::ListEntry::InnerList(_) => None,
    });
    Some(members.filter(says_something).collect())
}

fn bare(item: &sfv::BareItem) -> String {
    match item {
        sfv::BareItem::Token(token) => token.as_str().to_owned(),
        sfv::BareItem::String(string) => string.as_str().to_owned(),
        sfv::BareItem::Integer(integer) => i64::from(*integer).to_string(),
        _ => String::new(),
    }
}

fn lenient(value: &str) -> Vec<StatusMember> {
    let members = split(value, ',').into_iter().map(|text| {
        let mut parts = split(text, ';').into_iter().map(str::trim);
        let name = unquote(parts.next().unwrap_or_default());
        let params = parts.filter_map(|part| part.split_once('=')).map(|(key, value)| (key.trim(), unquote(value.trim())));
        member(name, params.collect::<Vec<_>>())
    });
    members.filter(says_something).collect()
}

/// Splits at `separator` outside quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut in_quotes, mut escaped) = (Vec::new(), 0, false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if in_quotes => escaped = true,
            '"' => in_quotes = !in_quotes,
            _ if letter == separator && !in_quotes => {
                parts.extend(text.get(start..at));
                start = at + letter.len_utf8();
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts
}

fn unquote(text: &str) -> String {
    let inner = text.strip_prefix('"').map_or(text, |rest| rest.strip_suffix('"').unwrap_or(rest));
    let (mut plain, mut escaped) = (String::with_capacity(inner.len()), false);
    for letter in inner.chars() {
        if letter == '\\' && !escaped {
            escaped = true;
        } else {
            plain.push(letter);
            escaped = false;
        }
    }
    plain
}

fn member<'a>(name: String, params: impl IntoIterator<Item = (&'a str, String)>) -> StatusMember {
    let mut member = StatusMember { name, ..StatusMember::default() };
    for (key, value) in params {
        match key {
            "error" => member.error = Some(value),
            "mw-cause" => member.code = Some(value),
            "mw-side" => member.side = Side::parse(&value),
            "mw-flags" => member.flags = ResponseFlags::parse(&value).filter(|flags| !flags.is_empty()),
            "mw-route" => member.route = Some(value),
            "details" => member.details = Some(value),
            "next-hop" => member.next_hop = Some(value),
            "received-status" => member.received_status = value.parse().ok(),
            _ => {}
        }
    }
    member
}

fn says_something(member: &StatusMember) -> bool {
    member.error.is_some() || member.is_ours() || member.details.is_some() || member.received_status.is_some()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::facts::Decisive;

    #[test]
    fn missing_trace_context_explains_no_failure() {
        let reply = |header: &str| {
            let mut facts = Facts::from(Decisive {
                details: Some("upstream_reset_after_response_started{protocol_error}".into()),
                ..Decisive::default()
            });
            complete(&mut facts, header);
            facts.decisive.annotated_code.map(Cow::into_owned)
        };
        assert_eq!(reply(r#""a.b"; mw-cause=MW8001; mw-side=outbound"#), None);
        assert_eq!(reply(r#""a.b"; mw-cause=MW5002, "a.b"; mw-cause=MW8001"#).as_deref(), Some("MW5002"));
    }

    #[test]
    fn an_application_that_invents_a_cause_is_not_believed() {
        let reply = |header: &str| {
            let mut facts = Facts::from(Decisive { details: Some("via_upstream".into()), ..Decisive::default() });
            complete(&mut facts, header);
            (facts.decisive.annotated_code.map(Cow::into_owned), facts.decisive.relayed_from.map(Cow::into_owned))
        };
        assert_eq!(reply("app; mw-cause=MW4001"), (None, None));
        let ours = reply(r#""a.b"; mw-cause=MW4001; mw-side=inbound; details="rbac_access_denied_matched_policy[none]""#);
        assert_eq!(ours, (Some("MW4001".to_owned()), Some("a.b".to_owned())));
    }

    #[test]
    fn strict_and_lenient_readers() {
        let strict = read("\"a.b\"; error=http_request_error; mw-cause=MW1001; mw-side=inbound, gw; received-status=426");
        assert_eq!(strict[0].code.as_deref(), Some("MW1001"));
        assert_eq!(strict[1].received_status, Some(426));
        let envoy = read("sidecar~10.0.0.1~a.b~b.svc; error=\"http_protocol_error\"; details=\"x\\'y; UPE\"");
        assert_eq!(envoy[0].error.as_deref(), Some("http_protocol_error"));
        assert_eq!(envoy[0].details.as_deref(), Some("x'y; UPE"));
        assert_eq!(read("hello, world"), []);
    }
}
