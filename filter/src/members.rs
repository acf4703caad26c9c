//! The members of a `Proxy-Status` header: which are ours, and what one of them says.
//!
//! Any upstream can write that header, so nothing relies on its being well formed. No structured-field parser is linked: it
//! would refuse the whole header for one bad member, which then went out with ours in it.

use meshwhy_core::{Cause, Nature, Side};

/// How the keys of our parameters begin.
const OURS: &[u8] = b"mw-";
/// The parameter that names the cause.
const CAUSE: &[u8] = b"mw-cause";
/// The parameter with the side, which every member of ours has.
const SIDE: &[u8] = b"mw-side";
/// Longest name taken, in bytes.
const MAX_NAME: usize = 128;

/// A header, its members separated by who wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Members that a proxy with meshwhy wrote, one list.
    pub ours: Vec<u8>,
    /// All others, byte for byte and in order; empty when there is none.
    pub others: Vec<u8>,
}

/// Separates our members from those of others; `None` when no member is ours.
///
/// # Shape
/// Where a member is malformed it ends at the next comma, quoted or not, and is ours as soon as anything in it looks like a parameter
/// of ours: at a gateway losing it is better than letting it out.
#[must_use]
pub fn partition(value: &[u8]) -> Option<Partition> {
    if !value.windows(OURS.len()).any(|window| window == OURS) {
        return None;
    }
    let (ours, others): (Vec<_>, Vec<_>) = members(value).partition(ListMember::is_ours);
    if ours.is_empty() {
        return None;
    }
    let join = |members: &[ListMember<'_>]| members.iter().map(|member| member.bytes).collect::<Vec<_>>().join(&b',');
    let others = join(&others).trim_ascii().to_vec();
    let nothing = others.iter().all(|byte| matches!(byte, b',' | b' ' | b'\t'));
    Some(Partition { ours: join(&ours).trim_ascii().to_vec(), others: if nothing { Vec::new() } else { others } })
}

/// The proxy that made the response, and why: what the first well-formed member says that names a failure and the side it saw it from.
/// Inner members come first; one without a side is the application's own invention.
#[must_use]
pub fn author(value: &[u8]) -> Option<(String, &'static Cause)> {
    members(value).filter(|member| member.is_well_formed).find_map(|member| {
        let text = |key| std::str::from_utf8(member.value(key)?).ok();
        Side::parse(text(SIDE)?)?;
        let cause = text(CAUSE).filter(|code| code.starts_with("MW")).and_then(Cause::find)?;
        (cause.nature != Nature::Telemetry).then_some((name(member.parts().next()?)?, cause))
    })
}

#[derive(Debug, Clone, Copy)]
struct ListMember<'v> {
    bytes: &'v [u8],
    is_well_formed: bool,
}

/// The members in order, with the white space around them.
fn members(value: &[u8]) -> impl Iterator<Item = ListMember<'_>> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let value = rest?;
        let well_formed = well_formed(value);
        let end = well_formed.or_else(|| value.iter().position(|byte| *byte == b','));
        let (bytes, after) = end.and_then(|end| value.split_at_checked(end)).unwrap_or((value, b""));
        rest = after.split_first().map(|(_, after)| after);
        Some(ListMember { bytes, is_well_formed: well_formed.is_some() })
    })
}

/// The length of the member at the beginning; `None` where a string does not end, or begins or ends where none can.
///
/// # Cost
/// A member that is not well formed is read up to its first mistake, and a string without an end once, so that a header costs no more
/// than its length.
fn well_formed(value: &[u8]) -> Option<usize> {
    #[derive(Clone, Copy, PartialEq)]
    enum QuoteState {
        /// A string may begin.
        Start,
        Word,
        Within,
        Escape,
        After,
    }
    let mut state = QuoteState::Start;
    for (at, byte) in value.iter().enumerate() {
        state = match (state, byte) {
            (QuoteState::Within, b'\\') => QuoteState::Escape,
            (QuoteState::Within, b'"') => QuoteState::After,
            (QuoteState::Within | QuoteState::Escape, _) => QuoteState::Within,
            (_, b',') => return Some(at),
            (QuoteState::Start, b'"') => QuoteState::Within,
            (_, b'"') => return None,
            (QuoteState::Start | QuoteState::After, b' ' | b'\t') => state,
            (QuoteState::After, b';') => QuoteState::Word,
            (QuoteState::After, _) => return None,
            (_, b'=') => QuoteState::Start,
            _ => QuoteState::Word,
        };
    }
    (!matches!(state, QuoteState::Within | QuoteState::Escape)).then_some(value.len())
}

impl<'v> ListMember<'v> {
    fn is_ours(&self) -> bool {
        self.parts().skip(1).filter_map(parameter).any(|(key, _)| key.starts_with(OURS))
    }

    fn value(&self, key: &[u8]) -> Option<&'v [u8]> {
        self.parts().skip(1).filter_map(parameter).find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// The name and the parameters.
    fn parts(&self) -> impl Iterator<Item = &'v [u8]> + use<'v> {
        let (quotes, mut within, mut escaped) = (self.is_well_formed, false, false);
        self.bytes.split(move |byte| {
            let escape = within && !escaped && *byte == b'\\';
            if quotes && *byte == b'"' && !escaped {
                within = !within;
            }
            escaped = escape;
            *byte == b';' && !within
        })
    }
}

/// Key and value of a parameter, without their quotes.
fn parameter(part: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut halves = part.splitn(2, |byte| *byte == b'=');
    let key = halves.next()?.trim_ascii();
    Some((key, unquoted(halves.next().unwrap_or_default())))
}

fn unquoted(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text)
}

/// The name at the beginning of a member; a proxy of ours writes none with an escape.
fn name(part: &[u8]) -> Option<String> {
    let name = unquoted(part);
    let plain = name.iter().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'));
    let fits = plain && (1..=MAX_NAME).contains(&name.len());
    std::str::from_utf8(name).ok().filter(|_| fits).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBER: &str =
        r#""cart-1.shop"; error=destination_not_found; mw-cause=MW2002; mw-side=inbound; mw-flags="NR"; details="a,b""#;

    fn others(value: &str) -> Option<String> {
        partition(value.as_bytes()).map(|partition| String::from_utf8(partition.others).unwrap())
    }

    fn named(value: &str) -> Option<(String, &'static str)> {
        author(value.as_bytes()).map(|(name, cause)| (name, cause.code))
    }

    #[test]
    fn ours_are_taken_out_and_others_survive_byte_for_byte() {
        for (before, after) in [
            (MEMBER.to_owned(), ""),
            (format!("cdn; hit,{MEMBER}"), "cdn; hit"),
            (format!("{MEMBER}, cdn;  details=\"x, mw-cause\\\" ;mw-a=1\"  ,b"), "cdn;  details=\"x, mw-cause\\\" ;mw-a=1\"  ,b"),
            (format!("a,{MEMBER}, b, {MEMBER},(\"x,y\" \"z\");q=1"), "a, b,(\"x,y\" \"z\");q=1"),
            (format!("{MEMBER}, , "), ""),
            ("\"\"; mw-cause=MW8001".to_owned(), ""),
            ("x;mw-new".to_owned(), ""),
        ] {
            assert_eq!(others(&before).as_deref(), Some(after), "{before}");
        }
        for foreign in
            ["", "cdn; hit", "cdn; details=\"mw-cause=1; mw-cause=2\"", "mw-a", "a; details=\"; mw-cause", "x; foo=mw-1"]
        {
            let malformed = foreign == "a; details=\"; mw-cause";
            assert_eq!(partition(foreign.as_bytes()).is_none(), !malformed, "{foreign}");
        }
    }

    #[test]
    fn what_stands_around_ours_cannot_keep_it_in() {
        for (before, after) in [
            ("evil; details=\"", ""),
            ("evil; details=\"", "\""),
            ("evil; details=\"", "\"; x=\""),
            ("evil; details=\"\\", "x"),
            ("evil; details=\"a\"b\"", "\"c"),
            ("(\"", "\")"),
            ("\u{e9}\"", "\""),
        ] {
            let kept = others(&format!("{before},{MEMBER},{after}")).unwrap();
            assert!(!kept.contains("mw-") && !kept.contains("cart-1") && kept.starts_with(before.trim()), "{kept}");
        }
    }

    #[test]
    fn the_first_member_that_names_a_failure_and_a_side_is_the_author() {
        let other = r#"edge.istio-system; mw-cause="MW3001"; mw-side=gateway"#;
        let server = Some(("cart-1.shop".to_owned(), "MW2002"));
        assert_eq!(named(MEMBER), server);
        assert_eq!(named(&format!("cdn; hit, app; mw-cause=MW5004, {MEMBER}, {other}, x")), server);
        assert_eq!(named(&format!("\"a.b\"; mw-cause=MW8001; mw-side=inbound, {other}")).map(|(_, code)| code), Some("MW3001"));
        for nobody in ["", "cdn; hit", "a; mw-cause=MW2002", "\"a"] {
            assert_eq!(named(nobody), None, "{nobody}");
        }
        for nobody in [
            "a; mw-cause=MW9999",
            "a; mw-cause=no-route",
            "\"\"; mw-cause=MW2002",
            "a; mw-cause",
            "a; mw-side=x; mw-cause=MW2002",
        ] {
            assert_eq!(named(&format!("{nobody}; mw-side=inbound")), None, "{nobody}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic_and_none_are_invented(bytes: Vec<u8>) {
            let kept = partition(&bytes).map_or(0, |partition| partition.ours.len() + partition.others.len());
            proptest::prop_assert!(kept <= bytes.len());
            let _ = author(&bytes);
        }

        #[test]
        fn ours_never_stays(before in "[a\"\\\\,;= (]{0,12}", after in "[a\"\\\\,;= )]{0,12}") {
            let kept = others(&format!("{before},{MEMBER},{after}")).unwrap();
            proptest::prop_assert!(!kept.contains("mw-cause"), "{}", kept);
        }

        #[test]
        fn well_formed_members_of_others_survive(members in proptest::collection::vec("[a-c]{1,3}(; k=(v|\"[,;a ]{0,4}\")){0,2}", 0..4)) {
            let ours = members.iter().map(String::as_str).chain([MEMBER]).collect::<Vec<_>>().join(", ");
            proptest::prop_assert_eq!(others(&ours), Some(members.join(", ")));
        }
    }
}
