//! The rules as a list, and one of them.

use std::io::{self, Write};

use meshwhy_check::rules::Rule;
use meshwhy_core::catalogue::explanation::Explanation;
use meshwhy_core::{Facts, Lang};
use serde::Serialize;

use super::{Labels, json, page::Page, table, text};
use crate::args::FormatArg;

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
struct Listed {
    code: &'static str,
    slug: &'static str,
    severity: &'static str,
    persona: &'static str,
    since: &'static str,
    headline: &'static str,
    /// Codes of other tools that mean the same.
    equivalent: &'static [&'static str],
    /// Codes of the causes of failed requests that this mistake leads to.
    explains: Vec<&'static str>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub(super) struct Rules {
    schema: &'static str,
    rules: Vec<Listed>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub(super) struct ShownRule {
    schema: &'static str,
    #[serde(flatten)]
    listed: Listed,
    explanation: Explanation,
}

impl Listed {
    fn new(rule: &'static Rule, lang: Lang) -> Self {
        Self {
            code: rule.code,
            slug: rule.slug,
            severity: rule.severity.as_str(),
            persona: rule.persona.as_str(),
            since: rule.since,
            headline: rule.headline(lang),
            equivalent: rule.equivalent,
            explains: rule.explains.iter().map(|cause| cause.code).collect(),
        }
    }
}

/// Writes all rules.
pub(crate) fn list(out: &mut dyn Write, lang: Lang, format: FormatArg) -> io::Result<()> {
    let rules: Vec<Listed> = Rule::all().iter().map(|rule| Listed::new(rule, lang)).collect();
    if format == FormatArg::Json {
        return json::object(out, &Rules { schema: json::SCHEMA, rules });
    }
    let labels = Labels::of(lang);
    let row = |rule: &Listed| {
        [rule.code.to_owned(), labels.severity(rule.severity).to_owned(), rule.slug.to_owned(), rule.headline.to_owned()]
    };
    let rows: Vec<_> = rules.iter().map(row).collect();
    table::write(&mut Page::new(out), ["", "", labels.rule, ""], &rows)
}

/// Writes one rule, with placeholders where names would stand.
pub(crate) fn one(out: &mut dyn Write, rule: &'static Rule, lang: Lang, format: FormatArg) -> io::Result<()> {
    let explanation = Explanation::new(&rule.entry, lang, &Facts::default());
    let listed = Listed::new(rule, lang);
    if format == FormatArg::Json {
        return json::object(out, &ShownRule { schema: json::SCHEMA, listed, explanation });
    }
    let labels = Labels::of(lang);
    let mut page = Page::new(out);
    page.title(&format!("{} {}", rule.code, rule.slug), labels.severity(rule.severity.as_str()), listed.headline)?;
    if !listed.equivalent.is_empty() {
        page.line(&format!("= {}", listed.equivalent.join(", ")))?;
    }
    if !listed.explains.is_empty() {
        page.line(&format!("{} {}", labels.requests_show, listed.explains.join(", ")))?;
    }
    text::explanation(&mut page, labels, &explanation)
}
