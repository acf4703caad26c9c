//! What a value must be.

use serde_json::value::RawValue;

use super::Truth;
use super::address::Range;
use super::pattern::matches_in_full;
use super::uri_template;
use crate::proto_json::{Integer, Object, Text, read};
use crate::route::RepeatedHeaders;

/// What a condition wants of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Expectation {
    /// To be there.
    Present,
    /// Not to be there.
    Absent,
    /// To be this.
    Exact(String),
    /// To begin so.
    Prefix(String),
    /// To end so.
    Suffix(String),
    /// To hold this.
    Contains(String),
    /// To match this pattern of RE2 in full.
    Regex(String),
    /// To be this path, or to go on with `/`.
    SeparatedPrefix(String),
    /// To match this template of a path.
    Template(String),
    /// To be an integer from the first to before the second.
    Between(i128, i128),
    /// To be an address of this range.
    Within(Range),
    /// One of several.
    AnyOf(Vec<Expectation>),
    /// To be true.
    True,
    /// Something that is not understood, by the name of its field.
    Other(String),
}

/// A value that a condition looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// There is none.
    Missing,
    /// It is this.
    Is(String),
    /// A header that comes several times.
    Several {
        /// Its values in their order.
        values: Vec<String>,
        /// How conditions see them.
        seen: RepeatedHeaders,
    },
    /// It is not known.
    Unknown,
}

impl Expectation {
    /// Reads an `envoy.type.matcher.v3.StringMatcher`; the second is whether the case of letters is overlooked.
    pub(crate) fn of_string_matcher(raw: &RawValue) -> (Self, bool) {
        let Some(matcher) = read::<Object<'_>>(raw) else { return (Self::Other("string_match".to_owned()), false) };
        let ignore_case = matcher.read("ignore_case").unwrap_or_default();
        let mut found = None;
        for (name, value) in matcher.fields() {
            let text = || read::<Text<'_>>(value).map(|text| text.to_string());
            let expectation = match name {
                "exact" => text().map(Self::Exact),
                "prefix" => text().map(Self::Prefix),
                "suffix" => text().map(Self::Suffix),
                "contains" => text().map(Self::Contains),
                "safe_regex" => Self::of_regex_matcher(value),
                "ignore_case" => continue,
                _ => None,
            };
            found = Some(expectation.unwrap_or_else(|| Self::Other(name.to_owned())));
        }
        (found.unwrap_or_else(|| Self::Other("string_match".to_owned())), ignore_case)
    }

    /// Reads an `envoy.type.matcher.v3.RegexMatcher`.
    pub(crate) fn of_regex_matcher(raw: &RawValue) -> Option<Self> {
        let regex: Text<'_> = read::<Object<'_>>(raw)?.read("regex")?;
        Some(Self::Regex(regex.to_string()))
    }

    /// Reads an `envoy.type.v3.Int64Range`.
    pub(crate) fn of_range(raw: &RawValue) -> Option<Self> {
        let range = read::<Object<'_>>(raw)?;
        let bound = |name| range.read::<Integer>(name).unwrap_or_default().0;
        Some(Self::Between(bound("start"), bound("end")))
    }

    /// Whether a value is as wanted.
    #[must_use]
    pub fn is_met_by(&self, value: &Value, ignore_case: bool) -> Truth {
        let text = match (self, value) {
            (Self::Other(_), _) | (_, Value::Unknown) => return Truth::Unknown,
            (Self::Present, value) => return (*value != Value::Missing).into(),
            (Self::Absent, value) => return (*value == Value::Missing).into(),
            (_, Value::Missing) => return Truth::No,
            (_, Value::Is(text)) => text.as_str(),
            (_, Value::Several { values, seen }) => {
                let each = Truth::any(values.iter().map(|value| self.is_met_by_text(value, ignore_case)));
                let joined = self.is_met_by_text(&values.join(","), ignore_case);
                return match seen {
                    RepeatedHeaders::Each => each,
                    RepeatedHeaders::Joined => joined,
                    RepeatedHeaders::Unknown if each == joined => each,
                    RepeatedHeaders::Unknown => Truth::Unknown,
                };
            }
        };
        self.is_met_by_text(text, ignore_case)
    }

    fn is_met_by_text(&self, text: &str, ignore_case: bool) -> Truth {
        let folded = |text: &str| if ignore_case { text.to_ascii_lowercase() } else { text.to_owned() };
        match self {
            Self::Present => Truth::Yes,
            Self::Absent => Truth::No,
            Self::Exact(wanted) => (folded(text) == folded(wanted)).into(),
            Self::Prefix(wanted) => folded(text).starts_with(&folded(wanted)).into(),
            Self::Suffix(wanted) => folded(text).ends_with(&folded(wanted)).into(),
            Self::Contains(wanted) => folded(text).contains(&folded(wanted)).into(),
            Self::SeparatedPrefix(wanted) => {
                let (text, wanted) = (folded(text), folded(wanted));
                text.strip_prefix(&wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')).into()
            }
            Self::Regex(pattern) => matches_in_full(pattern, text),
            Self::Template(template) => uri_template::matches(template, text),
            Self::Between(start, end) => {
                text.trim().parse::<i64>().is_ok_and(|number| (*start..*end).contains(&number.into())).into()
            }
            Self::Within(range) => super::parse_ip(text).is_some_and(|address| range.contains(address)).into(),
            Self::AnyOf(wanted) => Truth::any(wanted.iter().map(|wanted| wanted.is_met_by_text(text, ignore_case))),
            Self::True => (text == "true").into(),
            Self::Other(_) => Truth::Unknown,
        }
    }
}
