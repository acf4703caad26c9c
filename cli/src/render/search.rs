//! Entries of the catalogues that words fit.

use std::io::{self, Write};

use meshwhy_core::Lang;
use meshwhy_core::catalogue::Entry;
use serde::Serialize;

use super::{json, page::Page, table};
use crate::args::FormatArg;

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub(super) struct Found {
    schema: &'static str,
    lang: &'static str,
    /// The best first.
    entries: Vec<FoundEntry>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
struct FoundEntry {
    /// `MW` and digits of a cause, `MWC` and digits of a rule.
    code: &'static str,
    slug: &'static str,
    headline: &'static str,
}

/// Writes them.
pub(crate) fn found(out: &mut dyn Write, entries: &[&'static Entry], lang: Lang, format: FormatArg) -> io::Result<()> {
    let listed = |entry: &&'static Entry| FoundEntry { code: entry.code, slug: entry.slug, headline: entry.headline(lang) };
    let entries: Vec<FoundEntry> = entries.iter().map(listed).collect();
    if format == FormatArg::Json {
        return json::object(out, &Found { schema: json::SCHEMA, lang: crate::lang::tag(lang), entries });
    }
    let rows: Vec<_> = entries.iter().map(|entry| [entry.code, entry.slug, entry.headline].map(str::to_owned)).collect();
    table::write(&mut Page::new(out), ["", "", ""], &rows)
}
