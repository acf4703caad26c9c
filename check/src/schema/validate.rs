//! A node against a schema.

use std::borrow::Cow;

use super::SCHEMAS;
use super::compile::{Additional, Reference, Schema};
use crate::document::{Node, Value, is_placeholder};
use crate::spelling::nearest;

/// A field that is not what it may be.
#[derive(Debug, Clone)]
pub struct Problem<'a> {
    /// What is to be changed: a key that is unknown, a value that is wrong, a mapping that lacks something.
    pub node: Node<'a>,
    /// The value of the key, where `node` is one.
    pub value: Option<Node<'a>>,
    /// The name of the field.
    pub field: Cow<'a, str>,
    /// What is wrong.
    pub kind: ProblemKind,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemKind {
    /// There is no such field; the one that was probably meant.
    Unknown(Option<&'static str>),
    /// It is of another type; what is wanted.
    Type(String),
    /// It is none of the values; what they are, and the one that was probably meant.
    Value(String, Option<&'static str>),
    /// It is no duration.
    Duration,
    /// It does not have the form, or is too long, short, large or small; what is wanted.
    Form(String),
    /// A field is missing.
    Missing(&'static str),
    /// Only one of some fields may be there; those that are.
    Exclusive(String),
}

impl Problem<'_> {
    /// Whether it is wrong in a patch, too: one lacks most fields, replaces lists in part, and has directives.
    #[must_use]
    pub fn is_of_patch(&self) -> bool {
        match self.kind {
            ProblemKind::Unknown(_) => !self.field.starts_with('$'),
            ProblemKind::Type(_) | ProblemKind::Value(..) | ProblemKind::Duration => true,
            ProblemKind::Form(_) | ProblemKind::Missing(_) | ProblemKind::Exclusive(_) => false,
        }
    }
}

/// All that is wrong with a node.
#[must_use]
pub fn validate<'a>(node: Node<'a>, schema: &'static Schema) -> Vec<Problem<'a>> {
    let mut problems = Vec::new();
    look(node, "", schema, &mut problems);
    problems
}

fn resolve(reference: Reference) -> Option<&'static Schema> {
    SCHEMAS.get(reference)
}

fn look<'a>(node: Node<'a>, field: &'a str, schema: &'static Schema, problems: &mut Vec<Problem<'a>>) {
    let value = node.value();
    // Kubernetes takes null for absence.
    if value == Value::Null || matches!(&value, Value::Text(text) if is_placeholder(text)) {
        return;
    }
    let mut add = |kind| problems.push(Problem { node, value: None, field: Cow::Borrowed(field), kind });
    if !is_of_type(&value, &schema.types) {
        return add(ProblemKind::Type(schema.types.join(" or ")));
    }
    match value {
        Value::Mapping => mapping(node, field, schema, problems),
        Value::Sequence => {
            let count = node.items().len() as u64;
            if !within(count, schema.elements) {
                add(ProblemKind::Form(format!("{} elements", range(schema.elements))));
            }
            if let Some(items) = schema.items.and_then(resolve) {
                node.items().for_each(|item| look(item, field, items, problems));
            }
        }
        _ => {
            if let Some(kind) = scalar(node, &value, schema) {
                add(kind);
            }
        }
    }
    combined(node, field, schema, problems);
}

fn mapping<'a>(node: Node<'a>, field: &'a str, schema: &'static Schema, problems: &mut Vec<Problem<'a>>) {
    for (key, value) in node.entries() {
        let Some(name) = key.text() else { continue };
        if let Some(known) = schema.properties.get(name) {
            if let Some(known) = resolve(*known) {
                look(value, name, known, problems);
            }
            continue;
        }
        match &schema.additional {
            Additional::Anything => {}
            Additional::Of(other) => {
                if let Some(other) = resolve(*other) {
                    look(value, name, other, problems);
                }
            }
            // What the API server writes, and what YAML merges.
            Additional::Nothing if matches!(name, "status" | "<<") => {}
            Additional::Nothing => {
                let names = schema.properties.keys().map(AsRef::as_ref);
                let kind = ProblemKind::Unknown(nearest(name, names));
                problems.push(Problem { node: key, value: Some(value), field: Cow::Borrowed(name), kind });
            }
        }
    }
    let count = node.entries().count() as u64;
    if !within(count, schema.keys) {
        let kind = ProblemKind::Form(format!("{} keys", range(schema.keys)));
        problems.push(Problem { node, value: None, field: Cow::Borrowed(field), kind });
    }
    for name in &schema.required {
        if node.get(name).is_none_or(|value| value.value() == Value::Null) {
            problems.push(Problem { node, value: None, field: Cow::Borrowed(field), kind: ProblemKind::Missing(name) });
        }
    }
}

fn scalar(node: Node<'_>, value: &Value<'_>, schema: &'static Schema) -> Option<ProblemKind> {
    let text = node.text().unwrap_or_default();
    let is_text = matches!(value, Value::Text(_));
    if !schema.values.is_empty() && !schema.values.iter().any(|known| **known == *text) {
        let words = || schema.values.iter().map(AsRef::as_ref);
        return Some(ProblemKind::Value(words().collect::<Vec<_>>().join(", "), nearest(text, words())));
    }
    if let Value::Integer(number) = value {
        let (low, high) = schema.numbers;
        if low.is_some_and(|low| *number < low) || high.is_some_and(|high| *number > high) {
            let bound = |bound: Option<i64>| bound.map_or_else(String::new, |bound| bound.to_string());
            return Some(ProblemKind::Form(format!("{}–{}", bound(low), bound(high))));
        }
    }
    if !is_text {
        return None;
    }
    if !within(text.chars().count() as u64, schema.length) {
        return Some(ProblemKind::Form(format!("{} characters", range(schema.length))));
    }
    if schema.address.is_some_and(|kind| !kind.holds(text)) {
        return Some(ProblemKind::Form(String::new()));
    }
    let pattern = schema.pattern.as_ref().filter(|pattern| !pattern.holds(text))?;
    Some(if pattern.is_duration() { ProblemKind::Duration } else { ProblemKind::Form(String::new()) })
}

/// What `allOf`, `anyOf`, `oneOf` and `not` say: in these schemas, which fields exclude each other and which values may be.
fn combined<'a>(node: Node<'a>, field: &'a str, schema: &'static Schema, problems: &mut Vec<Problem<'a>>) {
    let mut add = |kind| problems.push(Problem { node, value: None, field: Cow::Borrowed(field), kind });
    for part in schema.all.iter().filter_map(|part| resolve(*part)) {
        if !holds(node, part) {
            add(exclusive(node, part));
        }
    }
    if schema.not.and_then(resolve).is_some_and(|part| holds(node, part)) {
        add(exclusive(node, schema));
    }
    if !schema.any.is_empty() && !schema.any.iter().filter_map(|part| resolve(*part)).any(|part| holds(node, part)) {
        add(ProblemKind::Form(String::new()));
    }
    let matching = schema.one.iter().filter_map(|part| resolve(*part)).filter(|part| holds(node, part)).count();
    if !schema.one.is_empty() && matching != 1 {
        // Alternatives that differ in a value all hold where the value is left to its default, which these schemas do not carry.
        let kind = exclusive(node, schema);
        if matching == 0 || matches!(kind, ProblemKind::Exclusive(_)) {
            add(kind);
        }
    }
}

/// The fields that a combination names and that are there.
fn exclusive(node: Node<'_>, schema: &'static Schema) -> ProblemKind {
    let mut names = Vec::new();
    named(schema, &mut names);
    let present: Vec<&str> = names.into_iter().filter(|name| node.get(name).is_some()).collect();
    if present.len() > 1 { ProblemKind::Exclusive(present.join(", ")) } else { ProblemKind::Form(String::new()) }
}

fn named(schema: &'static Schema, names: &mut Vec<&'static str>) {
    let parts = schema.all.iter().chain(&schema.any).chain(&schema.one).chain(schema.not.iter());
    for part in parts.filter_map(|part| resolve(*part)) {
        for name in &part.required {
            if !names.contains(&name.as_ref()) {
                names.push(name);
            }
        }
        named(part, names);
    }
}

fn holds(node: Node<'_>, schema: &'static Schema) -> bool {
    let mut problems = Vec::new();
    look(node, "", schema, &mut problems);
    problems.is_empty()
}

fn is_of_type(value: &Value<'_>, types: &[Box<str>]) -> bool {
    let kind = value.kind();
    types.is_empty() || types.iter().any(|wanted| **wanted == *kind || (&**wanted == "number" && kind == "integer"))
}

fn within(count: u64, (low, high): (Option<u64>, Option<u64>)) -> bool {
    low.is_none_or(|low| count >= low) && high.is_none_or(|high| count <= high)
}

fn range((low, high): (Option<u64>, Option<u64>)) -> String {
    let word = |bound: Option<u64>| bound.map_or_else(String::new, |bound| bound.to_string());
    format!("{}–{}", word(low), word(high))
}
