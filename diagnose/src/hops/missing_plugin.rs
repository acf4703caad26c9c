//! Plugins that Envoy runs without their Wasm module, until their proxy says why.
//!
//! `Plugin NAME failed to load` follows a fetch that failed, a module that is broken and, at every healthy start of a proxy whose
//! listeners share a remote module, each plugin that still waits for its own fetch: once from the main thread and, where workers
//! run already, once more from each of them, in between other lines. Every reason is a line of its own. So these lines count
//! only where their source gives no reason at all, before them or after them, and then as one failure.

use foldhash::{HashMap, HashSet};
use meshwhy_core::event::Event;

use super::mark_explained;
use crate::failure::Failures;
use crate::kind::{Author, Kind};

/// Takes out the failures whose authors, by number, say why, and joins those of others. Gives how many it took out, and their lines.
pub(crate) fn settle(failures: &mut Failures, explained: &HashSet<u64>) -> (u64, u64) {
    let is_excused = |kind: &Kind| is_missing(kind) && explained.contains(&failures.number(kind.author()));
    let excused: HashSet<u32> = failures.kinds.ids().filter(|kind| failures.kinds.get(*kind).is_some_and(is_excused)).collect();
    let (mut taken, mut lines) = (0, 0);
    for failure in failures.all.extract_if(.., |failure| excused.contains(&failure.kind)) {
        taken += 1;
        lines += u64::from(failure.lines);
    }
    let mut first: HashMap<Author<'_>, usize> = HashMap::default();
    let mut pairs = Vec::new();
    for (at, view) in failures.of(is_missing) {
        let speaker = *first.entry(view.kind.author()).or_insert(at);
        pairs.extend((speaker != at).then_some((at, speaker)));
    }
    for (at, speaker) in pairs {
        mark_explained(failures, at, speaker);
    }
    (taken, lines)
}

fn is_missing(kind: &Kind) -> bool {
    kind.facts.event == Some(Event::WasmPluginMissing)
}
