//! What counters that are 0 say: that something never happened since the proxy started.

use meshwhy_core::facts::text;
use meshwhy_core::{Cause, Decisive, Facts, ResponseFlags, judge};

/// How many clusters are told apart.
const MAX_CLUSTERS: usize = 1_000;

/// Flags that no request had, by cluster where the counter has one.
#[derive(Debug, Clone, Default)]
pub(crate) struct RuledOut(Vec<(Option<String>, ResponseFlags)>);

impl RuledOut {
    /// Enters what a line says.
    pub(crate) fn add(&mut self, facts: &Facts<'_>, flags: ResponseFlags) {
        self.enter(text(facts.cluster.as_ref()), flags);
    }

    /// Adds what other lines said.
    pub(crate) fn append(&mut self, other: Self) {
        for (cluster, flags) in other.0 {
            self.enter(cluster.as_deref(), flags);
        }
    }

    fn enter(&mut self, cluster: Option<&str>, flags: ResponseFlags) {
        let is_full = self.0.len() >= MAX_CLUSTERS;
        match self.0.iter_mut().find(|(known, _)| known.as_deref() == cluster) {
            Some((_, known)) => known.0 |= flags.0,
            None if is_full => {}
            None => self.0.push((cluster.map(str::to_owned), flags)),
        }
    }

    /// The causes that it is not, for a failure at this cluster; nothing where counters are of several clusters and the failure of none.
    pub(crate) fn causes(&self, cluster: Option<&str>) -> Vec<&'static Cause> {
        let is_of = |of: &Option<String>| match (of.as_deref(), cluster) {
            (Some(of), Some(cluster)) => of == cluster,
            (None, _) => true,
            (Some(_), None) => self.0.len() == 1,
        };
        let flags = self.0.iter().filter(|(of, _)| is_of(of)).flat_map(|(_, flags)| flags.iter());
        let cause = |flag| {
            let facts = Decisive { flags: Some(ResponseFlags::from_iter([flag])), ..Decisive::default() };
            judge(&facts).map(|verdict| verdict.cause)
        };
        flags.filter_map(cause).collect()
    }
}
