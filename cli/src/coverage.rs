//! One failure, several witnesses: how not to count it twice.
//!
//! Within one source (a container that a prefix names, in whatever file; else a file) the module's records count first. A
//! record that Envoy wrote itself counts only for what no module's record covers, and an access-log line only for what no
//! record covers. One covers the other when both have the same request id and the same kind of cause, or, where there is no
//! request, are of the same connection; else when cause, target and details agree, as often as the better witness's count says.
//! Where several plugins of one proxy write records of one request, the one that counts most counts. Sources are never set off
//! against each other: two proxies log one request each.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use meshwhy_core::causes::unknown;
use meshwhy_core::facts::text;
use meshwhy_core::{Cause, Context, Nature};

use crate::observation::{Observation, Witness};

/// How many kinds are remembered.
const LIMIT: usize = 100_000;
/// How many plugins of one proxy are told apart.
const MAX_PLUGINS: usize = 8;

/// A better witness, and another that it may cover.
type Pair = (Witness, Witness);

/// What better witnesses have counted and no other of its sort has used up yet.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    left: HashMap<(Pair, u64), u64>,
    /// Of each request, how often it was counted and as which kind.
    requests: HashMap<(Pair, u64), (u64, u64)>,
    plugins: HashMap<u64, Vec<(u64, u64)>>,
    hasher: RandomState,
}

impl std::hash::Hash for Witness {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u8(*self as u8);
    }
}

impl Coverage {
    /// Marks what is covered, after naming the proxy of lines that do not.
    pub(crate) fn settle(&mut self, batch: &mut [Observation]) {
        name_proxies(batch);
        name_authors(batch);
        for observation in batch.iter_mut().filter(|observation| observation.witness == Witness::Module) {
            self.count_once(observation);
            self.credit(observation);
        }
        for witness in [Witness::Envoy, Witness::Log] {
            for by_request in [true, false] {
                let open = |observation: &&mut Observation| observation.witness == witness && !observation.covered;
                for observation in batch.iter_mut().filter(open) {
                    observation.covered = self.covers(observation, by_request);
                }
            }
            let counted = |observation: &&Observation| observation.witness == witness && !observation.covered;
            if witness == Witness::Envoy {
                for observation in batch.iter().filter(counted) {
                    self.credit(observation);
                }
            }
        }
    }

    /// Leaves of a module's record what no record of another plugin has counted.
    fn count_once(&mut self, observation: &mut Observation) {
        let Some(key) = self.exchange(observation) else { return };
        if self.plugins.len() >= LIMIT && !self.plugins.contains_key(&key) {
            return;
        }
        let plugin = self.hasher.hash_one(&observation.plugin);
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
            *count = count.saturating_add(observation.count);
        }
        let added = most(counts).saturating_sub(before);
        observation.covered = added == 0;
        if added > 0 {
            observation.count = added;
            observation.suppressed = observation.suppressed.min(added);
        }
    }

    fn credit(&mut self, observation: &Observation) {
        if observation.covered {
            return;
        }
        let (request, kind) = (self.request(observation), self.kind(observation));
        for worse in [Witness::Envoy, Witness::Log].into_iter().filter(|witness| *witness > observation.witness) {
            let pair = (observation.witness, worse);
            if let Some(request) = request
                && (self.requests.len() < LIMIT || self.requests.contains_key(&(pair, request)))
            {
                let (times, _) = self.requests.entry((pair, request)).or_insert((0, kind));
                *times = times.saturating_add(1);
            }
            if self.left.len() < LIMIT || self.left.contains_key(&(pair, kind)) {
                let left = self.left.entry((pair, kind)).or_default();
                *left = left.saturating_add(observation.count);
            }
        }
    }

    fn covers(&mut self, observation: &Observation, by_request: bool) -> bool {
        let (request, kind) = (self.request(observation), self.kind(observation));
        let better = [Witness::Module, Witness::Envoy].into_iter().filter(|witness| *witness < observation.witness);
        for witness in better {
            let pair = (witness, observation.witness);
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
    fn request(&self, observation: &Observation) -> Option<u64> {
        let source = observation.author();
        match observation.facts.context.request_id.as_deref() {
            Some(id) => Some(self.hasher.hash_one((source, general(observation.verdict.cause), id))),
            None => Some(self.hasher.hash_one((source, connection(observation)?))),
        }
    }

    /// One request or connection on its way through one proxy, as several plugins record it.
    fn exchange(&self, observation: &Observation) -> Option<u64> {
        let id = observation.facts.context.request_id.as_deref();
        let connection = connection(observation);
        if id.is_none() && connection.is_none() {
            return None;
        }
        let cause = general(observation.verdict.cause);
        Some(self.hasher.hash_one((observation.author(), cause, id, connection, observation.target())))
    }

    fn kind(&self, observation: &Observation) -> u64 {
        let details = observation.facts.details.as_deref().map(head);
        let cause = general(observation.verdict.cause);
        self.hasher.hash_one((observation.author(), cause, observation.target(), details))
    }
}

/// Both ends of the downstream connection.
fn connection(observation: &Observation) -> Option<(&str, &str)> {
    let Context { downstream_remote_address, downstream_local_address, .. } = &observation.facts.context;
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
fn name_authors(batch: &mut [Observation]) {
    let told = |line: &Observation| line.facts.relayed_from.is_some() && !line.is(&unknown::CAUSE);
    let mut authors: HashMap<(u32, Option<String>, String), usize> = HashMap::new();
    for (at, line) in batch.iter().enumerate().filter(|(_, line)| told(line)) {
        let Some(id) = text(line.facts.context.request_id.as_ref()) else { continue };
        authors.insert((line.source, line.origin.clone(), id.to_owned()), at);
    }
    if authors.is_empty() {
        return;
    }
    for at in 0..batch.len() {
        let answered = |record: &&Observation| !told(record) && answers(record);
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
fn answers(observation: &Observation) -> bool {
    observation.verdict.cause.nature == Nature::Application || observation.facts.relayed_from.is_some()
}

/// Gives lines that do not name their proxy the name that records of the same source give.
fn name_proxies(batch: &mut [Observation]) {
    let mut names: HashMap<(u32, Option<String>), Context<'static>> = HashMap::new();
    for record in
        batch.iter().filter(|observation| observation.witness != Witness::Log && observation.facts.context.pod.is_some())
    {
        let Context { pod, namespace, workload, .. } = &record.facts.context;
        let name = Context { pod: pod.clone(), namespace: namespace.clone(), workload: workload.clone(), ..Context::default() };
        names.entry((record.source, record.origin.clone())).or_insert(name);
    }
    if names.is_empty() {
        return;
    }
    for observation in batch.iter_mut().filter(|observation| observation.facts.context.namespace.is_none()) {
        let Some(name) = names.get(&(observation.source, observation.origin.clone())) else { continue };
        let facts = &mut observation.facts.context;
        if facts.pod.is_none() || facts.pod == name.pod {
            facts.pod.clone_from(&name.pod);
            facts.namespace.clone_from(&name.namespace);
            facts.workload.clone_from(&name.workload);
        }
    }
}
