//! Splits a line into the values of a format's operators.
//!
//! Envoy escapes nothing in a text log. What stands before the first value that a client chooses is read from the left, what
//! stands behind the last one where it fits furthest to the right. What stands between two of them counts only when reading
//! from the left and from the right agree.

use std::borrow::Cow;

use meshwhy_core::facts::Fact;
use meshwhy_core::facts::kind::{self, FactKind, ValueContent};

use super::FormatError;
use super::compile::{self, FormatPart};
use super::operator::Operator;
use crate::access_log::field::{AccessLog, Fields, LogField};

/// A compiled format.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    parts: Vec<FormatPart>,
    /// The first and the last part whose text may hold what separates values, since a client chooses it.
    foreign: Option<(usize, usize)>,
}

/// A value of a line.
type Value<'t> = (Operator, &'t str);

impl Template {
    pub(super) fn compile(format: &str) -> Result<Self, FormatError> {
        let parts = compile::parts(format)?;
        let foreign: Vec<usize> = (0..parts.len()).filter(|at| is_foreign(&parts, *at)).collect();
        let foreign = foreign.first().copied().zip(foreign.last().copied());
        Ok(Self { parts, foreign })
    }

    /// Whether some operator gives the outcome of a request.
    pub(super) fn has_outcome(&self) -> bool {
        self.operators().any(|operator| is_outcome(operator.field))
    }

    fn operators(&self) -> impl DoubleEndedIterator<Item = Operator> {
        self.parts.iter().filter_map(|part| if let FormatPart::Operator(operator) = part { Some(*operator) } else { None })
    }

    /// Reads a line; one whose tail is missing counts when its head says how the request ended.
    pub(super) fn parse<'a>(&self, text: &'a str) -> Option<AccessLog<'a>> {
        let mut fields = Fields::default();
        let (values, whole) = match self.split(text) {
            Some(values) => (values, true),
            None => (self.head(text), false),
        };
        let outcomes = values.iter().filter(|(operator, _)| is_outcome(operator.field)).count();
        if outcomes == 0 || !whole && (outcomes < 2 || values.len() < 3) {
            return None;
        }
        for (operator, value) in values {
            fields.put(operator.field, Cow::Borrowed(value));
        }
        Some(fields.finish(!whole, false))
    }

    /// Puts in the values that the text of one JSON key holds; says whether any of them is its outcome.
    pub(crate) fn fill<'a>(&self, text: Cow<'a, str>, fields: &mut Fields<'a>) -> bool {
        if let [FormatPart::Operator(operator)] = self.parts.as_slice() {
            fields.put(operator.field, text);
            return is_outcome(operator.field);
        }
        let values = match &text {
            Cow::Borrowed(text) => self.split(text).unwrap_or_default().into_iter().map(own(Cow::Borrowed)).collect(),
            Cow::Owned(text) => {
                let copy = |value: &str| Cow::Owned(value.to_owned());
                self.split(text).unwrap_or_default().into_iter().map(own(copy)).collect::<Vec<_>>()
            }
        };
        let mut outcomes = false;
        for (field, value) in values {
            fields.put(field, value);
            outcomes |= is_outcome(field);
        }
        outcomes
    }

    /// The values of a whole line.
    fn split<'t>(&self, text: &'t str) -> Option<Vec<Value<'t>>> {
        let Some((first, last)) = self.foreign else {
            return from_left(&self.parts, text).filter(|(_, rest)| rest.is_empty()).map(|(values, _)| values);
        };
        let (head, tail) = (self.parts.get(..first)?, self.parts.get(last.checked_add(1)?..)?);
        let (mut values, rest) = from_left(head, text)?;
        let (rest, behind) = rightmost(tail, rest)?;
        let between = self.parts.get(first..=last)?;
        match (from_left(between, rest), from_right(between, rest)) {
            (None, None) => return None,
            (Some((left, _)), Some((right, _))) if left.iter().eq(right.iter().rev()) => values.extend(left),
            _ => {}
        }
        values.extend(behind);
        Some(values)
    }

    /// The values before the first one that a client chooses, as far as the line goes.
    fn head<'t>(&self, text: &'t str) -> Vec<Value<'t>> {
        let mut end = self.foreign.map_or(self.parts.len(), |(first, _)| first);
        loop {
            match self.parts.get(..end).and_then(|parts| from_left(parts, text)) {
                Some((values, _)) => return values,
                None => end = end.saturating_sub(1),
            }
        }
    }
}

/// Whether the value of an operator may hold the literals beside it.
fn is_foreign(parts: &[FormatPart], at: usize) -> bool {
    let separates = |at: Option<usize>| match at.and_then(|at| parts.get(at)) {
        Some(FormatPart::Literal(literal)) => literal.contains(|letter: char| letter.is_whitespace() || letter.is_control()),
        _ => true,
    };
    match parts.get(at) {
        Some(FormatPart::Operator(Operator { content: ValueContent::Foreign, .. })) => true,
        Some(FormatPart::Operator(Operator { content: ValueContent::Chosen, .. })) => {
            !separates(at.checked_sub(1)) || !separates(at.checked_add(1))
        }
        _ => false,
    }
}

fn own<'t, 'v>(copy: impl Fn(&'t str) -> Cow<'v, str>) -> impl Fn(Value<'t>) -> (LogField, Cow<'v, str>) {
    move |(operator, value)| (operator.field, copy(value))
}

fn is_outcome(field: LogField) -> bool {
    use Fact::{Details, DownstreamTransport, Flags, GrpcStatus, Status, Termination, UpstreamTransport};
    matches!(field, LogField::Fact(Status | Flags | Details | Termination | UpstreamTransport | DownstreamTransport | GrpcStatus))
}

/// Reads parts from the left: each value ends where the literal behind it first stands.
fn from_left<'t>(parts: &[FormatPart], text: &'t str) -> Option<(Vec<Value<'t>>, &'t str)> {
    let mut values = Vec::new();
    let mut rest = text;
    let mut parts = parts.iter().peekable();
    while let Some(part) = parts.next() {
        match part {
            FormatPart::Literal(literal) => rest = rest.strip_prefix(literal.as_str())?,
            FormatPart::Operator(operator) => {
                let end = match parts.peek() {
                    Some(FormatPart::Literal(literal)) => memchr::memmem::find(rest.as_bytes(), literal.as_bytes())?,
                    _ => rest.len(),
                };
                let (value, after) = rest.split_at_checked(end)?;
                values.push(checked(*operator, value)?);
                rest = after;
            }
        }
    }
    Some((values, rest))
}

/// Most places at which the tail of a line is tried to begin.
const TRIES: usize = 32;

/// Finds the rightmost place where the last parts of a format fit: whatever a client chose stands before it.
fn rightmost<'t>(tail: &[FormatPart], text: &'t str) -> Option<(&'t str, Vec<Value<'t>>)> {
    let Some(FormatPart::Literal(literal)) = tail.first() else { return Some((text, Vec::new())) };
    let places = memchr::memmem::rfind_iter(text.as_bytes(), literal.as_bytes()).take(TRIES);
    places.into_iter().find_map(|at| {
        let (before, rest) = text.split_at_checked(at)?;
        let (values, _) = from_left(tail, rest).filter(|(_, rest)| rest.is_empty())?;
        Some((before, values))
    })
}

/// Reads parts from the right, the last one first: each value begins where the literal before it last stands.
fn from_right<'t>(parts: &[FormatPart], text: &'t str) -> Option<(Vec<Value<'t>>, &'t str)> {
    let mut values = Vec::new();
    let mut rest = text;
    let mut parts = parts.iter().rev().peekable();
    while let Some(part) = parts.next() {
        match part {
            FormatPart::Literal(literal) => rest = rest.strip_suffix(literal.as_str())?,
            FormatPart::Operator(operator) => {
                let begin = match parts.peek() {
                    Some(FormatPart::Literal(literal)) => {
                        memchr::memmem::rfind(rest.as_bytes(), literal.as_bytes())?.checked_add(literal.len())?
                    }
                    _ => 0,
                };
                let (before, value) = rest.split_at_checked(begin)?;
                values.push(checked(*operator, value)?);
                rest = before;
            }
        }
    }
    Some((values, rest))
}

/// Takes a value only when its operator can give it.
fn checked(operator: Operator, value: &str) -> Option<Value<'_>> {
    let none = value == "-" || value.is_empty();
    let fits = match (operator.field, operator.content) {
        (LogField::Fact(Fact::Status), _) => none || kind::Status::read(value.into()).is_some_and(|status| status < 1000),
        (LogField::Fact(Fact::Duration), _) => none || kind::Duration::read(value.into()).is_some(),
        (LogField::Fact(Fact::Flags), _) => none || kind::Flags::read(value.into()).is_some(),
        (_, ValueContent::Word) => !value.bytes().any(|byte| matches!(byte, b' ' | b'"')),
        (_, ValueContent::Chosen) => !value.contains(char::is_whitespace),
        (_, ValueContent::Text | ValueContent::Foreign) => true,
    };
    fits.then_some((operator, value))
}
