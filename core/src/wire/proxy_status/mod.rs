//! The `Proxy-Status` member (RFC 9209): how the annotation is written, and how any such header is read.

#[cfg(feature = "texts")]
mod read;

#[cfg(feature = "texts")]
pub use read::{StatusMember, author, complete, read};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::causes::Cause;
use crate::condition::RouteName;
use crate::details::Word;
use crate::facts::{Decisive, Side, text};

/// Longest member written, in bytes, without its record.
pub const MAX_MEMBER: usize = 512;

/// Longest record in a member, in bytes, before it is written in base64: 2 KiB of it.
pub const MAX_RECORD: usize = 1536;

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
    /// Also the next hop and the record; and hops that pass an error on say which status they received.
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
    /// The record of the failure, at most [`MAX_RECORD`] bytes.
    pub record: Option<&'a str>,
    /// How much to tell.
    pub level: Level,
}

/// What a hop says that passes an error on, at [`Level::Full`].
#[derive(Debug, Clone, Copy)]
pub struct PassedOn<'a> {
    /// The deployment that speaks.
    pub name: &'a str,
    /// Which way the traffic went.
    pub side: Option<Side>,
    /// The status that it received.
    pub status: u16,
    /// From whom.
    pub next_hop: Option<&'a str>,
}

impl PassedOn<'_> {
    /// Writes one list member; see [`Annotation::encode`].
    #[must_use]
    pub fn encode(&self) -> String {
        let mut member = quoted(self.name, MAX_NAME);
        member.push_str(&format!("; received-status={}", self.status));
        push_side(&mut member, self.side);
        member.push_str(&next_hop(self.next_hop));
        member
    }
}

impl Annotation<'_> {
    /// Writes one list member; `None` where the level leaves nothing to tell but the name.
    ///
    /// # Shape
    /// Printable ASCII, at most [`MAX_MEMBER`] bytes and the record, an RFC 8941 byte sequence. Name and dynamic text are quoted strings, and nothing in them can end one.
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
        push_side(&mut member, self.facts.side);
        if self.level >= Level::Standard {
            if let Some(flags) = self.facts.flags.filter(|flags| !flags.is_empty()) {
                member.push_str(&format!("; mw-flags=\"{flags}\""));
            }
            let details = text(self.facts.details.as_ref());
            let block_all = RouteName::BlockAll.as_str();
            if details == Some(Word::DirectResponse.as_str()) && self.facts.route.as_deref() == Some(block_all) {
                member.push_str(&format!("; mw-route=\"{block_all}\""));
            }
            let next_hop = next_hop(self.next_hop.filter(|_| self.level >= Level::Full));
            if let Some(details) = details.filter(|details| details.bytes().all(plain)) {
                // Spelled as Envoy prints it.
                let details = format!("; details=\"{}\"", details.replace(' ', "_"));
                if member.len() + details.len() + next_hop.len() <= MAX_MEMBER {
                    member.push_str(&details);
                }
            }
            member.push_str(&next_hop);
        }
        if let Some(record) = self.record.filter(|record| self.level >= Level::Full && record.len() <= MAX_RECORD) {
            member.push_str("; mw=:");
            STANDARD.encode_string(record, &mut member);
            member.push(':');
        }
        Some(member)
    }
}

fn push_side(member: &mut String, side: Option<Side>) {
    if let Some(side) = side {
        member.push_str("; mw-side=");
        member.push_str(side.as_str());
    }
}

fn next_hop(address: Option<&str>) -> String {
    address.map(|address| format!("; next-hop={}", quoted(address, 64))).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::ResponseFlags;

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
        Annotation { name: "1cart.shop", cause, facts, next_hop: Some("10.0.0.7:8080"), record: Some("{}"), level }.encode()
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
            (Level::Full, format!(r#"{standard}; next-hop="10.0.0.7:8080"; mw=:e30=:"#)),
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
        let (member, _) = full.split_once("; mw=").unwrap();
        assert!(member.len() <= MAX_MEMBER && member.ends_with(r#"next-hop="10.0.0.7:8080""#), "{full}");
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
        let written =
            Annotation { name, cause, facts: &facts, next_hop: None, record: None, level: Level::Standard }.encode().unwrap();
        let read = read(&written);
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].name, "a?; error=forged, b????");
        assert_eq!(read[0].error.as_deref(), Some("destination_not_found"));
    }
}
