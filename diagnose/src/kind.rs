//! What failures have in common: who tells of them, and what.

use std::hash::BuildHasher;
use std::num::NonZeroU8;
use std::sync::Arc;

use foldhash::HashMap;
use foldhash::quality::RandomState;
use meshwhy_core::causes::unknown;
use meshwhy_core::redact::{bounded, redact};
use meshwhy_core::transport::TransportFailure;
use meshwhy_core::{Cause, Facts, Nature, Side, Verdict};

use crate::sighting::{LinePlace, Sighting, SightingSource, excerpt};

/// How many kinds are told apart.
const MAX_KINDS: usize = 10_000;
/// How many lines of a kind are kept.
const MAX_EXAMPLES: usize = 5;

/// What failures have in common; which request it was is that of the first.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    /// The source of its lines.
    pub(crate) source: u32,
    /// The container that wrote them, where they name it.
    pub(crate) origin: Option<String>,
    pub(crate) witness: SightingSource,
    pub(crate) plugin: Option<String>,
    pub(crate) facts: Facts<'static>,
    pub(crate) verdict: Verdict,
    /// At most five lines.
    pub(crate) examples: Vec<ExampleLine>,
}

/// A line that tells of a failure.
#[derive(Debug, Clone)]
pub(crate) struct ExampleLine {
    /// Its number over all sources.
    pub(crate) line: u64,
    pub(crate) request_id: Option<Arc<str>>,
    pub(crate) text: Arc<str>,
}

/// All kinds so far, in the order of their first lines.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kinds {
    ids: HashMap<u64, u32>,
    /// Each with its key; only that where the rest is surplus.
    kinds: Vec<(u64, Option<Box<Kind>>)>,
    /// How many examples they have.
    examples: usize,
}

/// What kinds need no more of.
#[derive(Debug, Default)]
pub(crate) struct Surplus {
    kinds: usize,
    examples: usize,
    /// Of each kind, whether its lines are kept.
    wanted: HashMap<u64, bool>,
}

impl Surplus {
    /// Whether neither a kind nor its lines would be kept.
    pub(crate) fn has(&self, key: u64) -> bool {
        self.wanted.get(&key).map_or(self.kinds >= MAX_KINDS, |wanted| !wanted)
    }
}

impl Kinds {
    /// One of them.
    pub(crate) fn get(&self, kind: u32) -> Option<&Kind> {
        self.kinds.get(usize::try_from(kind).ok()?)?.1.as_deref()
    }

    /// The numbers of all of them.
    pub(crate) fn ids(&self) -> impl Iterator<Item = u32> {
        0..u32::try_from(self.kinds.len()).unwrap_or(u32::MAX)
    }

    /// Whether a line of this kind would be kept.
    pub(crate) fn wants_example(&self, key: u64) -> bool {
        self.ids.get(&key).is_none_or(|id| self.get(*id).is_some_and(|kind| kind.examples.len() < MAX_EXAMPLES))
    }

    /// What a summary that is merged into this one may leave out, if that has changed since it was asked.
    pub(crate) fn surplus(&self, last: &Surplus) -> Option<Surplus> {
        let (kinds, examples) = (self.kinds.len(), self.examples);
        (last.kinds != kinds || last.examples != examples).then(|| Surplus {
            kinds,
            examples,
            wanted: self.ids.keys().map(|key| (*key, self.wants_example(*key))).collect(),
        })
    }

    /// The kind of a sighting, and which of its examples the line is. Of what is surplus only the key is kept.
    pub(crate) fn enter(&mut self, key: u64, sighting: Sighting<'_>, is_surplus: bool) -> (u32, Option<NonZeroU8>) {
        let wanted = !is_surplus && self.wants_example(key);
        let example = wanted.then(|| ExampleLine::of(&sighting));
        let id = self.id(key, || (!is_surplus).then(|| Box::new(Kind::of(sighting))));
        let kind = usize::try_from(id).ok().and_then(|id| self.kinds.get_mut(id)?.1.as_mut());
        let number = kind.zip(example).and_then(|(kind, example)| {
            kind.examples.push(example);
            self.examples += 1;
            NonZeroU8::new(u8::try_from(kind.examples.len()).ok()?)
        });
        (id, number)
    }

    /// The same failures told otherwise: the kind that differs from `kind` only in what `change` does to it, which `by` stands for.
    pub(crate) fn derive(&mut self, kind: u32, by: u64, change: impl FnOnce(Kind) -> Kind) -> Option<u32> {
        let (key, base) = self.kinds.get(usize::try_from(kind).ok()?)?;
        let base = base.as_deref()?.clone();
        let key = key.rotate_left(1) ^ by;
        Some(self.id(key, || Some(Box::new(change(Kind { examples: Vec::new(), ..base })))))
    }

    /// Changes each of them.
    pub(crate) fn each_mut(&mut self) -> impl Iterator<Item = &mut Kind> {
        self.kinds.iter_mut().filter_map(|(_, kind)| kind.as_deref_mut())
    }

    /// All of them.
    pub(crate) fn each(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.iter().filter_map(|(_, kind)| kind.as_deref())
    }

    fn id(&mut self, key: u64, kind: impl FnOnce() -> Option<Box<Kind>>) -> u32 {
        *self.ids.entry(key).or_insert_with(|| {
            self.kinds.push((key, kind()));
            u32::try_from(self.kinds.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// Adds those of lines behind `lines` others. Says where each of them is now, where there was room for it.
    pub(crate) fn append(&mut self, other: Self, lines: u64) -> Vec<Option<Moved>> {
        let mut moved = Vec::with_capacity(other.kinds.len());
        for (key, kind) in other.kinds {
            let is_new = !self.ids.contains_key(&key);
            if is_new && self.kinds.len() >= MAX_KINDS {
                moved.push(None);
                continue;
            }
            let (examples, kind) = match kind {
                Some(mut kind) => (std::mem::take(&mut kind.examples), Some(kind)),
                None => (Vec::new(), None),
            };
            let id = self.id(key, || kind);
            let known = usize::try_from(id).ok().and_then(|id| self.kinds.get_mut(id)?.1.as_mut());
            let before = known.as_ref().map_or(MAX_EXAMPLES, |kind| kind.examples.len());
            if let Some(kind) = known {
                let behind = |example: ExampleLine| ExampleLine { line: example.line + lines, ..example };
                kind.examples.extend(examples.into_iter().take(MAX_EXAMPLES - before).map(behind));
                self.examples += kind.examples.len() - before;
            }
            moved.push(Some(Moved { id, before }));
        }
        moved
    }
}

/// Where a kind is among others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moved {
    pub(crate) id: u32,
    /// How many examples it had there before.
    before: usize,
}

impl Moved {
    /// Which of the examples one is now, if it was kept.
    pub(crate) fn example(self, number: NonZeroU8) -> Option<NonZeroU8> {
        let number = self.before + usize::from(number.get());
        NonZeroU8::new(u8::try_from(number).ok().filter(|_| number <= MAX_EXAMPLES)?)
    }
}

/// Who wrote a line: the container that its prefix names, in whatever file; else its file.
pub(crate) type Author<'a> = (Option<u32>, Option<&'a str>);

/// Which proxy wrote a line.
pub(crate) type Proxy<'a> = (Option<&'a str>, Option<(u32, Option<&'a str>)>);

/// Who wrote the lines of a container, or else of a file.
pub(crate) fn author(file: u32, origin: Option<&str>) -> Author<'_> {
    (origin.is_none().then_some(file), origin)
}

impl Kind {
    fn of(sighting: Sighting<'_>) -> Self {
        let Sighting { source, origin, witness, plugin, mut facts, verdict, .. } = sighting;
        // It owns a bounded amount of text, whatever the line held.
        redact(&mut facts);
        let facts = facts.into_owned();
        Self { source, origin: origin.map(str::to_owned), witness, plugin, facts, verdict, examples: Vec::new() }
    }

    /// Who wrote the line.
    pub(crate) fn author(&self) -> Author<'_> {
        author(self.source, self.origin.as_deref())
    }

    /// Whether the verdict is this cause.
    pub(crate) fn is(&self, cause: &Cause) -> bool {
        self.verdict.cause == cause
    }

    /// Whether the application behind the proxy answered so.
    pub(crate) fn is_application(&self) -> bool {
        self.verdict.cause.nature == Nature::Application
    }

    /// What was asked for: the cluster, else the host.
    pub(crate) fn target(&self) -> Option<&str> {
        target(&self.facts)
    }

    /// The proxy that speaks: pod and namespace, else where the line came from.
    pub(crate) fn hop(&self) -> Option<String> {
        match (&self.facts.context.pod, &self.facts.context.namespace) {
            (Some(pod), Some(namespace)) => Some(format!("{pod}.{namespace}")),
            (Some(pod), None) => Some(pod.to_string()),
            (None, _) => self.origin.clone(),
        }
    }

    /// The proxy that wrote the line: the container that its prefix names, else its file and the pod, unless that is the author's.
    pub(crate) fn proxy(&self) -> Proxy<'_> {
        let pod = self.facts.context.pod.as_deref().filter(|_| self.facts.relayed_from.is_none());
        match self.origin.as_deref() {
            Some(origin) => (Some(origin), None),
            None => (None, Some((self.source, pod))),
        }
    }

    /// Which way the traffic went.
    pub(crate) const fn side(&self) -> Option<Side> {
        self.facts.decisive.side
    }
}

fn target<'f>(facts: &'f Facts<'_>) -> Option<&'f str> {
    facts.cluster.as_deref().or(facts.context.authority.as_deref())
}

impl ExampleLine {
    fn of(sighting: &Sighting<'_>) -> Self {
        let request_id = sighting.facts.context.request_id.as_deref();
        let request_id = request_id.map(|id| bounded(id).into());
        Self { line: sighting.line, request_id, text: excerpt(sighting.bytes).into() }
    }

    /// A line that nobody understands.
    pub(crate) fn unparsed(place: &LinePlace<'_>) -> Self {
        Self { line: place.line, request_id: None, text: excerpt(place.bytes).into() }
    }
}

impl Sighting<'_> {
    /// The number of its kind: of all that tells failures of one group apart, and of all that rules on several lines look at.
    pub(crate) fn key(&self, hasher: &RandomState) -> u64 {
        let Self { source, origin, witness, plugin, facts, verdict, .. } = self;
        let name = |failure: Option<TransportFailure<'_>>| failure.map(|failure| failure.kind);
        let condition = verdict.condition.map(|condition| std::ptr::from_ref(condition).addr());
        let who = (author(*source, *origin), witness, plugin, &facts.context.pod, &facts.context.namespace, facts.side);
        let what = (verdict.cause.code, verdict.confidence as u8, condition, target(facts), &facts.relayed_from, facts.event);
        let details = facts.details.as_deref().map(head);
        let how = (details, facts.status, facts.flags, name(facts.upstream_transport()), name(facts.downstream_transport()));
        let lacks = (facts.context.server_name.is_none(), verdict.cause == &unknown::CAUSE && facts.count() == 1);
        hasher.hash_one((who, what, how, lacks))
    }
}

/// The fixed part of a details text, which every witness spells alike.
pub(crate) fn head(details: &str) -> &str {
    details.split(['{', '[', '(', ' ']).next().unwrap_or_default()
}
