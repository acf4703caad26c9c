//! What holds at a moment, and whether one more change would break it.

use super::changes::{NEW, ObjectChange, ObjectChanges, ObjectVersion};
use super::mtls::MtlsFacts;

/// Why a change is not possible now.
#[derive(Debug, Clone)]
pub(super) enum Obstacle {
    /// A thing that it needs is not there.
    Needs(usize),
    /// A thing that it takes away is needed, by this resource or by clients.
    StillNeeded(usize, Option<usize>),
    /// A unit would have clients and servers that do not agree.
    Mtls(usize),
}

static SILENT: MtlsFacts = MtlsFacts::Silent;

impl<'a, 'b> ObjectChanges<'a, 'b> {
    pub(super) fn entry(&self, index: usize) -> Option<&ObjectChange<'a, 'b>> {
        self.all.get(index)
    }

    pub(super) fn current(&self, index: usize) -> Option<&ObjectVersion> {
        let entry = self.all.get(index)?;
        entry.versions.get(entry.current)
    }

    /// Whether a resource may go to one of its versions.
    pub(super) fn check(&self, index: usize, to: usize) -> Result<(), Obstacle> {
        let (Some(entry), Some(from)) = (self.all.get(index), self.current(index)) else { return Ok(()) };
        let Some(next) = entry.versions.get(to) else { return Ok(()) };
        let provided = |number: &usize| {
            let count = self.count.get(*number).copied().unwrap_or(0);
            let is_own = from.provides.binary_search(number).is_ok();
            count > usize::from(is_own) || next.provides.binary_search(number).is_ok()
        };
        if let Some(open) = next.needs.iter().find(|any| !any.iter().any(provided)) {
            return Err(Obstacle::Needs(open.first().copied().unwrap_or_default()));
        }
        for lost in from.provides.iter().filter(|number| !provided(number)) {
            if self.kept.contains(lost) {
                return Err(Obstacle::StillNeeded(*lost, None));
            }
            for needer in self.needers.get(*lost).into_iter().flatten().filter(|needer| **needer != index) {
                let breaks = |any: &&Vec<usize>| any.contains(lost) && !any.iter().any(provided);
                if self.current(*needer).is_some_and(|version| version.needs.iter().any(|any| breaks(&any))) {
                    return Err(Obstacle::StillNeeded(*lost, Some(*needer)));
                }
            }
        }
        self.check_mtls(index, from, next)
    }

    fn check_mtls(&self, index: usize, from: &ObjectVersion, next: &ObjectVersion) -> Result<(), Obstacle> {
        if matches!((&from.mtls, &next.mtls), (MtlsFacts::Silent, MtlsFacts::Silent)) {
            return Ok(());
        }
        let now = |other: usize| self.current(other).map_or(&SILENT, |version| &version.mtls);
        let then = |other: usize| if other == index { &next.mtls } else { now(other) };
        let bare = [self.mtls.has_bare_client(&now), self.mtls.has_bare_client(&then)];
        let mut units = self.mtls.concerned(index, &from.mtls);
        units.extend(self.mtls.concerned(index, &next.mtls));
        units.sort_unstable();
        units.dedup();
        for number in units {
            let Some(unit) = self.mtls.units.get(number) else { continue };
            let tolerated = self.tolerated.get(number).copied().unwrap_or(0);
            let added = self.mtls.conflicts(unit, &then, bare[1]) & !tolerated;
            if added & !self.mtls.conflicts(unit, &now, bare[0]) != 0 {
                return Err(Obstacle::Mtls(number));
            }
        }
        Ok(())
    }

    /// Takes a resource to one of its versions.
    pub(super) fn go(&mut self, index: usize, to: usize) {
        let Some(entry) = self.all.get_mut(index) else { return };
        if let Some(from) = entry.versions.get(entry.current) {
            for number in &from.provides {
                if let Some(count) = self.count.get_mut(*number) {
                    *count = count.saturating_sub(1);
                }
            }
        }
        entry.current = to;
        for number in entry.versions.get(to).into_iter().flat_map(|version| &version.provides) {
            if let Some(count) = self.count.get_mut(*number) {
                *count += 1;
            }
        }
    }

    /// The resources that have something left to do.
    pub(super) fn left(&self) -> Vec<usize> {
        (0..self.all.len()).filter(|index| self.entry(*index).is_some_and(|entry| entry.current != NEW)).collect()
    }
}
