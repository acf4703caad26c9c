//! Reads a `Proxy-Status` header, and what it says of the reply that carries it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::causes::{Cause, Nature};
use crate::cluster_name::ClusterName;
use crate::details::{Details, Word};
use crate::facts::{Decisive, Facts, Side};
use crate::flags::ResponseFlags;
use crate::judge;
use crate::record::{self, Record};

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
    /// Our `mw`: the record of the failure, where it fits the rest of the member.
    pub record: Option<Box<Record>>,
    /// Whether there is a record that is none, or that says something else than the rest.
    pub record_refused: bool,
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

    /// Takes the text of a record, unless that contradicts what the member says beside it or what its own facts show: a header can be
    /// written by anybody, and only what fits together is believed.
    fn take_record(&mut self, text: &str) {
        let record = record::decode(text).filter(|record| {
            let facts = &record.facts;
            let details = || facts.details.as_ref().map(|details| details.replace(' ', "_"));
            let own = judge(&Decisive { annotated_code: None, ..facts.decisive.clone() }).map(|verdict| verdict.cause.code);
            self.is_ours()
                && own == self.code.as_deref()
                && record.code == self.code
                && (self.side.is_none() || self.side == facts.side)
                && (self.flags.is_none() || self.flags == facts.flags)
                && (self.details.is_none() || self.details == details())
        });
        self.record_refused = record.is_none();
        self.record = record.map(Box::new);
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
    // What no condition may take for the author's, but by its record.
    facts.upstream_transport_failure = author.record.as_ref().and_then(|record| record.facts.upstream_transport_failure.clone());
    facts.context.record_refused = author.record_refused.then_some(true);
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
        sfv::BareItem::ByteSequence(bytes) => String::from_utf8(bytes.clone()).unwrap_or_default(),
        _ => String::new(),
    }
}

fn lenient(value: &str) -> Vec<StatusMember> {
    let members = split(value, ',').into_iter().map(|text| {
        let mut parts = split(text, ';').into_iter().map(str::trim);
        let name = unquote(parts.next().unwrap_or_default());
        let params = parts.filter_map(|part| part.split_once('=')).map(|(key, value)| (key.trim(), plain(value.trim())));
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

/// The text of a string or of a byte sequence.
fn plain(value: &str) -> String {
    match value.strip_prefix(':').and_then(|value| value.strip_suffix(':')) {
        Some(base64) => STANDARD.decode(base64).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default(),
        None => unquote(value),
    }
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
    let mut record = None;
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
            "mw" => record = Some(value),
            _ => {}
        }
    }
    if let Some(record) = record {
        member.take_record(&record);
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

    #[test]
    fn a_record_is_believed_where_it_fits_the_rest_of_its_member() {
        let facts = Facts::from(Decisive {
            status: Some(503),
            flags: ResponseFlags::parse("UF"),
            side: Some(Side::Outbound),
            details: Some("upstream_reset_before_response_started{remote_connection_failure|delayed connect error: 111}".into()),
            upstream_host: Some("10.0.0.7:8080".into()),
            ..Decisive::default()
        });
        let verdict = judge(&facts).unwrap();
        let record = record::encode(&facts, Some(&verdict), 1, 0);
        let annotation = crate::proxy_status::Annotation {
            name: "cart-1.shop",
            cause: verdict.cause,
            facts: &facts,
            next_hop: None,
            record: Some(&record),
            level: crate::proxy_status::Level::Full,
        };
        let header = annotation.encode().unwrap();
        let taken = |header: &str| {
            let members = read(header);
            (members[0].record.is_some(), members[0].record_refused)
        };
        assert_eq!(taken(&header), (true, false));
        // The lenient reader, too.
        assert_eq!(taken(&format!("{header}, x=\"")), (true, false));
        for forged in [
            header.replace("mw-cause=MW3002", "mw-cause=MW2002"),
            header.replace("mw-flags=\"UF\"", "mw-flags=\"UH\""),
            header.replace("mw=:", "mw=:AAAA"),
            "\"cart-1.shop\"; mw-cause=MW3002; mw=:e30=:".to_owned(),
            "\"cart-1.shop\"; mw-cause=MW3002; mw=1".to_owned(),
        ] {
            assert_eq!(taken(&forged), (false, true), "{forged}");
        }
    }
}
