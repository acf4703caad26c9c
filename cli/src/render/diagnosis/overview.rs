//! The first screen of a diagnosis: a table, the causes that count most in a few lines each, and how to see the rest.

use std::io::{self, Write};

use meshwhy_core::Lang;
use meshwhy_core::catalogue::explanation::{ExplanationPart, FilledStep};

use crate::render::table::{self, Column};
use meshwhy_report::columns::{hop, seconds, service, share};
use meshwhy_report::sparkline::sparkline;

use crate::render::text::{configuration, nothing_failed, place, tally};
use crate::render::{Labels, page::Page, route};
use crate::report::{DiagnosisReport, Entry};

/// How many causes are explained.
const EXPLAINED: usize = 3;
/// How many sentences of a text are shown.
const SENTENCES: usize = 2;
/// Most lines of a first step; a longer one is shown on demand.
const STEP_LINES: usize = 14;

/// Writes the overview; the table has at most `top` rows.
pub(crate) fn write(out: &mut dyn Write, report: &DiagnosisReport, top: usize) -> io::Result<()> {
    let labels = Labels::of(report.lang);
    let mut page = Page::new(out);
    if report.entries.is_empty() {
        nothing_failed(&mut page, report)?;
        return tally(&mut page, labels, report);
    }
    table(&mut page, labels, report, top)?;
    page.blank()?;
    for entry in explained(report) {
        cause(&mut page, labels, report.lang, entry)?;
    }
    page.dim(labels.see_the_rest)?;
    tally(&mut page, labels, report)
}

/// Writes the table and the numbers alone, for somebody who watches.
pub(crate) fn live(out: &mut dyn Write, report: &DiagnosisReport, top: usize) -> io::Result<()> {
    let (mut page, labels) = (Page::new(out), Labels::of(report.lang));
    if !report.entries.is_empty() {
        table(&mut page, labels, report, top)?;
    }
    tally(&mut page, labels, report)
}

/// The first entries of the causes that count most.
pub(in crate::render) fn explained(report: &DiagnosisReport) -> impl Iterator<Item = &Entry> {
    let is_first = |(at, entry): &(usize, &Entry)| report.entries.iter().take(*at).all(|earlier| earlier.code != entry.code);
    report.entries.iter().enumerate().filter(is_first).map(|(_, entry)| entry).take(EXPLAINED)
}

fn table(page: &mut Page<'_>, labels: &Labels, report: &DiagnosisReport, top: usize) -> io::Result<()> {
    const DATE: usize = "2026-11-21T".len();
    let rows = || report.entries.iter().take(top);
    let first = |entry: &Entry| seconds(entry.first_seen);
    let of_one_day = {
        let mut dates = rows().map(|entry| first(entry).chars().take(DATE).collect::<String>());
        dates.next().is_some_and(|date| dates.all(|other| other == date))
    };
    let since = Column::new(labels.first_seen, rows().map(first));
    let rate = |entry: &Entry| Some(sparkline(entry.rate.as_ref()?, report.observed.as_ref()?.times()));
    let mut columns = vec![
        Column::new(labels.count, rows().map(|entry| entry.count.to_string())),
        Column::new(labels.cause, rows().map(|entry| format!("{} {}", entry.code, entry.slug)))
            .or(rows().map(|entry| entry.slug.to_owned())),
        Column::new(labels.target, rows().map(service)),
        Column::new(labels.hop, rows().map(hop)).or_nothing(),
        if of_one_day { since.or(rows().map(|entry| first(entry).chars().skip(DATE).collect())) } else { since },
    ];
    if rows().any(|entry| entry.share.is_some()) {
        columns.insert(1, Column::new(labels.share, rows().map(share)).or_nothing());
    }
    if rows().any(|entry| entry.rate.as_ref().is_some_and(|rate| rate.counts.len() > 1)) {
        columns.push(Column::new(labels.rate, rows().map(|entry| rate(entry).unwrap_or_default())).or_nothing());
    }
    table::fitting(page, columns)?;
    match report.entries.len().saturating_sub(top) {
        0 => Ok(()),
        left => page.dim(&format!("  {}: {left} (--top)", labels.more_rows)),
    }
}

fn cause(page: &mut Page<'_>, labels: &Labels, lang: Lang, entry: &Entry) -> io::Result<()> {
    let name = format!("{} {}", entry.code, entry.slug);
    page.title(&name, labels.confidence(entry.confidence), entry.headline)?;
    place(page, labels, entry)?;
    configuration(page, labels, entry)?;
    route::of_failure(page, entry, lang)?;
    let explanation = &entry.explanation;
    page.heading(labels.why)?;
    page.prose(beginning(explanation.why.first().copied().unwrap_or_default(), lang))?;
    page.heading(labels.fix)?;
    let mut parts = explanation.fix.iter();
    if let Some(ExplanationPart::Prose { text }) = parts.clone().next() {
        page.prose(beginning(text, lang))?;
    }
    let steps = parts.find_map(|part| match part {
        ExplanationPart::Steps { steps, .. } => steps.first(),
        ExplanationPart::Prose { .. } => None,
    });
    match steps {
        Some(FilledStep::Command { text } | FilledStep::Patch { text }) if text.lines().count() <= STEP_LINES => {
            page.code(text)?
        }
        Some(FilledStep::Note { text }) => page.note(text)?,
        _ => {}
    }
    page.blank()
}

/// The first sentences of a paragraph. What stands in backticks ends none.
pub(in crate::render) fn beginning(text: &'static str, lang: Lang) -> &'static str {
    let mut letters = text.char_indices().peekable();
    let (mut in_code, mut sentences) = (false, 0);
    while let Some((at, letter)) = letters.next() {
        in_code ^= letter == '`';
        let is_end = match lang {
            Lang::Zh => letter == '。',
            Lang::En => letter == '.' && letters.peek().is_some_and(|(_, next)| next.is_whitespace()),
        };
        if is_end && !in_code {
            sentences += 1;
            if sentences == SENTENCES {
                return text.get(..at + letter.len_utf8()).unwrap_or(text);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_ends_with_a_sentence() {
        let english = "Istio 1.29 sets `a. b` here. Then\nit stops. And more.";
        assert_eq!(beginning(english, Lang::En), "Istio 1.29 sets `a. b` here. Then\nit stops.");
        assert_eq!(beginning("One only.", Lang::En), "One only.");
        assert_eq!(beginning("先看 `a。b`。再看日志。其他。", Lang::Zh), "先看 `a。b`。再看日志。");
    }
}
