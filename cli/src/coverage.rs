//! One failure, several witnesses: how not to count it twice.
//!
//! Within one source (a container that a prefix names, in whatever file; else a file) the module's records count first. A
//! record that Envoy wrote itself counts only for what no module's record covers, and an access-log line only for what no
//! record covers. One covers the other when both have the same request id and the same kind of cause; else when cause,
//! target and details agree, as often as the better witness's count says. Sources are never set off against each other:
//! two proxies log one request each.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use meshwhy_core::{Cause, Facts};

use crate::observation::{Observation, Witness};

/// How many kinds are remembered.
const LIMIT: usize = 100_000;

/// What better witnesses have counted and no other has used up yet.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    left: HashMap<(Witness, u64), u64>,
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
        for observation in batch.iter().filter(|observation| observation.witness == Witness::Module) {
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

    fn credit(&mut self, observation: &Observation) {
        let keys = [(self.request(observation), 1), (Some(self.kind(observation)), observation.count)];
        for (key, count) in keys {
            let Some(key) = key.map(|key| (observation.witness, key)) else { continue };
            if self.left.len() < LIMIT || self.left.contains_key(&key) {
                let left = self.left.entry(key).or_default();
                *left = left.saturating_add(count);
            }
        }
    }

    fn covers(&mut self, observation: &Observation, by_request: bool) -> bool {
        let (request, kind) = (self.request(observation), self.kind(observation));
        let better = [Witness::Module, Witness::Envoy].into_iter().filter(|witness| *witness < observation.witness);
        for witness in better {
            if by_request {
                if request.is_some_and(|request| self.debit((witness, request))) {
                    self.debit((witness, kind));
                    return true;
                }
            } else if self.debit((witness, kind)) {
                return true;
            }
        }
        false
    }

    fn debit(&mut self, key: (Witness, u64)) -> bool {
        match self.left.get_mut(&key) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    fn request(&self, observation: &Observation) -> Option<u64> {
        let id = observation.facts.request_id.as_deref()?;
        Some(self.hasher.hash_one((source(observation), general(observation.verdict.cause), id)))
    }

    fn kind(&self, observation: &Observation) -> u64 {
        let details = observation.facts.details.as_deref().map(head);
        let cause = general(observation.verdict.cause);
        self.hasher.hash_one((source(observation), cause, observation.target(), details))
    }
}

/// Who wrote the line: the container that its prefix names, else its file.
fn source(observation: &Observation) -> (Option<u32>, Option<&str>) {
    let origin = observation.origin.as_deref();
    (origin.is_none().then_some(observation.source), origin)
}

/// The code of the most general cause that `cause` makes precise: a log line knows less than a record.
fn general(cause: &'static Cause) -> &'static str {
    let mut cause = cause;
    while let Some(parent) = cause.refines.and_then(Cause::find) {
        cause = parent;
    }
    cause.code
}

/// The fixed part of a details text, which every witness spells alike.
fn head(details: &str) -> &str {
    details.split(['{', '[', '(', ' ']).next().unwrap_or_default()
}

/// Gives lines that do not name their proxy the name that records of the same source give.
fn name_proxies(batch: &mut [Observation]) {
    let mut names: HashMap<(u32, Option<String>), Facts<'static>> = HashMap::new();
    for record in batch.iter().filter(|observation| observation.witness != Witness::Log && observation.facts.pod.is_some()) {
        let Facts { pod, namespace, workload, .. } = &record.facts;
        let name = Facts { pod: pod.clone(), namespace: namespace.clone(), workload: workload.clone(), ..Facts::default() };
        names.entry((record.source, record.origin.clone())).or_insert(name);
    }
    if names.is_empty() {
        return;
    }
    for observation in batch.iter_mut().filter(|observation| observation.facts.namespace.is_none()) {
        let Some(name) = names.get(&(observation.source, observation.origin.clone())) else { continue };
        let facts = &mut observation.facts;
        if facts.pod.is_none() || facts.pod == name.pod {
            facts.pod.clone_from(&name.pod);
            facts.namespace.clone_from(&name.namespace);
            facts.workload.clone_from(&name.workload);
        }
    }
}
