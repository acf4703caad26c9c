//! The `Proxy-Status` member (RFC 9209): how the annotation is written, and how any such header is read.

use crate::catalogue::Cause;
#[cfg(feature = "texts")]
use crate::condition::ClusterKind;
#[cfg(feature = "texts")]
use crate::facts::Facts;
use crate::facts::Side;
#[cfg(feature = "texts")]
use crate::flags::ResponseFlags;

/// Longest member written, in bytes.
pub const MAX_MEMBER: usize = 512;

/// What a member may tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// Name and error type.
    Minimal,
    /// Also cause, side, and details where they are a fixed word.
    #[default]
    Standard,
    /// Also the next hop.
    Full,
}

/// What goes into a member.
#[derive(Debug, Clone, Copy)]
pub struct Annotation<'a> {
    /// The deployment that speaks, such as `cart-6d5f-x2x.shop`.
    pub name: &'a str,
    /// The cause.
    pub cause: &'static Cause,
    /// Which way the traffic went.
    pub side: Option<Side>,
    /// Code details; give them only where they are a fixed word.
    pub details: Option<&'a str>,
    /// The upstream host that was tried.
    pub next_hop: Option<&'a str>,
    /// How much to tell.
    pub level: Level,
}

impl Annotation<'_> {
    /// Writes one list member.
    ///
    /// # Shape
    /// Printable ASCII, at most [`MAX_MEMBER`] bytes. The name is a token where it is provably one, else a quoted string; all
    /// dynamic text is quoted and escaped, so that it cannot end the member.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut member = item(self.name, 128);
        if let Some(error) = self.cause.error {
            member.push_str("; error=");
            member.push_str(error.as_str());
        }
        if self.level >= Level::Standard {
            member.push_str("; mw-cause=");
            member.push_str(self.cause.code);
            if let Some(side) = self.side {
                member.push_str("; mw-side=");
                member.push_str(side.as_str());
            }
            if let Some(details) = self.details {
                member.push_str("; details=");
                member.push_str(&quoted(details, 128));
            }
        }
        if self.level >= Level::Full
            && let Some(next_hop) = self.next_hop
        {
            member.push_str("; next-hop=");
            member.push_str(&quoted(next_hop, 64));
        }
        member
    }
}

fn item(name: &str, limit: usize) -> String {
    let token_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte);
    let starts_well = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'*');
    if starts_well && name.len() <= limit && name.bytes().all(token_byte) { name.to_owned() } else { quoted(name, limit) }
}

fn quoted(text: &str, limit: usize) -> String {
    let mut string = String::with_capacity(text.len().min(limit) + 2);
    string.push('"');
    for letter in text.chars().take(limit) {
        match letter {
            '"' | '\\' => string.extend(['\\', letter]),
            ' '..='~' => string.push(letter),
            _ => string.push('?'),
        }
    }
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
/// in [`Facts::relayed_from`].
#[cfg(feature = "texts")]
pub fn relay(author: &Member, facts: &mut Facts<'_>) {
    facts.relayed_from = Some(author.name.clone().into());
    facts.annotated_code = author.code.clone().map(Into::into);
    facts.flags = author.flags;
    facts.details = author.details.clone().map(Into::into);
    facts.route = author.route.clone().map(Into::into);
    facts.side = author.side;
    // What no condition may take for the author's.
    for own in [&mut facts.upstream_transport_failure, &mut facts.virtual_host, &mut facts.local_reply_owner] {
        *own = None;
    }
    facts.upstream_reused = None;
    facts.grpc_status = None;
    let special = |cluster: &str| [ClusterKind::BlackHole, ClusterKind::Passthrough].iter().any(|kind| kind.as_str() == cluster);
    facts.cluster = facts.cluster.take().filter(|cluster| !special(cluster));
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
    use super::*;

    fn annotation(name: &str) -> String {
        let cause = Cause::find("no-route").unwrap();
        Annotation {
            name,
            cause,
            side: Some(Side::Outbound),
            details: Some("route_not_found"),
            next_hop: None,
            level: Level::Standard,
        }
        .encode()
    }

    #[test]
    fn a_name_is_a_token_only_when_it_provably_is() {
        assert!(
            annotation("cart-1.shop").starts_with("cart-1.shop; error=destination_not_found; mw-cause=MW2001; mw-side=outbound")
        );
        assert!(annotation("1cart.shop").starts_with("\"1cart.shop\"; "));
    }

    #[test]
    fn hostile_text_cannot_leave_its_quotes() {
        let written = annotation("a\"; error=forged, b\\\r\n名");
        let read = read(&written);
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].name, "a\"; error=forged, b\\????".replace("????", "???"));
        assert_eq!(read[0].error.as_deref(), Some("destination_not_found"));
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
