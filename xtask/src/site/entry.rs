//! The page of a cause, and that of a rule.

use maud::{Markup, html};
use meshwhy_check::rules::{Persona, Rule, Topic};
use meshwhy_core::catalogue::explanation::{Explanation, ExplanationPart, FilledStep};
use meshwhy_core::catalogue::{Entry, Status};
use meshwhy_core::causes::{ErrorType, REGISTRY};
use meshwhy_core::{Cause, Facts, Lang};
use meshwhy_report::html::prose;

use super::Files;
use super::frame::page;
use super::words::{Words, applicability, confidence, severity, stage, topic};

pub(super) fn cause(cause: &'static Cause, lang: Lang, files: &Files) -> Markup {
    let words = Words::of(lang);
    let refined = REGISTRY.iter().filter(|other| other.refines == Some(cause)).map(|other| &other.entry).collect::<Vec<_>>();
    let rules = Rule::all().iter().filter(|rule| rule.explains.contains(&cause)).map(|rule| &rule.entry).collect::<Vec<_>>();
    let cases = cases(&files.cases);
    let mistaken = cases.iter().filter_map(|case| Cause::find(case.verdict)).filter(|other| *other != cause);
    let mut mistaken: Vec<&'static Entry> = mistaken.map(|other| &other.entry).collect();
    mistaken.sort_by_key(|entry| entry.code);
    mistaken.dedup_by_key(|entry| entry.code);
    let content = html! {
        (heading(&cause.entry, lang))
        dl {
            div { dt { (words.about) } dd { (stage(cause.stage(), lang)) } }
            @if let Some(error) = cause.error.map(ErrorType::as_str) { div { dt { "RFC 9209" } dd { code { (error) } } } }
            div { dt { (words.since) } dd { (cause.since) } }
        }
        @if !cause.conditions.is_empty() {
            h2 #recognised { (words.recognised_by) }
            ul { @for (sure, condition) in cause.conditions { li { strong { (confidence(*sure, lang)) } (words.colon) (prose(&condition.prose(lang))) } } }
        }
        @if !cause.suspected.is_empty() {
            h2 #suspected { (words.suspected) }
            ul {
                @for suspicion in cause.suspected {
                    li {
                        (prose(&suspicion.when.prose(lang))) (words.decided_if)
                        @match lang { Lang::En => (prose(suspicion.decide_by)), Lang::Zh => (prose(suspicion.decide_by_zh)) }
                    }
                }
            }
        }
        (explained(&cause.entry, lang))
        (entries(lang, "refines", words.refines, &cause.refines.map(|general| &general.entry).into_iter().collect::<Vec<_>>()))
        (entries(lang, "refined", words.refined_by, &refined))
        (entries(lang, "mistaken", words.mistaken_for, &mistaken))
        (entries(lang, "by-rules", words.led_to_by, &rules))
        @if !cases.is_empty() {
            h2 #cases { (words.cases) }
            p.faint { (words.cases_note) }
            @for case in &cases { details { summary { (prose(case.heading)) " → " code { (case.verdict) } } pre tabindex="0" { (case.facts) } } }
        }
        (sources(&cause.entry, lang))
    };
    framed(&cause.entry, lang, &content)
}

pub(super) fn rule(rule: &'static Rule, lang: Lang, files: &Files) -> Markup {
    let words = Words::of(lang);
    let explains: Vec<&'static Entry> = rule.explains.iter().map(|cause| &cause.entry).collect();
    let content = html! {
        (heading(&rule.entry, lang))
        dl {
            @if let Some(about) = Topic::of(rule.code) { div { dt { (words.about) } dd { (topic(about, lang)) } } }
            div { dt { (words.severity) } dd { (severity(rule.severity, lang)) } }
            @if rule.persona != Persona::Regular { div { dt { (words.only_with) } dd { code { "--persona " (rule.persona.as_str()) } } } }
            @if !rule.equivalent.is_empty() { div { dt { (words.same_as) } dd { (rule.equivalent.join(", ")) } } }
            div { dt { (words.since) } dd { (rule.since) } }
        }
        (explained(&rule.entry, lang))
        (entries(lang, "leads-to", words.leads_to, &explains))
        @for (name, manifest) in &files.manifests {
            @let (id, label) = match *name { "bad.yaml" => ("bad", words.bad), "good.yaml" => ("good", words.good), _ => ("fixed", words.fixed) };
            h2 id=(id) { (label) }
            pre tabindex="0" { (manifest) }
        }
        (sources(&rule.entry, lang))
    };
    framed(&rule.entry, lang, &content)
}

fn framed(entry: &'static Entry, lang: Lang, content: &Markup) -> Markup {
    let headline = entry.headline(lang);
    page(lang, Some(entry.code), &format!("{} {}{}{headline}", entry.code, entry.slug, Words::of(lang).colon), headline, content)
}

fn heading(entry: &'static Entry, lang: Lang) -> Markup {
    html! {
        h1 { span.code { (entry.code) } " " (entry.slug) }
        p.headline { (prose(entry.headline(lang))) }
        @if let Status::Retired { since, why, why_zh } = entry.status {
            p.retired { (Words::of(lang).retired) " " (since) (Words::of(lang).colon) @match lang { Lang::En => (why), Lang::Zh => (why_zh) } }
        }
    }
}

fn explained(entry: &'static Entry, lang: Lang) -> Markup {
    let (words, explanation) = (Words::of(lang), Explanation::new(entry, lang, &Facts::default()));
    html! {
        h2 #why { (words.why) }
        @for paragraph in &explanation.why { p { (prose(paragraph)) } }
        h2 #confirm { (words.confirm) }
        (parts(&explanation.confirm, lang))
        h2 #fix { (words.fix) }
        (parts(&explanation.fix, lang))
    }
}

fn parts(parts: &[ExplanationPart], lang: Lang) -> Markup {
    html! {
        @for part in parts {
            @match part {
                ExplanationPart::Prose { text } => { p { (prose(text)) } }
                ExplanationPart::Steps { id, applicability: how, steps: list, verify } => {
                    div.steps id={ @if how.is_some() { "fix-" } @else { "confirm-" } (id) } {
                        @if let Some(how) = how { p.faint { (applicability(how, lang)) } }
                        (steps(list))
                        @if !verify.is_empty() { p.faint { (Words::of(lang).verify) } (steps(verify)) }
                    }
                }
            }
        }
    }
}

fn steps(steps: &[FilledStep]) -> Markup {
    html! {
        @for step in steps {
            @match step {
                FilledStep::Command { text } | FilledStep::Patch { text } => { pre tabindex="0" { (text.trim_end()) } }
                FilledStep::Note { text } => { p { (prose(text)) } }
            }
        }
    }
}

fn entries(lang: Lang, id: &str, title: &str, entries: &[&'static Entry]) -> Markup {
    html! {
        @if !entries.is_empty() {
            h2 id=(id) { (title) }
            ul.entries {
                @for entry in entries {
                    li { a href={ "../" (entry.code) "/" } { span.code { (entry.code) } " " span.slug { (entry.slug) } } span.headline { (prose(entry.headline(lang))) } }
                }
            }
        }
    }
}

fn sources(entry: &Entry, lang: Lang) -> Markup {
    html! {
        h2 #sources { (Words::of(lang).sources) }
        ul.sources { @for source in entry.sources { li { @if source.starts_with("https://") { a href=(source) { (source) } } @else { code { (source) } } } } }
        p.faint { (Words::of(lang).on_the_command_line) " " code { @if entry.code.starts_with("MWC") { "meshwhy rules " } @else { "meshwhy causes " } (entry.code) } }
    }
}

/// A block of `cases.md`.
struct Case<'t> {
    heading: &'t str,
    verdict: &'t str,
    facts: &'t str,
}

fn cases(text: &str) -> Vec<Case<'_>> {
    text.split("\n## ").skip(1).filter_map(case).collect()
}

fn case(section: &str) -> Option<Case<'_>> {
    let (heading, rest) = section.split_once('\n')?;
    let (words, rest) = rest.split_once("```json ")?.1.split_once('\n')?;
    let verdict = words.split_whitespace().find_map(|word| word.strip_prefix("verdict="))?;
    Some(Case { heading, verdict, facts: rest.split_once("```")?.0.trim_end() })
}
