//! Plugins that Envoy runs without their Wasm module, until their proxy says why.
//!
//! `Plugin NAME failed to load` follows a fetch that failed, a module that is broken and, at every healthy start of a proxy whose
//! listeners share a remote module, each plugin that still waits for its own fetch: once from the main thread and, where workers
//! run already, once more from each of them, in between other lines. Every reason is a line of its own. So these lines count
//! only where their source gives no reason at all, before them or after them, and then as one failure.

use std::collections::BTreeMap;

use crate::sighting::{Author, Sighting};

/// How many sources are told apart.
const MAX_SOURCES: usize = 20_000;
/// How many line numbers of a source are kept.
const MAX_LINES: usize = 100;

/// What each source says of plugins without a module.
#[derive(Debug, Default)]
pub(crate) struct MissingPlugins {
    sources: BTreeMap<(Option<u32>, Option<String>), Reports>,
}

/// The lines of one source that say that a plugin has no module.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    /// The first of them; none where the source gives a reason.
    pub(crate) unexplained: Option<Sighting>,
    /// How many there are.
    pub(crate) lines: u64,
    explained: bool,
}

impl MissingPlugins {
    /// Takes note that a source gives a reason.
    pub(crate) fn explain(&mut self, author: Author<'_>) {
        if let Some(reports) = self.reports(author) {
            reports.explained = true;
            reports.unexplained = None;
        }
    }

    /// Keeps a line that gives no reason; gives it back when there are too many sources.
    pub(crate) fn keep(&mut self, sighting: Sighting) -> Option<Sighting> {
        let Some(reports) = self.reports(sighting.author()) else { return Some(sighting) };
        reports.lines += 1;
        match &mut reports.unexplained {
            _ if reports.explained => {}
            Some(first) if first.joined.len() >= MAX_LINES => {}
            Some(first) => first.joined.push(sighting.line),
            first @ None => *first = Some(sighting),
        }
        None
    }

    /// Ends the reading.
    pub(crate) fn finish(self) -> impl Iterator<Item = Reports> {
        self.sources.into_values()
    }

    fn reports(&mut self, (file, origin): Author<'_>) -> Option<&mut Reports> {
        let key = (file, origin.map(str::to_owned));
        if self.sources.len() >= MAX_SOURCES && !self.sources.contains_key(&key) {
            return None;
        }
        Some(self.sources.entry(key).or_default())
    }
}
