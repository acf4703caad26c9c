//! Phrases that sources write, and what each of them means: one automaton finds them all, the table's order decides.

use std::borrow::Cow;

use meshwhy_core::event::Event;
use meshwhy_core::{Decisive, Facts, Flag, ResponseFlags};

use super::envoy::flagged;
use super::log_line::LogLine;
use super::{
    agent, agentgateway, certificate, client, envoy, kubernetes, local_reply, marks, rejected, secret, statistics, xds, ztunnel,
};

/// A text and what it says where it stands as words of its own; upper and lower case are the same.
pub(super) struct Phrase {
    text: &'static str,
    meaning: Meaning,
}

/// What a phrase says.
pub(super) enum Meaning {
    /// That something happened.
    Event(Event),
    /// Which code details the proxy would log.
    Details(&'static str),
    /// How often failures with this flag happened: the number behind it. Where it counts all of them, none happened if that is 0.
    Counter { flag: Flag, counts_all: bool },
    /// What the words around it add; `None` when they take it back.
    Read(Read),
}

type Read = for<'a> fn(PhraseHit<'a>) -> Option<Facts<'a>>;

/// A phrase in its line.
#[derive(Clone, Copy)]
pub(super) struct PhraseHit<'a> {
    /// The line.
    pub line: LogLine<'a>,
    /// What stands before the phrase.
    pub before: &'a str,
    /// What follows the phrase.
    pub after: &'a str,
}

pub(super) const fn event(text: &'static str, event: Event) -> Phrase {
    Phrase { text, meaning: Meaning::Event(event) }
}

pub(super) const fn details(text: &'static str, details: &'static str) -> Phrase {
    Phrase { text, meaning: Meaning::Details(details) }
}

pub(super) const fn counter(text: &'static str, flag: Flag) -> Phrase {
    Phrase { text, meaning: Meaning::Counter { flag, counts_all: false } }
}

pub(super) const fn counter_of_all(text: &'static str, flag: Flag) -> Phrase {
    Phrase { text, meaning: Meaning::Counter { flag, counts_all: true } }
}

pub(super) const fn read(text: &'static str, read: Read) -> Phrase {
    Phrase { text, meaning: Meaning::Read(read) }
}

/// All phrases; earlier tables and earlier entries come first where a line holds several.
const TABLES: &[&[Phrase]] = &[
    rejected::PHRASES,
    kubernetes::PHRASES,
    envoy::JWKS,
    agent::PHRASES,
    secret::PHRASES,
    xds::PHRASES,
    ztunnel::PHRASES,
    envoy::PHRASES,
    local_reply::PHRASES,
    client::PHRASES,
    certificate::PHRASES,
    statistics::PHRASES,
    agentgateway::PHRASES,
];

fn all() -> impl Iterator<Item = &'static Phrase> {
    TABLES.iter().copied().flatten()
}

/// The texts of all phrases, in the order of the tables.
pub(super) fn texts() -> impl Iterator<Item = &'static str> {
    all().map(|phrase| phrase.text)
}

/// What the first phrase of the tables that stands in the line and means something there says.
///
/// # Cost
/// One pass over the line; allocates only when a phrase is found. Each phrase is read once, where it stands first.
pub(super) fn find(line: LogLine<'_>) -> Option<Facts<'_>> {
    let text = line.message;
    let mut found: Vec<(usize, usize, usize)> = Vec::new();
    for hit in marks::automaton()?.find_overlapping_iter(text) {
        let (phrase, start, end) = (hit.pattern().as_usize(), hit.start(), hit.end());
        if !found.iter().any(|(seen, ..)| *seen == phrase) && stands_alone(text, start, end) {
            found.push((phrase, start, end));
        }
    }
    found.sort_unstable();
    found.into_iter().find_map(|(phrase, start, end)| {
        let hit = PhraseHit { line, before: text.get(..start)?, after: text.get(end..)? };
        all().nth(phrase)?.meaning.facts(hit)
    })
}

impl Meaning {
    fn facts<'a>(&self, hit: PhraseHit<'a>) -> Option<Facts<'a>> {
        match self {
            Self::Event(event) => Some(happened(*event)),
            Self::Details(details) => Some(detailed(*details)),
            Self::Counter { flag, counts_all } => {
                let mut facts = statistics::counted(hit, &flagged(*flag).decisive)?;
                facts.context.ruled_out = (*counts_all && facts.flags.is_none()).then(|| ResponseFlags(flag.mask()));
                Some(facts)
            }
            Self::Read(read) => read(hit),
        }
    }
}

/// Facts that hold code details and nothing else.
pub(super) fn detailed<'a>(details: impl Into<Cow<'a, str>>) -> Facts<'a> {
    Decisive { details: Some(details.into()), ..Decisive::default() }.into()
}

/// Facts that hold an event and nothing else.
pub(super) fn happened<'a>(event: Event) -> Facts<'a> {
    Decisive { event: Some(event), ..Decisive::default() }.into()
}

/// Whether no letter, digit or underscore continues a phrase that begins or ends with one.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let bytes = text.as_bytes();
    let word = |at: usize| bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let joined = |at: usize| at.checked_sub(1).is_some_and(|before| word(before) && word(at));
    !joined(start) && !joined(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_is_found_and_none_twice() {
        let mut texts: Vec<String> = all().map(|phrase| phrase.text.to_ascii_lowercase()).collect();
        texts.sort();
        assert!(texts.windows(2).all(|pair| pair[0] != pair[1]), "{texts:?}");
        let automaton = marks::automaton().unwrap();
        for (number, phrase) in all().enumerate() {
            let text = format!("x {} y", phrase.text.to_ascii_uppercase());
            let mut hits = automaton.find_overlapping_iter(&text).filter(|hit| hit.pattern().as_usize() == number);
            assert!(hits.any(|hit| stands_alone(&text, hit.start(), hit.end())), "{text}");
        }
    }

    #[test]
    fn a_phrase_inside_a_word_is_none() {
        assert!(find(LogLine::of("downstream timeouts")).is_none());
        assert!(find(LogLine::of("stream timeout")).is_some());
    }
}
