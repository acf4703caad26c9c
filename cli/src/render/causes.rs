//! The catalogue as a list, and one entry of it.

use std::io::{self, Write};

use meshwhy_core::catalogue::Status;
use meshwhy_core::catalogue::explanation::Explanation;
use meshwhy_core::causes::{ErrorType, REGISTRY};
use meshwhy_core::condition::Condition;
use meshwhy_core::{Cause, Confidence, Facts, Lang};
use serde::Serialize;

use super::{Labels, json, page::Page, table, text};
use crate::args::FormatArg;

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
struct Listed {
    code: &'static str,
    slug: &'static str,
    stage: &'static str,
    since: &'static str,
    error_type: Option<&'static str>,
    headline: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retired: Option<Retired>,
}

/// Since when nothing names the cause any more, and why.
#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
struct Retired {
    since: &'static str,
    why: &'static str,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub(super) struct Shown {
    schema: &'static str,
    #[serde(flatten)]
    listed: Listed,
    refines: Option<&'static str>,
    recognised_by: Vec<Recognised>,
    explanation: Explanation,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
struct Recognised {
    confidence: &'static str,
    condition: String,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub(super) struct Catalogue {
    schema: &'static str,
    causes: Vec<Listed>,
}

/// Writes all causes.
pub(crate) fn list(out: &mut dyn Write, lang: Lang, format: FormatArg) -> io::Result<()> {
    let causes: Vec<Listed> = REGISTRY.iter().map(|cause| Listed::new(cause, lang)).collect();
    if format == FormatArg::Json {
        return json::object(out, &Catalogue { schema: json::SCHEMA, causes });
    }
    let labels = Labels::of(lang);
    let rows: Vec<_> =
        causes.iter().map(|cause| [cause.code.to_owned(), cause.slug.to_owned(), cause.headline.to_owned()]).collect();
    table::write(&mut Page::new(out), ["", labels.cause, ""], &rows)
}

/// Writes one cause, with placeholders where facts would stand.
pub(crate) fn one(out: &mut dyn Write, cause: &'static Cause, lang: Lang, format: FormatArg) -> io::Result<()> {
    let explanation = Explanation::new(cause, lang, &Facts::default());
    let recognised = |(confidence, condition): &'static (Confidence, Condition)| Recognised {
        confidence: confidence.as_str(),
        condition: condition.prose(lang),
    };
    let recognised_by: Vec<Recognised> = cause.conditions.iter().map(recognised).collect();
    let listed = Listed::new(cause, lang);
    let refines = cause.refines.map(|general| general.code);
    if format == FormatArg::Json {
        return json::object(out, &Shown { schema: json::SCHEMA, listed, refines, recognised_by, explanation });
    }
    let labels = Labels::of(lang);
    let mut page = Page::new(out);
    let error = listed.error_type.map(|error| format!(" · {} {error}", labels.error_type)).unwrap_or_default();
    let refines = refines.map(|code| format!(" · {} {code}", labels.refines)).unwrap_or_default();
    let remark = format!("{} {}{error}{refines}", labels.since, cause.since);
    page.title(&format!("{} {}", cause.code, cause.slug), &remark, listed.headline)?;
    if let Some(Retired { since, why }) = &listed.retired {
        page.prose(&format!("{} {since}: {why}", labels.retired_since))?;
    }
    if !recognised_by.is_empty() {
        page.heading(labels.recognised_by)?;
    }
    for way in &recognised_by {
        page.prose(&format!("{}: {}", labels.confidence(way.confidence), way.condition))?;
    }
    text::explanation(&mut page, labels, &explanation)
}

impl Listed {
    fn new(cause: &Cause, lang: Lang) -> Self {
        Self {
            code: cause.code,
            slug: cause.slug,
            stage: cause.stage().as_str(),
            since: cause.since,
            error_type: cause.error.map(ErrorType::as_str),
            headline: cause.headline(lang),
            retired: match (cause.status, lang) {
                (Status::Stable, _) => None,
                (Status::Retired { since, why, .. }, Lang::En) | (Status::Retired { since, why_zh: why, .. }, Lang::Zh) => {
                    Some(Retired { since, why })
                }
            },
        }
    }
}
