//! How many requests went to each cluster.

use std::hash::BuildHasher;

use foldhash::HashMap;
use foldhash::quality::RandomState;

/// How many clusters are told apart.
const MAX_CLUSTERS: usize = 100_000;

/// Requests by the number of their cluster, as access logs have them.
#[derive(Debug, Clone)]
pub(crate) struct Traffic {
    requests: HashMap<u64, u64>,
    hasher: RandomState,
}

impl Traffic {
    /// None so far. What is added must have the same hasher.
    pub(crate) fn new(hasher: RandomState) -> Self {
        Self { requests: HashMap::default(), hasher }
    }

    /// Counts one that went to a cluster.
    pub(crate) fn count(&mut self, cluster: &str) {
        self.add(self.hasher.hash_one(cluster), 1);
    }

    /// Adds those of other lines.
    pub(crate) fn append(&mut self, other: Self) {
        other.requests.into_iter().for_each(|(cluster, requests)| self.add(cluster, requests));
    }

    fn add(&mut self, cluster: u64, requests: u64) {
        if self.requests.len() < MAX_CLUSTERS || self.requests.contains_key(&cluster) {
            *self.requests.entry(cluster).or_default() += requests;
        }
    }

    /// How many went to a cluster.
    pub(crate) fn to(&self, cluster: &str) -> u64 {
        self.requests.get(&self.hasher.hash_one(cluster)).copied().unwrap_or_default()
    }
}
