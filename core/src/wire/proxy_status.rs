//! The `Proxy-Status` member (RFC 9209): how the annotation is written, and how any such header is read.

use crate::causes::Cause;
#[cfg(feature = "texts")]
use crate::causes::Nature;
#[cfg(feature = "texts")]
use crate::cluster_name::ClusterName;
use crate::condition::RouteName;
#[cfg(feature = "texts")]
use crate::details::Details;
use crate::details::Word;
#[cfg(feature = "texts")]
use crate::facts::Facts;
#[cfg(feature = "texts")]
use crate::facts::Side;
use crate::facts::{Decisive, text};
#[cfg(feature = "texts")]
use crate::flags::ResponseFlags;

/// Longest member written, in bytes.
pub const MAX_MEMBER: usize = 512;

/// Longest name written, in bytes.
const MAX_NAME: usize = 128;

/// What a member may tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// Name, error type and side.
    Minimal,
    /// Also cause, response flags and details.
    #[default]
    Standard,
    /// Also the next hop.
    Full,
}

/// What goes into a member. Envoy's own mappers write the same form.
#[derive(Debug, Clone, Copy)]
pub struct Annotation<'a> {
    /// The deployment that speaks, such as `cart-6d5f-x2x.shop`.
    pub name: &'a str,
    /// The cause.
    pub cause: &'static Cause,
    /// Side, response flags, details, and the route where it alone tells why.
    pub facts: &'a Decisive<'a>,
    /// The upstream host that was tried.
    pub next_hop: Option<&'a str>,
    /// How much to tell.
    pub level: Level,
}

impl Annotation<'_> {
    /// Writes one list member; `None` where the level leaves nothing to tell but the name.
    ///
    /// # Shape
    /// Printable ASCII, at most [`MAX_MEMBER`] bytes. Name and dynamic text are quoted strings, and nothing in them can end one.
    #[must_use]
    pub fn encode(&self) -> Option<String> {
        if self.level == Level::Minimal && self.cause.error.is_none() {
            return None;
        }
        let mut member = quoted(self.name, MAX_NAME);
        if let Some(error) = self.cause.error {
            member.push_str("; error=");
            member.push_str(error.as_str());
        }
        if self.level >= Level::Standard {
            member.push_str("; mw-cause=");
            member.push_str(self.cause.code);
        }
        // At every level: by it a gateway knows whose member this is.
        if let Some(side) = self.facts.side {
            member.push_str("; mw-side=");
            member.push_str(side.as_str());
        }
        if self.level >= Level::Standard {
            if let Some(flags) = self.facts.flags.filter(|flags| !flags.is_empty()) {
                member.push_str(&format!("; mw-flags=\"{flags}\""));
            }
            let details = text(self.facts.details.as_ref());
            let block_all = RouteName::BlockAll.as_str();
            if details == Some(Word::DirectResponse.as_str()) && self.facts.route.as_deref() == Some(block_all) {
                member.push_str(&format!("; mw-route=\"{block_all}\""));
            }
            let next_hop = self.next_hop.filter(|_| self.level >= Level::Full);
            let next_hop = next_hop.map(|address| format!("; next-hop={}", quoted(address, 64))).unwrap_or_default();
            if let Some(details) = details.filter(|details| details.bytes().all(plain)) {
                // Spelled as Envoy prints it.
                let details = format!("; details=\"{}\"", details.replace(' ', "_"));
                if member.len() + details.len() + next_hop.len() <= MAX_MEMBER {
                    member.push_str(&details);
                }
            }
            member.push_str(&next_hop);
        }
        Some(member)
    }
}

/// Whether a byte may stand in a quoted string as it is.
const fn plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

fn quoted(text: &str, limit: usize) -> String {
    let mut string = String::with_capacity(text.len().min(limit) + 2);
    string.push('"');
    string.extend(text.chars().take(limit).map(|letter| if u8::try_from(letter).is_ok_and(plain) { letter } else { '?' }));
    string.push('"');
    string
}

/// One member of a header that was read.
#[cfg(feature = "texts")]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Member {
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

#[cfg(feature = "texts")]
impl Member {
    /// Whether a proxy of ours wrote it: nobody else writes parameters that begin with `mw-`.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        self.code.is_some() || self.side.is_some() || self.flags.is_some() || self.route.is_some()
    }

    /// Whether it tells why the request failed, and not only that the hop passed something on.
    #[must_use]
    pub const fn is_telling(&self) -> bool {
        self.error.is_some() || self.code.is_some() || self.flags.is_some() || self.details.is_some()
    }

    fn is_of_telemetry(&self) -> bool {
        self.code.as_deref().and_then(Cause::find).is_some_and(|cause| cause.nature == Nature::Telemetry)
    }
}

/// The member of the proxy of ours that made the reply: the first that tells why, since inner members come first and who
/// passes a reply on adds nothing but that it did.
#[cfg(feature = "texts")]
#[must_use]
pub fn author(members: &[Member]) -> Option<&Member> {
    let ours = || members.iter().filter(|member| member.is_ours());
    ours().find(|member| member.flags.is_some() || member.details.is_some()).or_else(|| ours().find(|member| member.is_telling()))
}

/// Puts what the author of a reply tells in place of what the hop that passed it on knows of its own, healthy exchange.
///
/// # Shape
/// The facts stay those of the hop as to who asked for what; flags, details, route, side and code are the author's, who is named
/// in [`Decisive::relayed_from`].
#[cfg(feature = "texts")]
fn relay(author: &Member, facts: &mut Facts<'_>) {
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
    facts.grpc_status = None;
    let special = |cluster: &str| matches!(ClusterName::parse(cluster), ClusterName::Special(_));
    facts.cluster = facts.cluster.take().filter(|cluster| !special(cluster));
}

/// Puts in what a header tells that stands in the log of a request.
///
/// A reply of the upstream that carries a member of ours was made by that proxy, which always tells its side; a member without one is
/// the application's own invention. In a reply of the hop's own the last member that names a cause is the hop's: each appends its
/// own. What a member says of trace context explains no failure.
#[cfg(feature = "texts")]
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
#[cfg(feature = "texts")]
#[must_use]
pub fn read(value: &str) -> Vec<Member> {
    match strict(value) {
        Some(members) => members,
        None => lenient(value),
    }
}

#[cfg(feature = "texts")]
fn strict(value: &str) -> Option<Vec<Member>> {
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

#[cfg(feature = "texts")]
fn bare(item: &sfv::BareItem) -> String {
    match item {
        sfv::BareItem::Token(token) => token.as_str().to_owned(),
        sfv::BareItem::String(string) => string.as_str().to_owned(),
        sfv::BareItem::Integer(integer) => i64::from(*integer).to_string(),
        _ => String::new(),
    }
}

#[cfg(feature = "texts")]
fn lenient(value: &str) -> Vec<Member> {
    let members = split(value, ',').into_iter().map(|text| {
        let mut parts = split(text, ';').into_iter().map(str::trim);
        let name = unquote(parts.next().unwrap_or_default());
        let params = parts.filter_map(|part| part.split_once('=')).map(|(key, value)| (key.trim(), unquote(value.trim())));
        member(name, params.collect::<Vec<_>>())
    });
    members.filter(says_something).collect()
}

/// Splits at `separator` outside quotes.
#[cfg(feature = "texts")]
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

#[cfg(feature = "texts")]
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

#[cfg(feature = "texts")]
fn member<'a>(name: String, params: impl IntoIterator<Item = (&'a str, String)>) -> Member {
    let mut member = Member { name, ..Member::default() };
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

#[cfg(feature = "texts")]
fn says_something(member: &Member) -> bool {
    member.error.is_some() || member.is_ours() || member.details.is_some() || member.received_status.is_some()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn refused() -> Decisive<'static> {
        Decisive {
            side: Some(Side::Outbound),
            flags: ResponseFlags::parse("UF,URX"),
            details: Some("upstream_reset_before_response_started{remote_connection_failure|delayed connect error: 111}".into()),
            ..Decisive::default()
        }
    }

    fn annotation(cause: &str, level: Level, facts: &Decisive<'_>) -> Option<String> {
        let cause = Cause::find(cause).unwrap();
        Annotation { name: "1cart.shop", cause, facts, next_hop: Some("10.0.0.7:8080"), level }.encode()
    }

    fn standard(facts: &Decisive<'_>) -> String {
        annotation("upstream-connection-refused", Level::Standard, facts).unwrap()
    }

    #[test]
    fn a_level_tells_what_it_says() {
        let minimal = r#""1cart.shop"; error=connection_refused"#;
        let standard = format!(
            r#"{minimal}; mw-cause=MW3002; mw-side=outbound; mw-flags="UF,URX"; details="upstream_reset_before_response_started{{remote_connection_failure|delayed_connect_error:_111}}""#
        );
        for (level, expected) in [
            (Level::Minimal, format!("{minimal}; mw-side=outbound")),
            (Level::Standard, standard.clone()),
            (Level::Full, format!(r#"{standard}; next-hop="10.0.0.7:8080""#)),
        ] {
            assert_eq!(annotation("upstream-connection-refused", level, &refused()), Some(expected));
        }
    }

    #[test]
    fn a_cause_without_an_error_type_has_its_code_or_nothing() {
        let facts = Decisive { details: Some("fault_filter_abort".into()), ..Decisive::default() };
        let standard = r#""1cart.shop"; mw-cause=MW5004; details="fault_filter_abort""#;
        assert_eq!(annotation("app-error", Level::Standard, &facts).as_deref(), Some(standard));
        assert_eq!(annotation("app-error", Level::Minimal, &facts), None);
    }

    #[test]
    fn details_that_would_need_an_escape_or_a_cut_are_left_out() {
        for details in ["a\"; error=forged", "a\\", "a\r\nb", "名", &"x".repeat(MAX_MEMBER)] {
            let written = standard(&Decisive { details: Some(details.into()), ..Decisive::default() });
            assert_eq!(written, r#""1cart.shop"; error=connection_refused; mw-cause=MW3002"#);
        }
        let longest = Decisive { details: Some("x".repeat(440).into()), ..refused() };
        let full = annotation("upstream-connection-refused", Level::Full, &longest).unwrap();
        assert!(full.len() <= MAX_MEMBER && full.ends_with(r#"next-hop="10.0.0.7:8080""#), "{full}");
    }

    #[test]
    fn the_route_is_told_where_it_alone_tells_why() {
        let route = |route: &'static str, details: &'static str| {
            let facts = Decisive { route: Some(route.into()), details: Some(details.into()), ..Decisive::default() };
            standard(&facts).contains("; mw-route=\"block_all\"; details=\"direct_response\"")
        };
        assert!(route("block_all", "direct_response"));
        assert!(!route("block_all", "route_not_found") && !route("redirect", "direct_response"));
    }

    #[test]
    fn a_hostile_name_cannot_leave_its_quotes() {
        let facts = Decisive::default();
        let cause = Cause::find("no-route").unwrap();
        let name = "a\"; error=forged, b\\\r\n名";
        let written = Annotation { name, cause, facts: &facts, next_hop: None, level: Level::Standard }.encode().unwrap();
        let read = read(&written);
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].name, "a?; error=forged, b????");
        assert_eq!(read[0].error.as_deref(), Some("destination_not_found"));
    }

    #[test]
    fn missing_trace_context_explains_no_failure() {
        let told = |header: &str| {
            let mut facts = Facts::from(Decisive {
                details: Some("upstream_reset_after_response_started{protocol_error}".into()),
                ..Decisive::default()
            });
            complete(&mut facts, header);
            facts.decisive.annotated_code.map(Cow::into_owned)
        };
        assert_eq!(told(r#""a.b"; mw-cause=MW8001; mw-side=outbound"#), None);
        assert_eq!(told(r#""a.b"; mw-cause=MW5002, "a.b"; mw-cause=MW8001"#).as_deref(), Some("MW5002"));
    }

    #[test]
    fn an_application_that_invents_a_cause_is_not_believed() {
        let told = |header: &str| {
            let mut facts = Facts::from(Decisive { details: Some("via_upstream".into()), ..Decisive::default() });
            complete(&mut facts, header);
            (facts.decisive.annotated_code.map(Cow::into_owned), facts.decisive.relayed_from.map(Cow::into_owned))
        };
        assert_eq!(told("app; mw-cause=MW4001"), (None, None));
        let ours = told(r#""a.b"; mw-cause=MW4001; mw-side=inbound; details="rbac_access_denied_matched_policy[none]""#);
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
