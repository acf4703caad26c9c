//! Looks for entries of the catalogues by words, in both languages: the ranking is Okapi BM25.
//!
//! Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009.

use std::collections::{BTreeMap, BTreeSet};

use meshwhy_check::rules::Rule;
use meshwhy_core::Lang;
use meshwhy_core::catalogue::{Entry, Status};
use meshwhy_core::causes::REGISTRY;
use meshwhy_logs::is_han;

/// How soon more of the same word adds nothing.
const SATURATION: f64 = 1.2;
/// How much a long text is held against it.
const LENGTH: f64 = 0.75;
/// How many times its name and its headline count.
const NAME: usize = 8;
/// Words of the query that are looked for, at most.
const MAX_WORDS: usize = 64;

/// How much two Chinese characters may count for being rare.
const MOST_RARE_HAN: f64 = 1.5;
/// Endings of words; the first that fits is cut off.
const ENDINGS: [&str; 11] = ["ations", "ation", "ings", "ing", "ied", "ies", "ed", "es", "s", "y", "e"];
/// A stem of fewer letters says nothing.
const LEAST_STEM: usize = 4;

/// Words that every text has.
const COMMON: [&str; 48] = [
    "about", "all", "an", "and", "any", "are", "as", "at", "be", "but", "by", "can", "do", "does", "for", "from", "get", "got",
    "has", "have", "how", "if", "in", "is", "it", "its", "my", "no", "not", "of", "on", "or", "our", "so", "than", "that", "the",
    "then", "there", "this", "to", "was", "we", "what", "when", "why", "with", "you",
];

/// The entries that words fit, the best first, at most so many.
pub(crate) fn search(words: &str, most: usize) -> Vec<&'static Entry> {
    let wanted: BTreeSet<String> = terms(words).into_iter().take(MAX_WORDS).collect();
    let entries: Vec<(&'static Entry, BTreeMap<String, usize>)> = entries().map(|entry| (entry, counted(entry))).collect();
    let lengths: Vec<usize> = entries.iter().map(|(_, terms)| terms.values().sum()).collect();
    let mean = lengths.iter().sum::<usize>() as f64 / entries.len() as f64;
    let having = |term: &String| entries.iter().filter(|(_, counts)| counts.contains_key(term)).count() as f64;
    let rarities: Vec<(&String, f64)> = wanted
        .iter()
        .map(|term| (term, having(term)))
        .map(|(term, having)| (term, ((entries.len() as f64 - having + 0.5) / (having + 0.5)).ln_1p().min(most_rare(term))))
        .collect();
    let mut ranked: Vec<(f64, &'static Entry)> = Vec::new();
    for ((entry, counts), length) in entries.iter().zip(&lengths) {
        let long = SATURATION * (1.0 - LENGTH + LENGTH * *length as f64 / mean);
        let score = |(term, rarity): &(&String, f64)| {
            let count = *counts.get(*term)? as f64;
            Some(rarity * count * (SATURATION + 1.0) / (count + long))
        };
        let score: f64 = rarities.iter().filter_map(score).sum();
        if score > 0.0 {
            ranked.push((score, entry));
        }
    }
    ranked.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    ranked.into_iter().take(most).map(|(_, entry)| entry).collect()
}

/// What a search elsewhere needs to rank as [`search`] does: the counted terms of every entry, and the constants of the formula.
#[derive(serde::Serialize)]
pub struct SearchIndex {
    /// The codes of the entries; terms name them by position.
    pub codes: Vec<&'static str>,
    /// How many terms each entry has.
    pub lengths: Vec<usize>,
    /// For each term, in pairs: the position of an entry, and how often the term stands in it.
    pub terms: BTreeMap<String, Vec<usize>>,
    saturation: f64,
    length: f64,
    han: f64,
    common: &'static [&'static str],
    endings: &'static [&'static str],
    least: usize,
}

/// Counts all entries.
#[must_use]
pub fn search_index() -> SearchIndex {
    let mut index = SearchIndex {
        codes: Vec::new(),
        lengths: Vec::new(),
        terms: BTreeMap::new(),
        saturation: SATURATION,
        length: LENGTH,
        han: MOST_RARE_HAN,
        common: &COMMON,
        endings: &ENDINGS,
        least: LEAST_STEM,
    };
    for (at, entry) in entries().enumerate() {
        let counts = counted(entry);
        index.codes.push(entry.code);
        index.lengths.push(counts.values().sum());
        for (term, count) in counts {
            index.terms.entry(term).or_default().extend([at, count]);
        }
    }
    index
}

/// How much a term may count for being rare: two Chinese characters may belong to two words, and are rare then for no reason.
fn most_rare(term: &str) -> f64 {
    if term.starts_with(is_han) { MOST_RARE_HAN } else { f64::INFINITY }
}

/// What can be found: causes and rules that are in use.
fn entries() -> impl Iterator<Item = &'static Entry> {
    let causes = REGISTRY.iter().map(|cause| &cause.entry);
    let rules = Rule::all().iter().map(|rule| &rule.entry);
    causes.chain(rules).filter(|entry| entry.status == Status::Stable)
}

/// How often each term stands in an entry.
fn counted(entry: &Entry) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let mut add = |text: &str, times: usize| terms(text).into_iter().for_each(|term| *counts.entry(term).or_default() += times);
    add(entry.slug, NAME);
    add(entry.code, NAME);
    for lang in [Lang::En, Lang::Zh] {
        add(entry.headline(lang), NAME);
    }
    add(entry.files.en, 1);
    add(entry.files.zh, 1);
    counts
}

/// What a text is compared by: words without case and ending, numbers, and every two Chinese characters that follow each other.
fn terms(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    for word in text.split(|letter: char| !letter.is_alphanumeric()) {
        let mut before = None;
        let mut rest = String::new();
        for letter in word.chars() {
            if is_han(letter) {
                terms.extend(before.map(|before| String::from_iter([before, letter])));
                before = Some(letter);
                rest.push(' ');
            } else {
                before = None;
                rest.extend(letter.to_lowercase());
            }
        }
        terms.extend(rest.split(' ').filter_map(term));
    }
    terms
}

fn term(word: &str) -> Option<String> {
    if word.len() < 2 || COMMON.contains(&word) {
        return None;
    }
    let stem = ENDINGS.iter().find_map(|ending| word.strip_suffix(ending).filter(|stem| stem.len() >= LEAST_STEM));
    Some(stem.unwrap_or(word).to_owned())
}

/// Components whose names a text may hold, as they write them.
const COMPONENTS: [&str; 10] =
    ["agentgateway", "envoy", "istio-cni", "istio-init", "istio-proxy", "istiod", "kiali", "pilot-agent", "waypoint", "ztunnel"];

/// The component that a text names, where it names one.
pub(crate) fn component(text: &str) -> Option<&'static str> {
    let text = text.to_ascii_lowercase();
    let stands_alone = |(at, name): (usize, &str)| {
        let around = [
            text.get(..at).and_then(|before| before.chars().next_back()),
            text.get(at + name.len()..).and_then(|rest| rest.chars().next()),
        ];
        around.into_iter().flatten().all(|letter| !letter.is_ascii_alphanumeric())
    };
    COMPONENTS.into_iter().find(|name| text.match_indices(name).any(stands_alone))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_three(words: &str) -> Vec<&'static str> {
        search(words, 3).into_iter().map(|entry| entry.slug).collect()
    }

    #[test]
    fn what_people_ask_is_among_the_first_three() {
        for (words, slug) in [
            ("nginx HTTP/1.0 426", "http10-rejected"),
            ("the circuit breaker is open", "circuit-breaker-overflow"),
            ("expired certificate", "certificate-expired"),
            ("证书过期", "certificate-expired"),
            ("熔断 连接池", "circuit-breaker-overflow"),
            ("Job 一直不结束 sidecar 还在运行", "job-held-by-sidecar"),
            ("job never completes because of the sidecar", "job-held-by-sidecar"),
            ("request headers too large", "headers-too-large"),
            ("JWT token was rejected", "jwt-rejected"),
            ("OOMKilled istio-proxy memory", "proxy-out-of-memory"),
            ("MW2001", "no-route"),
        ] {
            assert!(first_three(words).contains(&slug), "{words}: {:?}", first_three(words));
        }
    }

    #[test]
    fn nothing_in_common_finds_nothing() {
        for words in ["", "the of and", "qwertyuiop", "🦀"] {
            assert!(first_three(words).is_empty(), "{words}");
        }
    }

    #[test]
    fn components_are_words_of_their_own() {
        assert_eq!(component("2026 ERROR ztunnel::x: boom"), Some("ztunnel"));
        assert_eq!(component("Envoy said no"), Some("envoy"));
        assert_eq!(component("an envoyage"), None);
    }
}
