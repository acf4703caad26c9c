//! JSON access logs: Istio's keys, or keys that mean the same; any order, any extra keys, cut or wrapped.

pub(super) mod healthy;
mod key;
mod layout;
mod scan;

use std::borrow::Cow;

use super::field::{AccessLog, Fields, LogField};
use super::format::Labels;
use key::{KeyKind, Spelling};
use scan::{Scanner, Token};

/// Deepest object that is looked into.
const DEEPEST: usize = 4;

/// Reads an object; with `labels`, the keys that the user's format gives come before those that are known.
pub(super) fn parse<'a>(text: &'a str, labels: Option<&Labels>) -> Option<AccessLog<'a>> {
    if labels.is_none()
        && let Some(success) = healthy::success(text.as_bytes())
    {
        return Some(AccessLog::Healthy(success));
    }
    let mut scanner = Scanner::new(text);
    if scanner.is_plain()
        && labels.is_none()
        && let Some(facts) = layout::read(text)
    {
        return Some(AccessLog::of(facts));
    }
    read_any(&mut scanner, labels)
}

/// Reads an object with keys of any order and spelling.
fn read_any<'a>(scanner: &mut Scanner<'a>, labels: Option<&Labels>) -> Option<AccessLog<'a>> {
    let mut object = Object { labels, ..Object::default() };
    let whole = object.read(scanner, "", 0).is_some();
    if whole && !scanner.is_at_end() {
        return None;
    }
    object.finish(!whole)
}

#[derive(Default)]
struct Object<'a, 'l> {
    labels: Option<&'l Labels>,
    fields: Fields<'a>,
    /// A key that only Envoy's access logs have.
    specific: bool,
    /// The status under a name that others use, too.
    outcome: bool,
    message: bool,
    record: bool,
    custom: bool,
}

impl<'a> Object<'a, '_> {
    /// Reads to the end of the object; `None` when the text ends before it or is no JSON.
    fn read(&mut self, scanner: &mut Scanner<'a>, path: &str, depth: usize) -> Option<()> {
        scanner.open()?;
        loop {
            let Some(key) = scanner.key()? else { return Some(()) };
            match scanner.value()? {
                Token::Object if depth < DEEPEST => {
                    let path = key::below(path, &key.text());
                    self.read(scanner, &path, depth.saturating_add(1))?;
                }
                Token::Object | Token::Array => scanner.skip()?,
                Token::Text(value) => self.take(path, &key, || value.text()),
                Token::Literal("null") => self.take(path, &key, || Cow::Borrowed("")),
                Token::Literal(value) => self.take(path, &key, || Cow::Borrowed(value)),
            }
        }
    }

    fn take(&mut self, path: &str, key: &scan::Text<'a>, value: impl FnOnce() -> Cow<'a, str>) {
        if let Some(labels) = self.labels
            && path.is_empty()
            && let Some(template) = labels.find(&key.text())
        {
            self.custom |= template.fill(value(), &mut self.fields);
            return;
        }
        if let Some(spelling) = key::find(path, key) {
            self.put(spelling, value);
        }
    }

    #[inline]
    fn put(&mut self, Spelling { field, kind }: Spelling, value: impl FnOnce() -> Cow<'a, str>) {
        match kind {
            KeyKind::Specific => self.specific = true,
            KeyKind::Outcome => self.outcome = true,
            KeyKind::Common => {}
            KeyKind::Message => self.message = true,
            KeyKind::Record => self.record = true,
        }
        if field != LogField::Ignored {
            self.fields.put(field, value());
        }
    }

    #[inline]
    fn finish(self, truncated: bool) -> Option<AccessLog<'a>> {
        let facts = &self.fields.facts;
        let has_outcome = facts.status.is_some() || facts.flags.is_some() || facts.details.is_some();
        let ours = self.custom || self.specific || self.outcome && !self.message;
        if self.record || !has_outcome || !ours || (self.labels.is_some() && !self.custom) {
            return None;
        }
        Some(self.fields.finish(truncated, true))
    }
}
