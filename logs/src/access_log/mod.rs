//! Access-log lines of Envoy and Istio.

pub(crate) mod field;
pub(crate) mod format;
mod json;
mod text;

use std::borrow::Cow;

use format::Formats;
use meshwhy_core::cluster_name::ClusterName;
use meshwhy_core::{Facts, proxy_status};

use crate::Format;

/// An access-log line, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "a box would cost an allocation per failing line")]
pub(crate) enum AccessLog<'a> {
    /// Nothing failed, and nothing was looked at beyond what says so.
    Healthy,
    /// What the line says; it may be healthy, too.
    Facts {
        /// The facts.
        facts: Facts<'a>,
        /// The format that the line is in.
        format: Format,
        /// Whether the head or the tail is missing.
        truncated: bool,
    },
}

/// Reads an access-log line of any format; `None` when it is something else.
///
/// # Shape
/// Takes the line without what tools put around it; several physical lines may stand in it, joined by line ends. Objects
/// that are records (`meshwhy.record`) or that name no field of an access log are something else.
///
/// # Cost
/// A healthy line allocates nothing, unless its texts hold escapes.
pub(crate) fn parse<'a>(text: &'a str, formats: &Formats) -> Option<AccessLog<'a>> {
    if let Some(custom) = formats.parse(text) {
        return Some(custom);
    }
    if text.starts_with('{') {
        return json::parse(text, None);
    }
    if memchr::memchr(b'\n', text.as_bytes()).is_some() { text::parse_wrapped(text) } else { text::parse(text) }
}

impl AccessLog<'_> {
    fn into_owned<'b>(self) -> AccessLog<'b> {
        match self {
            Self::Healthy => AccessLog::Healthy,
            Self::Facts { facts, format, truncated } => AccessLog::Facts { facts: facts.into_owned(), format, truncated },
        }
    }
}

/// A field as access logs print it: `-` and nothing say that there is none.
#[inline]
fn told(field: Option<&str>) -> Option<Cow<'_, str>> {
    field.filter(|field| *field != "-" && !field.is_empty()).map(Cow::Borrowed)
}

/// Puts in what follows from other fields: the side, and what a logged `Proxy-Status` header tells.
fn complete(facts: &mut Facts<'_>, proxy_status: Option<&str>) {
    facts.side = facts.cluster.as_deref().and_then(|name| ClusterName::parse(name).side());
    if let Some(header) = proxy_status {
        proxy_status::complete(facts, header);
    }
}

#[cfg(test)]
mod tests;
