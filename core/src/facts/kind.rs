//! The kinds of facts. Each has one reader, whatever format a value stands in, and one way to be kept and written.

use std::borrow::Cow;

use super::Side;
use crate::event::Event as ProxyEvent;
use crate::flags::{Flag, ResponseFlags};
use crate::redact::{self, MAX_TEXT};

/// Which texts stand for a value in an access log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueContent {
    /// One word without quotes.
    Word,
    /// One word that a client chooses: no white space, but perhaps whatever else separates values.
    Chosen,
    /// Any text, but not one that a client chooses.
    Text,
    /// Anything, chosen by the client or the application.
    Foreign,
}

/// How the values of one kind are read, kept and written.
pub trait FactKind {
    /// A value, understood.
    type Value<'a>;
    /// The kind's name in `docs/facts.md`.
    const NAME: &'static str;
    /// Which texts stand for a value.
    const CONTENT: ValueContent = ValueContent::Word;
    /// Longest value kept, in bytes; `None` for those that are no text.
    const KEPT: Option<usize> = None;
    /// What a record has, as JSON Schema names its type.
    const JSON: &'static str = "string";

    /// Reads a value; `None` when the text is no value of this kind.
    fn read(text: Cow<'_, str>) -> Option<Self::Value<'_>>;

    /// What a source means that has the fact and says `-`, `null` or nothing.
    #[must_use]
    fn none() -> Option<Self::Value<'static>> {
        None
    }

    /// Copies a borrowed text.
    fn own(value: Self::Value<'_>) -> Self::Value<'static>;

    /// Cuts off what is not kept.
    fn bound(_value: &mut Self::Value<'_>) {}

    /// The value in letters; `-` for none.
    fn text<'v>(value: &'v Self::Value<'_>) -> Cow<'v, str>;

    /// The value as a record has it, in JSON; `None` where it is left out.
    fn json(value: &Self::Value<'_>) -> Option<String>;
}

/// A kind whose values are texts, and where it differs from the others.
pub trait TextFactKind {
    /// See [`FactKind::NAME`].
    const NAME: &'static str;
    /// See [`FactKind::CONTENT`].
    const CONTENT: ValueContent;

    /// See [`FactKind::read`].
    fn read(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
        Some(text)
    }

    /// See [`FactKind::none`].
    #[must_use]
    fn none() -> Option<Cow<'static, str>> {
        None
    }

    /// Where the part that may be kept ends, however long it is.
    fn end(text: &str) -> usize {
        text.len()
    }

    /// What a record has of it.
    fn recorded(text: &str) -> &str {
        text
    }
}

impl<T: TextFactKind> FactKind for T {
    type Value<'a> = Cow<'a, str>;
    const NAME: &'static str = T::NAME;
    const CONTENT: ValueContent = T::CONTENT;
    const KEPT: Option<usize> = Some(MAX_TEXT);

    fn read(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
        T::read(text)
    }

    fn none() -> Option<Cow<'static, str>> {
        T::none()
    }

    fn own(value: Cow<'_, str>) -> Cow<'static, str> {
        Cow::Owned(value.into_owned())
    }

    fn bound(value: &mut Cow<'_, str>) {
        redact::cut(value, T::end(value).min(MAX_TEXT));
    }

    fn text<'v>(value: &'v Cow<'_, str>) -> Cow<'v, str> {
        Cow::Borrowed(value)
    }

    fn json(value: &Cow<'_, str>) -> Option<String> {
        serde_json::to_string(T::recorded(value)).ok()
    }
}

/// Kinds whose values are texts: name, content, and where they differ.
macro_rules! texts {
    ($($(#[$doc:meta])* $kind:ident: $name:literal, $content:ident $({ $($difference:item)* })?;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $kind;

        impl TextFactKind for $kind {
            const NAME: &'static str = $name;
            const CONTENT: ValueContent = ValueContent::$content;
            $($($difference)*)?
        }
    )*};
}

/// Kinds whose values are copied: name, type, its JSON, reader, what `-` means, and letters.
macro_rules! scalars {
    ($($(#[$doc:meta])* $kind:ident: $name:literal, $value:ty, $type:literal, $read:expr, $none:expr, $text:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $kind;

        impl FactKind for $kind {
            type Value<'a> = $value;
            const NAME: &'static str = $name;
            const JSON: &'static str = $type;

            #[inline]
            fn read(text: Cow<'_, str>) -> Option<$value> {
                $read(&text)
            }

            fn none() -> Option<$value> {
                $none
            }

            fn own(value: $value) -> $value {
                value
            }

            fn text<'v>(value: &'v $value) -> Cow<'v, str> {
                $text(value).into()
            }

            fn json(value: &$value) -> Option<String> {
                let text = Self::text(value);
                let mark = if Self::JSON == "string" { "\"" } else { "" };
                (text != "-").then(|| [mark, &text, mark].concat())
            }
        }
    )*};
}

texts! {
    /// Any text of Envoy's own, or of the configuration.
    Text: "text", Text;
    /// A name or an address without white space.
    Word: "word", Word;
    /// A word that the client chooses.
    Chosen: "client's word", Chosen;
    /// A path, of which the query string and the fragment are not kept.
    Path: "path", Chosen {
        fn end(text: &str) -> usize {
            text.find(['?', '#']).unwrap_or(text.len())
        }
    };
    /// A version of HTTP.
    Protocol: "protocol", Word {
        fn recorded(text: &str) -> &str {
            text.strip_prefix("HTTP/").unwrap_or(text)
        }
    };
    /// The name of what matched; empty when Envoy says that nothing did.
    Matched: "name of a match", Text {
        fn none() -> Option<Cow<'static, str>> {
            Some(Cow::Borrowed(""))
        }
    };
    /// A text in quotes of its own, as Mixer's status is.
    Quoted: "quoted text", Text {
        fn read(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
            Some(match text {
                Cow::Borrowed(text) => Cow::Borrowed(text.trim_matches('"')),
                Cow::Owned(text) => Cow::Owned(text.trim_matches('"').to_owned()),
            })
        }
    };
    /// 32 hex digits; the 16 of a short B3 id are filled up.
    TraceId: "trace id", Word {
        fn read(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
            if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return None;
            }
            match text.len() {
                32 => Some(text),
                16 => Some(Cow::Owned(format!("{text:0>32}"))),
                _ => None,
            }
        }
    };
}

scalars! {
    /// An HTTP status; 0 for none.
    Status: "status", u16, "integer", |text| whole(text).and_then(|status| status.try_into().ok()), None, u16::to_string;
    /// A gRPC status, by number or in either spelling of its name.
    GrpcStatus: "gRPC status", u32, "integer", grpc_status, None, u32::to_string;
    /// Milliseconds.
    Duration: "duration", u64, "integer", whole, None, u64::to_string;
    /// Microseconds.
    Microseconds: "microseconds", u64, "integer", whole, None, u64::to_string;
    /// How many.
    Count: "count", u64, "integer", whole, None, u64::to_string;
    /// Response flags.
    Flags: "flags", ResponseFlags, "string", flags, Some(ResponseFlags::default()), ResponseFlags::to_string;
    /// Yes or no.
    Truth: "boolean", bool, "boolean", |text: &str| text.parse().ok(), None, bool::to_string;
    /// A word of ours, or `xds.listener_direction`.
    Direction: "side", Side, "string", direction, None, |side: &Side| side.as_str();
    /// What the proxy noticed.
    Event: "event", ProxyEvent, "string", ProxyEvent::parse, None, |event: &ProxyEvent| event.as_str();
}

/// A whole number; shippers turn it into `503.0`, and a unit may stand behind a duration.
fn whole(text: &str) -> Option<u64> {
    let digits = text.strip_suffix("ms").unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    fraction.bytes().all(|byte| byte.is_ascii_digit()).then(|| whole.parse().ok()).flatten()
}

fn direction(text: &str) -> Option<Side> {
    match text {
        "1" => Some(Side::Inbound),
        "2" => Some(Side::Outbound),
        word => Side::parse(word),
    }
}

/// Reads flags as access logs print them. Names that are not known here – extensions register their own – are left out.
fn flags(text: &str) -> Option<ResponseFlags> {
    match text {
        "-" => return Some(ResponseFlags::default()),
        "DC" => return Some(ResponseFlags(Flag::DC.mask())),
        "NR" => return Some(ResponseFlags(Flag::NR.mask())),
        "UC" => return Some(ResponseFlags(Flag::UC.mask())),
        "UF" => return Some(ResponseFlags(Flag::UF.mask())),
        "UF,URX" | "URX,UF" => return Some(ResponseFlags(Flag::UF.mask() | Flag::URX.mask())),
        _ => {}
    }
    ResponseFlags::parse(text).or_else(|| known_flags(text))
}

fn known_flags(text: &str) -> Option<ResponseFlags> {
    let name = |name: &str| {
        let shaped = name.starts_with(|letter: char| letter.is_ascii_uppercase())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        shaped && name.len() <= 64
    };
    let trimmed = || text.split(',').map(str::trim);
    trimmed().all(name).then(|| trimmed().filter_map(Flag::parse).collect())
}

/// Names of gRPC statuses in the order of their numbers, as Envoy spells them and as gRPC does.
///
/// Source: Envoy `source/common/grpc/common.cc`, `Utility::grpcStatusToString`, 1.40; gRPC `status_code_enum.h`.
pub const GRPC_STATUSES: [(&str, &str); 17] = [
    ("OK", "OK"),
    ("Canceled", "CANCELLED"),
    ("Unknown", "UNKNOWN"),
    ("InvalidArgument", "INVALID_ARGUMENT"),
    ("DeadlineExceeded", "DEADLINE_EXCEEDED"),
    ("NotFound", "NOT_FOUND"),
    ("AlreadyExists", "ALREADY_EXISTS"),
    ("PermissionDenied", "PERMISSION_DENIED"),
    ("ResourceExhausted", "RESOURCE_EXHAUSTED"),
    ("FailedPrecondition", "FAILED_PRECONDITION"),
    ("Aborted", "ABORTED"),
    ("OutOfRange", "OUT_OF_RANGE"),
    ("Unimplemented", "UNIMPLEMENTED"),
    ("Internal", "INTERNAL"),
    ("Unavailable", "UNAVAILABLE"),
    ("DataLoss", "DATA_LOSS"),
    ("Unauthenticated", "UNAUTHENTICATED"),
];

/// Reads `%GRPC_STATUS%` in any of its three spellings.
fn grpc_status(text: &str) -> Option<u32> {
    let number = || text.parse().ok();
    let named = |(camel, snake): &(&str, &str)| *camel == text || snake.eq_ignore_ascii_case(text);
    let at = GRPC_STATUSES.iter().position(named).and_then(|at| u32::try_from(at).ok());
    at.or_else(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_statuses_in_every_spelling() {
        for (number, (camel, snake)) in GRPC_STATUSES.iter().enumerate() {
            for text in [(*camel).to_owned(), (*snake).to_owned(), number.to_string()] {
                assert_eq!(grpc_status(&text), u32::try_from(number).ok(), "{text}");
            }
        }
        assert_eq!(grpc_status("via_upstream"), None);
    }

    #[test]
    fn numbers_as_shippers_write_them() {
        assert_eq!(
            [whole("503"), whole("503.0"), whole("12ms"), whole("12ms.5"), whole("x"), whole("-1")],
            [Some(503), Some(503), Some(12), None, None, None]
        );
    }

    #[test]
    fn flags_of_extensions_are_left_out() {
        assert_eq!(flags("UF,Acme"), ResponseFlags::parse("UF"));
        assert_eq!(flags("UF, URX"), ResponseFlags::parse("UF,URX"));
        assert_eq!(flags("via_upstream"), None);
        assert_eq!(flags("HTTP/1.1"), None);
    }
}
