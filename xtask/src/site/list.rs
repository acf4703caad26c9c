//! The first page: everything, by where it belongs; a search that needs nobody.

use maud::{Markup, html};
use meshwhy_check::rules::{Rule, Topic};
use meshwhy_core::catalogue::{Entry, Status};
use meshwhy_core::causes::REGISTRY;
use meshwhy_core::{Lang, Stage};
use meshwhy_report::html::prose;

use super::frame::page;
use super::words::{Words, stage, topic};

pub(super) fn page_of(lang: Lang) -> Markup {
    let words = Words::of(lang);
    let content = html! {
        h1 { (words.title) }
        p { (words.introduction) }
        label.faint for="search" { (words.search) }
        // Shown by the script: without it, the browser's own search finds everything.
        input #search type="search" autocomplete="off" spellcheck="false" hidden;
        p #found.faint role="status" data-none=(words.nothing_found) data-some=(words.found) {}
        ol #results hidden {}
        div #all {
            h2 #causes { (words.causes) }
            @for at in Stage::ALL {
                (group(lang, &format!("stage-{}", at.as_str()), stage(*at, lang), REGISTRY.iter().filter(|cause| cause.stage() == *at).map(|cause| &cause.entry).collect()))
            }
            h2 #rules { (words.rules) }
            @for about in Topic::ALL {
                (group(lang, &format!("topic-{}", about.as_str()), topic(*about, lang), Rule::all().iter().filter(|rule| Topic::of(rule.code) == Some(*about)).map(|rule| &rule.entry).collect()))
            }
        }
    };
    page(lang, None, words.title, words.introduction, &content)
}

fn group(lang: Lang, id: &str, name: &str, entries: Vec<&'static Entry>) -> Markup {
    html! {
        @if !entries.is_empty() {
            section aria-labelledby=(id) {
                h3 id=(id) { (name) }
                ul.entries {
                    @for entry in entries {
                        li data-code=(entry.code) {
                            a href={ (entry.code) "/" } { span.code { (entry.code) } " " span.slug { (entry.slug) } }
                            span.headline { (prose(entry.headline(lang))) @if entry.status != Status::Stable { " " (Words::of(lang).retired) } }
                        }
                    }
                }
            }
        }
    }
}
