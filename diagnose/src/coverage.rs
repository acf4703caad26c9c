//! One failure, several witnesses: how not to count it twice.
//!
//! Within one source (a container that a prefix names, in whatever file; else a file) the module's records count first. A
//! record that Envoy wrote itself counts only for what no module's record covers, and an access-log line only for what no
//! record covers. One covers the other when both have the same request id and the same kind of cause, or, where there is no
//! request, are of the same connection; else when cause, target and details agree, as often as the better witness's count says.
//! Where several plugins of one proxy write records of one request, the one that counts most counts. Sources are never set off
//! against each other: two proxies log one request each.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use foldhash::{HashMap, HashMapExt};
use meshwhy_core::causes::unknown;
use meshwhy_core::facts::text;
use meshwhy_core::{Cause, Context, Nature};

use crate::sighting::{Sighting, SightingSource};

/// How many kinds are remembered.
const LIMIT: usize = 100_000;
/// How many requests of earlier batches are remembered, of 16 bytes each.
const MAX_COUNTED: usize = 1_000_000;
/// How many plugins of one proxy are told apart.
const MAX_PLUGINS: usize = 8;

/// A better witness, and another that it may cover.
type Pair = (SightingSource, SightingSource);

/// What better witnesses have counted and no other of its sort has used up yet.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    left: HashMap<(Pair, u64), u64>,
    /// Of each request, how often it was counted and as which kind.
    requests: HashMap<(Pair, u64), (u64, u64)>,
    plugins: HashMap<u64, Vec<(u64, u64)>>,
    /// Of each request that a worse witness counted in an earlier batch, how often.
    counted: HashMap<u64, u64>,
    hasher: RandomState,
}

impl std::hash::Hash for SightingSource {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u8(*self as u8);
    }
}

impl Coverage {
    /// Marks what is covered, after naming the proxy of lines that do not.
    pub(crate) fn settle(&mut self, batch: &mut [Sighting]) {
        name_proxies(batch);
        name_authors(batch);
        for sighting in batch.iter_mut().filter(|sighting| sighting.witness == SightingSource::Module) {
            self.count_once(sighting);
            self.leave_counted(sighting);
            self.credit(sighting);
        }
        for witness in [SightingSource::Envoy, SightingSource::Log] {
            for by_request in [true, false] {
                let open = |sighting: &&mut Sighting| sighting.witness == witness && !sighting.covered;
                for sighting in batch.iter_mut().filter(open) {
                    sighting.covered = self.covers(sighting, by_request);
                }
            }
            let counted = |sighting: &&Sighting| sighting.witness == witness && !sighting.covered;
            if witness == SightingSource::Envoy {
                for sighting in batch.iter().filter(counted) {
                    self.credit(sighting);
                }
            }
            for request in batch.iter().filter(counted).filter_map(|sighting| self.request(sighting)).collect::<Vec<_>>() {
                if self.counted.len() < MAX_COUNTED || self.counted.contains_key(&request) {
                    *self.counted.entry(request).or_default() += 1;
                }
            }
        }
    }

    /// Leaves of a module's record what a worse witness counted in an earlier batch.
    fn leave_counted(&mut self, sighting: &mut Sighting) {
        let Some(request) = self.request(sighting).filter(|_| !sighting.covered) else { return };
        let Some(times) = self.counted.get_mut(&request).filter(|times| **times > 0) else { return };
        let known = sighting.count.min(*times);
        *times -= known;
        sighting.count -= known;
        sighting.suppressed = sighting.suppressed.min(sighting.count);
        sighting.covered = sighting.count == 0;
    }

    /// Leaves of a module's record what no record of another plugin has counted.
    fn count_once(&mut self, sighting: &mut Sighting) {
        let Some(key) = self.exchange(sighting) else { return };
        if self.plugins.len() >= LIMIT && !self.plugins.contains_key(&key) {
            return;
        }
        let plugin = self.hasher.hash_one(&sighting.plugin);
        let counts = self.plugins.entry(key).or_default();
        let most = |counts: &[(u64, u64)]| counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let before = most(counts);
        if !counts.iter().any(|(known, _)| *known == plugin) {
            if counts.len() == MAX_PLUGINS {
                return;
            }
            counts.push((plugin, 0));
        }
        for (_, count) in counts.iter_mut().filter(|(known, _)| *known == plugin) {
            *count = count.saturating_add(sighting.count);
        }
        let added = most(counts).saturating_sub(before);
        sighting.covered = added == 0;
        if added > 0 {
            sighting.count = added;
            sighting.suppressed = sighting.suppressed.min(added);
        }
    }

    fn credit(&mut self, sighting: &Sighting) {
        if sighting.covered {
            return;
        }
        let (request, kind) = (self.request(sighting), self.kind(sighting));
        for worse in [SightingSource::Envoy, SightingSource::Log].into_iter().filter(|witness| *witness > sighting.witness) {
            let pair = (sighting.witness, worse);
            if let Some(request) = request
                && (self.requests.len() < LIMIT || self.requests.contains_key(&(pair, request)))
            {
                let (times, _) = self.requests.entry((pair, request)).or_insert((0, kind));
                *times = times.saturating_add(1);
            }
            if self.left.len() < LIMIT || self.left.contains_key(&(pair, kind)) {
                let left = self.left.entry((pair, kind)).or_default();
                *left = left.saturating_add(sighting.count);
            }
        }
    }

    fn covers(&mut self, sighting: &Sighting, by_request: bool) -> bool {
        let (request, kind) = (self.request(sighting), self.kind(sighting));
        let better = [SightingSource::Module, SightingSource::Envoy].into_iter().filter(|witness| *witness < sighting.witness);
        for witness in better {
            let pair = (witness, sighting.witness);
            if by_request {
                let counted = request.and_then(|request| self.requests.get_mut(&(pair, request)));
                if let Some((times, counted)) = counted.filter(|(times, _)| *times > 0) {
                    *times -= 1;
                    let counted = *counted;
                    self.debit((pair, counted));
                    return true;
                }
            } else if self.debit((pair, kind)) {
                return true;
            }
        }
        false
    }

    fn debit(&mut self, key: (Pair, u64)) -> bool {
        match self.left.get_mut(&key) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    /// The request and the kind of its cause; the connection, where there is no request.
    fn request(&self, sighting: &Sighting) -> Option<u64> {
        let source = sighting.author();
        match sighting.facts.context.request_id.as_deref() {
            Some(id) => Some(self.hasher.hash_one((source, general(sighting.verdict.cause), id))),
            None => Some(self.hasher.hash_one((source, connection(sighting)?))),
        }
    }

    /// One request or connection on its way through one proxy, as several plugins record it.
    fn exchange(&self, sighting: &Sighting) -> Option<u64> {
        let id = sighting.facts.context.request_id.as_deref();
        let connection = connection(sighting);
        if id.is_none() && connection.is_none() {
            return None;
        }
        let cause = general(sighting.verdict.cause);
        Some(self.hasher.hash_one((sighting.author(), cause, id, connection, sighting.target())))
    }

    fn kind(&self, sighting: &Sighting) -> u64 {
        let details = sighting.facts.details.as_deref().map(head);
        let cause = general(sighting.verdict.cause);
        self.hasher.hash_one((sighting.author(), cause, sighting.target(), details))
    }
}

/// Both ends of the downstream connection.
fn connection(sighting: &Sighting) -> Option<(&str, &str)> {
    let Context { downstream_remote_address, downstream_local_address, .. } = &sighting.facts.context;
    Some((text(downstream_remote_address.as_ref())?, text(downstream_local_address.as_ref())?))
}

/// The code of the most general cause that `cause` makes precise: a log line knows less than a record.
fn general(cause: &'static Cause) -> &'static str {
    std::iter::successors(Some(cause), |cause| cause.refines).last().unwrap_or(cause).code
}

/// The fixed part of a details text, which every witness spells alike.
fn head(details: &str) -> &str {
    details.split(['{', '[', '(', ' ']).next().unwrap_or_default()
}

/// Gives a record that knows only that the upstream answered what the access-log line of its request tells of the author.
fn name_authors(batch: &mut [Sighting]) {
    let names_author = |line: &Sighting| line.facts.relayed_from.is_some() && !line.is(&unknown::CAUSE);
    let mut authors: HashMap<(u32, Option<String>, String), usize> = HashMap::new();
    for (at, line) in batch.iter().enumerate().filter(|(_, line)| names_author(line)) {
        let Some(id) = text(line.facts.context.request_id.as_ref()) else { continue };
        authors.insert((line.source, line.origin.clone(), id.to_owned()), at);
    }
    if authors.is_empty() {
        return;
    }
    for at in 0..batch.len() {
        let answered = |record: &&Sighting| !names_author(record) && answers(record);
        let Some(record) = batch.get(at).filter(answered) else { continue };
        let Some(id) = text(record.facts.context.request_id.as_ref()) else { continue };
        let line = authors.get(&(record.source, record.origin.clone(), id.to_owned())).and_then(|line| batch.get(*line));
        let Some((facts, verdict)) =
            line.filter(|line| line.target() == record.target()).map(|line| (line.facts.clone(), line.verdict))
        else {
            continue;
        };
        if let Some(record) = batch.get_mut(at) {
            (record.facts, record.verdict) = (facts, verdict);
        }
    }
}

/// Whether all that is known is that the upstream answered.
fn answers(sighting: &Sighting) -> bool {
    sighting.verdict.cause.nature == Nature::Application || sighting.facts.relayed_from.is_some()
}

/// Gives lines that do not name their proxy the name that records of the same source give.
fn name_proxies(batch: &mut [Sighting]) {
    let mut names: HashMap<(u32, Option<String>), Context<'static>> = HashMap::new();
    for record in batch.iter().filter(|sighting| sighting.witness != SightingSource::Log && sighting.facts.context.pod.is_some())
    {
        let Context { pod, namespace, workload, .. } = &record.facts.context;
        let name = Context { pod: pod.clone(), namespace: namespace.clone(), workload: workload.clone(), ..Context::default() };
        names.entry((record.source, record.origin.clone())).or_insert(name);
    }
    if names.is_empty() {
        return;
    }
    for sighting in batch.iter_mut().filter(|sighting| sighting.facts.context.namespace.is_none()) {
        let Some(name) = names.get(&(sighting.source, sighting.origin.clone())) else { continue };
        let facts = &mut sighting.facts.context;
        if facts.pod.is_none() || facts.pod == name.pod {
            facts.pod.clone_from(&name.pod);
            facts.namespace.clone_from(&name.namespace);
            facts.workload.clone_from(&name.workload);
        }
    }
}
