//! Cuts a format into literal text and operators.

use super::FormatError;
use super::operator::Operator;

/// A part of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FormatPart {
    Literal(String),
    Operator(Operator),
}

/// Cuts a format; operators never stand side by side.
pub(super) fn parts(format: &str) -> Result<Vec<FormatPart>, FormatError> {
    let mut parts: Vec<FormatPart> = Vec::new();
    let mut before: Option<&str> = None;
    let mut literal = String::new();
    let mut rest = format;
    while let Some(at) = memchr::memchr(b'%', rest.as_bytes()) {
        let (text, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        literal.push_str(text);
        let begin = format.len().saturating_sub(tail.len());
        if let Some(after) = tail.strip_prefix("%%") {
            literal.push('%');
            rest = after;
            continue;
        }
        let unclosed = || FormatError::Unclosed { at: begin, text: tail.chars().take(40).collect() };
        let (name, arguments, after) = operator(tail).ok_or_else(unclosed)?;
        let written = tail.get(..tail.len().saturating_sub(after.len())).unwrap_or(tail);
        if literal.is_empty() {
            if let Some(first) = before {
                return Err(FormatError::Adjacent { at: begin, first: first.to_owned(), second: written.to_owned() });
            }
        } else {
            parts.push(FormatPart::Literal(std::mem::take(&mut literal)));
        }
        parts.push(FormatPart::Operator(Operator::find(name, arguments)));
        before = Some(written);
        rest = after;
    }
    literal.push_str(rest);
    let end = literal.trim_end_matches(['\n', '\r', ' ']);
    if !end.is_empty() {
        parts.push(FormatPart::Literal(end.to_owned()));
    }
    if let Some(FormatPart::Literal(first)) = parts.first_mut() {
        *first = first.trim_start().to_owned();
    }
    parts.retain(|part| !matches!(part, FormatPart::Literal(text) if text.is_empty()));
    Ok(parts)
}

/// Name, arguments and what follows `%NAME%`, `%NAME(ARGUMENTS)%` or either with `:LENGTH`.
fn operator(text: &str) -> Option<(&str, Option<&str>, &str)> {
    let inner = text.strip_prefix('%')?;
    let end = inner.find(|letter: char| !(letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_'))?;
    let (name, rest) = inner.split_at_checked(end).filter(|(name, _)| !name.is_empty())?;
    let (arguments, rest) = match rest.strip_prefix('(') {
        Some(inner) => {
            let (end, rest) = inner.match_indices(')').find_map(|(end, _)| {
                let rest = inner.get(end.saturating_add(1)..)?;
                closed(rest).map(|_| (end, rest))
            })?;
            (inner.get(..end), rest)
        }
        None => (None, rest),
    };
    closed(rest).map(|rest| (name, arguments, rest))
}

/// What follows the `%` or `:LENGTH%` that ends an operator.
fn closed(text: &str) -> Option<&str> {
    let length = text.strip_prefix(':').map(|text| text.trim_start_matches(|letter: char| letter.is_ascii_digit()));
    length.unwrap_or(text).strip_prefix('%')
}
