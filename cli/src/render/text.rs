//! Text for people.

use std::io::{self, Write};

use meshwhy_core::catalogue::explanation::{Explanation, ExplanationPart, FilledStep};
use meshwhy_core::causes::none_success;
use meshwhy_report::columns::{hop, share, target};

use super::{Labels, decoded, page::Page, route};
use crate::escape;
use crate::report::{DiagnosisReport, Entry, Evidence, Example};

/// Writes the answer to `explain`: each verdict with its evidence.
pub(crate) fn verdicts(out: &mut dyn Write, report: &DiagnosisReport) -> io::Result<()> {
    let labels = Labels::of(report.lang);
    let mut page = Page::new(out);
    if report.entries.is_empty() && report.decoded.is_empty() {
        nothing_failed(&mut page, report)?;
    }
    judged(&mut page, labels, report)?;
    decoded::write(&mut page, labels, &report.decoded)?;
    tally(&mut page, labels, report)
}

/// Writes each verdict of an answer with its evidence, and what the catalogue says of it.
pub(super) fn judged(page: &mut Page<'_>, labels: &Labels, report: &DiagnosisReport) -> io::Result<()> {
    causes(page, labels, report, |page, entry| {
        page.heading(labels.evidence)?;
        let width = entry.evidence.iter().map(|fact| fact.name.len()).max().unwrap_or(0);
        for fact in &entry.evidence {
            page.line(&format!("{:width$}  {}", fact.name, escape::line(&fact.value)))?;
        }
        if entry.record_refused {
            page.prose(labels.record_refused)?;
        }
        // What stands there in other words than meshwhy's is shown as it stands.
        let reworded = entry.evidence.iter().find(|fact| fact.text.as_ref().is_some_and(|text| text.len() > fact.value.len()));
        if let Some(Evidence { line: Some(line), text: Some(text), .. }) = reworded {
            page.line(&format!("{} {line}: {}", labels.line, clipped(text)))?;
        }
        alternatives(page, labels, entry)?;
        ruled_out(page, labels, entry)?;
        near_misses(page, labels, entry)
    })
}

/// Writes all of the answer to `diagnose`: each cause once.
pub(crate) fn findings(out: &mut dyn Write, report: &DiagnosisReport) -> io::Result<()> {
    let labels = Labels::of(report.lang);
    let mut page = Page::new(out);
    if report.entries.is_empty() {
        nothing_failed(&mut page, report)?;
    }
    causes(&mut page, labels, report, |page, entry| {
        for example in entry.examples.iter().take(EXAMPLES) {
            page.line(&format!("  {}", placed(example)))?;
        }
        Ok(())
    })?;
    if !report.unparsed.is_empty() {
        page.heading(labels.unparsed)?;
        report.unparsed.iter().try_for_each(|example| page.line(&placed(example)))?;
        page.blank()?;
    }
    tally(&mut page, labels, report)
}

/// What the catalogue says of healthy lines, and where it says more.
pub(super) fn nothing_failed(page: &mut Page<'_>, report: &DiagnosisReport) -> io::Result<()> {
    if report.not_shown > 0 {
        return page.dim(&format!("{}: {}", Labels::of(report.lang).others_failed, report.not_shown));
    }
    let cause = &none_success::CAUSE;
    page.dim(&format!("{} {}: {}", cause.code, cause.slug, cause.headline(report.lang)))
}

/// How many examples are shown; JSON output has all of them.
const EXAMPLES: usize = 3;

fn placed(example: &Example) -> String {
    format!("{}:{}: {}", escape::line(&example.source), example.line, clipped(&example.text))
}

/// An example is there to be recognised; JSON output has all of it.
fn clipped(example: &str) -> String {
    const LONGEST: usize = 160;
    let example = escape::line(example);
    let mut letters = example.chars();
    let mut start: String = letters.by_ref().take(LONGEST).collect();
    if letters.next().is_some() {
        start.push('…');
    }
    start
}

/// Writes every cause once, under it each of its entries, and then its explanation with the first entry's names.
fn causes(
    page: &mut Page<'_>,
    labels: &Labels,
    report: &DiagnosisReport,
    detail: impl Fn(&mut Page<'_>, &Entry) -> io::Result<()>,
) -> io::Result<()> {
    let entries = &report.entries;
    for (at, entry) in entries.iter().enumerate() {
        if entries.iter().take(at).any(|earlier| earlier.code == entry.code) {
            continue;
        }
        let name = format!("{} {}", entry.code, entry.slug);
        page.title(&name, labels.confidence(entry.confidence), entry.headline)?;
        for entry in entries.iter().filter(|other| other.code == entry.code) {
            page.blank()?;
            place(page, labels, entry)?;
            detail(page, entry)?;
            configuration(page, labels, entry)?;
            route::of_failure(page, entry, report.lang)?;
        }
        explanation(page, labels, &entry.explanation)?;
        page.blank()?;
    }
    Ok(())
}

/// Writes the place in the manifests that explains an entry, or that none does.
pub(super) fn configuration(page: &mut Page<'_>, labels: &Labels, entry: &Entry) -> io::Result<()> {
    let Some(found) = &entry.configuration else { return Ok(()) };
    if found.is_none() && entry.is_explained_by_route() {
        return Ok(());
    }
    page.heading(labels.configuration)?;
    let Some(found) = found else { return page.prose(labels.no_configuration) };
    let rule = found.rule.map(|code| format!(" ({code})")).unwrap_or_default();
    page.prose(&escape::line(&format!("{}{rule}", found.message)))?;
    page.line(&escape::line(&format!("{}  {}", found.at, found.resource)))?;
    for other in &found.related {
        let place = format!("{}  {}", other.at, other.resource.as_deref().unwrap_or_default());
        page.note(&format!("{} {}", labels.see_also, escape::line(&place)))?;
    }
    if found.has_edit { page.note(labels.has_edit) } else { Ok(()) }
}

pub(super) fn place(page: &mut Page<'_>, labels: &Labels, entry: &Entry) -> io::Result<()> {
    let lines: Vec<String> = entry.lines.iter().take(10).map(u64::to_string).collect();
    let more = if entry.lines.len() > lines.len() { ", …" } else { "" };
    let mut parts = vec![format!("{}×", entry.count)];
    parts.extend(entry.share.map(|_| share(entry)));
    parts.extend(Some(target(entry)).filter(|target| target != "-"));
    parts.extend(Some(hop(entry)).filter(|hop| hop != "-"));
    parts.extend(entry.relayed_from.as_deref().map(|author| format!("{} {}", labels.relayed_from, escape::line(author))));
    if !lines.is_empty() {
        parts.push(format!("{} {}{more}", labels.line, lines.join(", ")));
    }
    if entry.suppressed > 0 {
        parts.push(format!("{}: {}", labels.suppressed, entry.suppressed));
    }
    parts.extend(match (&entry.first_seen, &entry.last_seen) {
        (Some(first), Some(last)) if first != last => Some(format!("{first} … {last}")),
        (Some(first), _) => Some(first.to_string()),
        _ => None,
    });
    page.line(&parts.join(" · "))?;
    let course = entry.course.map(|course| labels.course(course).to_owned());
    let reason = entry.burst_reason.map(|reason| labels.burst_reason(reason).to_owned());
    let cause = entry.caused_by.map(|cause| format!("{} {cause}", labels.caused_by));
    let missing = entry.missing_hop.as_deref().map(|server| format!("{} {}", labels.missing_hop, escape::line(server)));
    let told: Vec<String> = [course, reason, cause, missing].into_iter().flatten().collect();
    if told.is_empty() { Ok(()) } else { page.prose(&told.join(" · ")) }
}

fn alternatives(page: &mut Page<'_>, labels: &Labels, entry: &Entry) -> io::Result<()> {
    if entry.alternatives.is_empty() {
        return Ok(());
    }
    page.heading(labels.alternatives)?;
    for other in &entry.alternatives {
        page.prose(&format!("{} {}: {}", other.code, other.slug, other.headline))?;
        page.note(&format!("{}{}", labels.decided_if, other.decide_by))?;
    }
    Ok(())
}

fn ruled_out(page: &mut Page<'_>, labels: &Labels, entry: &Entry) -> io::Result<()> {
    if entry.ruled_out.is_empty() {
        return Ok(());
    }
    page.heading(labels.ruled_out)?;
    entry.ruled_out.iter().try_for_each(|other| page.prose(&format!("{} {}: {}", other.code, other.slug, other.headline)))
}

fn near_misses(page: &mut Page<'_>, labels: &Labels, entry: &Entry) -> io::Result<()> {
    let Some(misses) = &entry.near_misses else { return Ok(()) };
    page.heading(labels.near_misses)?;
    if misses.is_empty() {
        page.prose(labels.no_near_misses)?;
    }
    for miss in misses {
        page.prose(&format!("{} {}: {}", miss.code, miss.slug, miss.headline))?;
        page.note(&format!("{}: {}", labels.held, miss.held.join("; ")))?;
        page.note(&format!("{}: {}", labels.missing, miss.missing.join("; ")))?;
    }
    Ok(())
}

/// Writes what a cause says: why, how to confirm, how to fix, and from where it is known.
pub(crate) fn explanation(page: &mut Page<'_>, labels: &Labels, explanation: &Explanation) -> io::Result<()> {
    page.heading(labels.why)?;
    for (at, paragraph) in explanation.why.iter().enumerate() {
        if at > 0 {
            page.blank()?;
        }
        page.prose(paragraph)?;
    }
    page.heading(labels.confirm)?;
    parts(page, labels, &explanation.confirm)?;
    page.heading(labels.fix)?;
    parts(page, labels, &explanation.fix)?;
    if !explanation.refused_slots.is_empty() {
        page.blank()?;
        page.prose(&format!("{}: {}", labels.refused_slots, explanation.refused_slots.join(", ")))?;
    }
    page.heading(labels.sources)?;
    explanation.sources.iter().try_for_each(|source| page.line(source))
}

fn parts(page: &mut Page<'_>, labels: &Labels, parts: &[ExplanationPart]) -> io::Result<()> {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            page.blank()?;
        }
        match part {
            ExplanationPart::Prose { text } => page.prose(text)?,
            ExplanationPart::Steps { applicability, steps: list, verify, .. } => {
                if let Some(word) = applicability {
                    page.dim(&format!("  [{}]", labels.applicability(word)))?;
                }
                steps(page, list)?;
                if !verify.is_empty() {
                    page.blank()?;
                    page.prose(labels.verify)?;
                    steps(page, verify)?;
                }
            }
        }
    }
    Ok(())
}

fn steps(page: &mut Page<'_>, steps: &[FilledStep]) -> io::Result<()> {
    steps.iter().try_for_each(|step| match step {
        FilledStep::Command { text } | FilledStep::Patch { text } => page.code(text),
        FilledStep::Note { text } => page.note(text),
    })
}

pub(super) fn tally(page: &mut Page<'_>, labels: &Labels, report: &DiagnosisReport) -> io::Result<()> {
    let tally = report.tally;
    let mut parts = vec![format!("{}: {}", labels.lines_read, tally.read)];
    let counts = [
        (tally.healthy, labels.healthy),
        (tally.failed, labels.failed),
        (tally.records, labels.records),
        (tally.unreadable, labels.unreadable),
        (tally.ungrouped, labels.ungrouped),
        (if report.entries.is_empty() { 0 } else { report.not_shown }, labels.not_shown),
    ];
    parts.extend(counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, label)| format!("{label}: {count}")));
    page.dim(&parts.join(" · "))
}
