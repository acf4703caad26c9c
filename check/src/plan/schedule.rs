//! Puts steps into batches: whatever is safe now, then what that made safe.

use std::collections::BTreeSet;

use foldhash::HashMap;

use super::between::between;
use super::changes::{NEW, OLD, ObjectChanges};
use super::dependencies::facts;
use super::mtls::MtlsFacts;
use super::object::{only, text};
use super::reason::Reason;
use super::state::Obstacle;
use super::wait::waits;
use super::{Action, PlanBatch, PlanStep, Side};
use crate::document::parse;
use crate::mesh::Mesh;
use crate::model::ResourceKind;

/// Reasons that a batch tells; the rest is of the same sort.
const REASONS: usize = 8;

type Move = (usize, usize);

struct Scheduler<'a, 'b, 'm> {
    entries: ObjectChanges<'a, 'b>,
    new: &'m Mesh<'b>,
    /// Why a resource had to wait, last.
    blocks: HashMap<usize, Obstacle>,
    batches: Vec<PlanBatch>,
}

pub(super) fn batches<'b>(entries: ObjectChanges<'_, 'b>, new: &Mesh<'b>) -> Vec<PlanBatch> {
    let mut scheduler = Scheduler { entries, new, blocks: HashMap::default(), batches: Vec::new() };
    while scheduler.batch() {}
    scheduler.batches
}

impl Scheduler<'_, '_, '_> {
    /// Makes the next batch; false when nothing is left to do.
    fn batch(&mut self) -> bool {
        let left = self.entries.left();
        if left.is_empty() {
            return false;
        }
        let (deletions, others): (Vec<usize>, Vec<usize>) = left.into_iter().partition(|index| self.is_deletion(*index));
        let (stricter, plain): (Vec<usize>, Vec<usize>) = others.iter().copied().partition(|index| self.becomes_strict(*index));
        if self.finish(&plain, &Reason::NeedsNothing) {
            return true;
        }
        if plain.is_empty() && self.finish(&stricter, &Reason::StricterLast) {
            return true;
        }
        if others.is_empty() {
            let done = self.finish(&deletions, &Reason::DeletionsLast) || self.detour(&deletions, false);
            return done || self.force(&deletions);
        }
        if self.detour(&others, true) || self.finish(&stricter, &Reason::StricterLast) {
            return true;
        }
        let in_the_way = self.in_the_way(&others);
        let first: Vec<usize> = deletions.iter().copied().filter(|index| in_the_way.contains(index)).collect();
        if self.finish(&first, &Reason::NeedsNothing) {
            return true;
        }
        let all: Vec<usize> = others.iter().chain(&deletions).copied().collect();
        self.detour(&all, false) || self.finish(&deletions, &Reason::DeletionsLast) || self.force(&others)
    }

    fn is_deletion(&self, index: usize) -> bool {
        self.entries.entry(index).is_some_and(|entry| entry.new.is_none())
    }

    fn becomes_strict(&self, index: usize) -> bool {
        let version = self.entries.entry(index).and_then(|entry| entry.versions.get(NEW));
        version.is_some_and(|version| matches!(&version.mtls, MtlsFacts::Policy(policy) if policy.is_strict()))
    }

    /// Takes to NEW all that may go.
    fn finish(&mut self, indexes: &[usize], default: &Reason) -> bool {
        let mut safe = Vec::new();
        for index in indexes {
            match self.entries.check(*index, NEW) {
                Ok(()) => safe.push((*index, NEW)),
                Err(block) => {
                    self.blocks.insert(*index, block);
                }
            }
        }
        self.take(&safe, default)
    }

    /// Applies moves that are safe one by one, as long as they are so together.
    fn take(&mut self, moves: &[Move], default: &Reason) -> bool {
        let mut taken = Vec::new();
        for (index, to) in moves {
            match self.entries.check(*index, *to) {
                Ok(()) => taken.extend(self.step(*index, *to, default)),
                Err(block) => {
                    self.blocks.insert(*index, block);
                }
            }
        }
        self.close(taken)
    }

    fn close(&mut self, taken: Vec<(PlanStep, Reason)>) -> bool {
        if taken.is_empty() {
            return false;
        }
        let reasons: BTreeSet<Reason> = taken.iter().map(|(_, reason)| reason.clone()).collect();
        let steps: Vec<PlanStep> = taken.into_iter().map(|(step, _)| step).collect();
        let waits = waits(&steps);
        self.batches.push(PlanBatch { steps, waits, reasons: reasons.into_iter().take(REASONS).collect() });
        true
    }

    fn step(&mut self, index: usize, to: usize, default: &Reason) -> Option<(PlanStep, Reason)> {
        let entry = self.entries.entry(index)?;
        let (name, was) = (entry.name.clone(), entry.current);
        let (old, new) = (entry.old.map(|root| (Side::Old, root.place())), entry.new.map(|root| (Side::New, root.place())));
        let (side, place) = new.or(old)?;
        let is_there = was != OLD || entry.old.is_some();
        let between = entry.versions.get(to).and_then(|version| version.text.clone());
        let is_between = between.is_some();
        let action = match (is_there, to == NEW && entry.new.is_none()) {
            (_, true) => Action::Delete,
            (true, false) => Action::Replace,
            (false, false) => Action::Create,
        };
        let applied = || entry.new.map(text);
        let written = if action == Action::Delete { None } else { between.or_else(applied) };
        let injects = |which: usize| match entry.versions.get(which).map(|version| &version.mtls) {
            Some(MtlsFacts::Namespace { injects, .. }) => Some(*injects),
            _ => None,
        };
        let restarts = is_there && injects(was) != injects(to);
        let reason = match self.blocks.remove(&index) {
            _ if is_between => Reason::Between(name.clone()),
            Some(block) => self.reason(index, &block),
            None => default.clone(),
        };
        self.entries.go(index, to);
        Some((PlanStep { action, name, side, place, text: written, is_between, restarts }, reason))
    }

    fn reason(&self, index: usize, block: &Obstacle) -> Reason {
        let name = |index: usize| self.entries.entry(index).map(|entry| entry.name.clone());
        let (Some(step), thing) = (name(index), |number: &usize| self.entries.things.get(*number).cloned()) else {
            return Reason::NeedsNothing;
        };
        let found = match block {
            Obstacle::Needs(number) => thing(number).map(|thing| Reason::Needs { step, thing }),
            Obstacle::StillNeeded(number, by) => {
                thing(number).map(|thing| Reason::StillNeeded { step, thing, by: by.and_then(name) })
            }
            Obstacle::Mtls(unit) => self.entries.mtls.units.get(*unit).map(|unit| Reason::Mtls { step, host: unit.host.clone() }),
        };
        found.unwrap_or(Reason::NeedsNothing)
    }

    /// Takes resources to versions between OLD and NEW: those that let another go on, or any.
    fn detour(&mut self, indexes: &[usize], must_help: bool) -> bool {
        indexes.iter().for_each(|index| self.split(*index));
        let wanted: BTreeSet<usize> = indexes.iter().flat_map(|index| self.wanted(*index)).collect();
        let blocked: Vec<usize> =
            indexes.iter().copied().filter(|index| matches!(self.blocks.get(index), Some(Obstacle::Mtls(_)))).collect();
        let mut chosen: Vec<Move> = Vec::new();
        for index in indexes {
            let Some(entry) = self.entries.entry(*index) else { continue };
            let first = if entry.current > NEW { entry.current + 1 } else { NEW + 1 };
            let candidates = (first..entry.versions.len()).rev().filter(|to| self.entries.check(*index, *to).is_ok());
            let found = candidates.into_iter().find(|to| !must_help || self.provides_wanted(*index, *to, &wanted));
            chosen.extend(found.map(|to| (*index, to)));
        }
        if must_help && chosen.is_empty() {
            chosen.extend(self.softened(indexes, &blocked));
        }
        self.take(&chosen, &Reason::NeedsNothing)
    }

    /// Makes the versions between OLD and NEW, once.
    fn split(&mut self, index: usize) {
        let Some(entry) = self.entries.all.get_mut(index).filter(|entry| !entry.is_split) else { return };
        entry.is_split = true;
        let (name, old, new) = (entry.name.clone(), entry.old, entry.new);
        let Some(kind) = name.known_kind() else { return };
        for text in between(kind, old, new) {
            let parsed = parse(0, &text);
            if let Some(root) = only(&parsed) {
                let facts = facts(&name, root, self.new, true);
                self.entries.add_between(index, facts, text.clone());
            }
        }
    }

    /// The things that a resource waits for.
    fn wanted(&self, index: usize) -> Vec<usize> {
        let version = self.entries.entry(index).and_then(|entry| entry.versions.get(NEW));
        let is_there = |number: &usize| self.entries.count.get(*number).is_some_and(|count| *count > 0);
        let open = version.into_iter().flat_map(|version| &version.needs).filter(|any| !any.iter().any(is_there));
        let lost = match self.blocks.get(&index) {
            Some(Obstacle::StillNeeded(number, None)) => Some(*number),
            _ => None,
        };
        open.flatten().copied().chain(lost).collect()
    }

    fn provides_wanted(&self, index: usize, to: usize, wanted: &BTreeSet<usize>) -> bool {
        let (Some(now), Some(then)) =
            (self.entries.current(index), self.entries.entry(index).and_then(|entry| entry.versions.get(to)))
        else {
            return false;
        };
        let is_new = |number: &&usize| now.provides.binary_search(number).is_err();
        then.provides.iter().filter(is_new).any(|number| wanted.contains(number))
    }

    /// PERMISSIVE in place of a mode that keeps others from going on.
    fn softened(&mut self, indexes: &[usize], blocked: &[usize]) -> Option<Move> {
        for index in indexes {
            let entry = self.entries.entry(*index)?;
            if entry.name.known_kind() != Some(ResourceKind::PeerAuthentication) {
                continue;
            }
            let (was, count) = (entry.current, entry.versions.len());
            let first = if was > NEW { was + 1 } else { NEW + 1 };
            for to in (first..count).rev() {
                if self.entries.check(*index, to).is_err() {
                    continue;
                }
                self.entries.go(*index, to);
                let helps = blocked.iter().any(|other| other != index && self.entries.check(*other, NEW).is_ok());
                self.entries.go(*index, was);
                if helps {
                    return Some((*index, to));
                }
            }
        }
        None
    }

    /// Resources that others wait for, and those that these wait for.
    fn in_the_way(&self, indexes: &[usize]) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open: Vec<usize> = indexes.to_vec();
        while let Some(index) = open.pop() {
            let next: Vec<usize> = match self.entries.check(index, NEW) {
                Err(Obstacle::StillNeeded(number, None) | Obstacle::Needs(number)) => {
                    self.entries.makers.get(&number).cloned().unwrap_or_default()
                }
                Err(Obstacle::StillNeeded(_, Some(needer))) => vec![needer],
                Err(Obstacle::Mtls(_)) => self.entries.left().into_iter().filter(|index| self.speaks_of_mtls(*index)).collect(),
                Ok(()) => Vec::new(),
            };
            open.extend(next.into_iter().filter(|index| found.insert(*index)));
        }
        found
    }

    fn speaks_of_mtls(&self, index: usize) -> bool {
        self.entries.current(index).is_some_and(|version| !matches!(version.mtls, MtlsFacts::Silent))
    }

    /// Breaks a cycle: the first of those that are left goes, and the batch says so.
    fn force(&mut self, indexes: &[usize]) -> bool {
        let Some(index) = indexes.iter().copied().min_by_key(|index| matches!(self.blocks.get(index), Some(Obstacle::Needs(_))))
        else {
            return false;
        };
        let taken = self.step(index, NEW, &Reason::NeedsNothing).map(|(step, reason)| {
            let cycle = Reason::Cycle { step: step.name.clone(), because: Box::new(reason) };
            (step, cycle)
        });
        self.close(taken.into_iter().collect())
    }
}
