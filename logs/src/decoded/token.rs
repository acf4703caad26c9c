//! JSON Web Tokens.
//!
//! Source: RFC 7519.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use memchr::memmem;
use serde::Serialize;
use serde_json::{Map, Value};

/// How every token begins: `{"` in base64.
const BEGIN: &str = "eyJ";
/// Longest claim that is kept, and most entries of one.
const LONGEST: usize = 256;
const MOST: usize = 10;

/// What a token says of itself. Nobody has checked its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct TokenInfo {
    /// `iss`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// `aud`; at most ten.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<String>,
    /// `exp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schemars(with = "Option<String>"))]
    pub expires: Option<Timestamp>,
    /// `nbf`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schemars(with = "Option<String>"))]
    pub not_before: Option<Timestamp>,
    /// `alg` of its head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// `kid` of its head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
}

/// Where a token stands, part by part.
struct TokenPlace {
    head: Range<usize>,
    claims: Range<usize>,
    signature: Range<usize>,
}

/// All tokens of a text.
pub(super) fn all(text: &str) -> impl Iterator<Item = TokenInfo> {
    places(text).filter_map(|place| {
        let head = object(text.get(place.head)?)?;
        let claims = object(text.get(place.claims)?)?;
        let audiences = match claims.get("aud") {
            Some(Value::Array(all)) => all.iter().filter_map(word).take(MOST).collect(),
            Some(one) => word(one).into_iter().collect(),
            None => Vec::new(),
        };
        Some(TokenInfo {
            issuer: claims.get("iss").and_then(word),
            audiences,
            expires: claims.get("exp").and_then(time),
            not_before: claims.get("nbf").and_then(time),
            algorithm: head.get("alg").and_then(word),
            key_id: head.get("kid").and_then(word),
        })
    })
}

/// Where the signatures of tokens stand: with it, a token is a password.
pub(super) fn signatures(text: &str) -> impl Iterator<Item = Range<usize>> {
    places(text).map(|place| place.signature).filter(|signature| !signature.is_empty())
}

/// Each letter is looked at a few times at most: a token begins where a word does.
fn places(text: &str) -> impl Iterator<Item = TokenPlace> {
    let begins = |start: &usize| start.checked_sub(1).and_then(|at| text.as_bytes().get(at)).is_none_or(|byte| !is_letter(*byte));
    memmem::find_iter(text.as_bytes(), BEGIN).filter(begins).filter_map(|start| {
        let head = part(text, start);
        let claims = part(text, head.end.checked_add(1)?);
        let is_joined = |part: &Range<usize>| text.as_bytes().get(part.end) == Some(&b'.');
        let is_token = is_joined(&head) && text.get(claims.clone())?.starts_with(BEGIN) && is_joined(&claims);
        let signature = part(text, claims.end.checked_add(1)?);
        is_token.then_some(TokenPlace { head, claims, signature })
    })
}

/// Whether a byte is a letter of base64 for URLs.
const fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// The letters of base64 for URLs from there on.
fn part(text: &str, start: usize) -> Range<usize> {
    let rest = text.as_bytes().get(start..).unwrap_or_default();
    let length = rest.iter().take_while(|byte| is_letter(**byte)).count();
    start..start.saturating_add(length)
}

fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn word(value: &Value) -> Option<String> {
    Some(value.as_str()?.chars().take(LONGEST).collect())
}

/// A number of seconds, which may have a fraction.
fn time(value: &Value) -> Option<Timestamp> {
    let seconds = value.as_i64().or_else(|| value.as_number()?.to_string().split('.').next()?.parse().ok())?;
    Timestamp::from_second(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
        format!("{}.{}.c2lnbmF0dXJl", part(r#"{"alg":"RS256","kid":"k1"}"#), part(claims))
    }

    #[test]
    fn claims_are_read_and_the_signature_is_not_shown() {
        let token = token(r#"{"iss":"https://issuer.example.com","aud":["shop","cart"],"exp":1767225600.5,"nbf":1}"#);
        let line = format!("authorization: Bearer {token} rejected");
        let found = all(&line).next().unwrap();
        assert_eq!(found.issuer.as_deref(), Some("https://issuer.example.com"));
        assert_eq!(found.audiences, ["shop", "cart"]);
        assert_eq!(found.expires.map(|time| time.to_string()).as_deref(), Some("2026-01-01T00:00:00Z"));
        assert_eq!((found.algorithm.as_deref(), found.key_id.as_deref()), (Some("RS256"), Some("k1")));
        let shown = super::super::without_secrets(&line);
        assert!(!shown.contains("c2lnbmF0dXJl") && shown.ends_with(".… rejected"), "{shown}");
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for text in ["eyJ", "eyJhIjoxfQ.x.y", "eyJhIjoxfQ", "eyJ.eyJ.", "key.eyJ"] {
            assert!(all(text).next().is_none(), "{text}");
        }
    }

    #[test]
    fn what_begins_everywhere_is_looked_at_once() {
        let text = "eyJ".repeat(300_000);
        assert!(all(&text).next().is_none() && signatures(&text).next().is_none());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[eyJ.A-Za-z0-9_\\- 名]{0,80}") {
            let _ = (all(&text).count(), signatures(&text).count());
        }
    }
}
