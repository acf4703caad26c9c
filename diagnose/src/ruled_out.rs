//! What counters that are 0 say: that something never happened since the proxy started.

use std::collections::BTreeMap;

use meshwhy_core::facts::text;
use meshwhy_core::redact::bounded;
use meshwhy_core::{Cause, Decisive, Facts, ResponseFlags, judge};

/// How many clusters are told apart: the first by name, whatever the order of the lines.
const MAX_CLUSTERS: usize = 1_000;

/// Flags that no request had, by the source of the counters, which are one proxy's, and by cluster where they have one.
#[derive(Debug, Clone, Default)]
pub(crate) struct RuledOut(BTreeMap<(u32, Option<String>), ResponseFlags>);

impl RuledOut {
    /// Enters what a line of a source says.
    pub(crate) fn add(&mut self, source: u32, facts: &Facts<'_>, flags: ResponseFlags) {
        self.enter((source, text(facts.cluster.as_ref()).map(|cluster| bounded(cluster).to_owned())), flags);
    }

    /// Adds what other lines said.
    pub(crate) fn append(&mut self, other: Self) {
        other.0.into_iter().for_each(|(key, flags)| self.enter(key, flags));
    }

    fn enter(&mut self, key: (u32, Option<String>), flags: ResponseFlags) {
        self.0.entry(key).or_default().0 |= flags.0;
        if self.0.len() > MAX_CLUSTERS {
            self.0.pop_last();
        }
    }

    /// The causes that it is not, for a failure at this cluster in the same source; nothing where the counters are of several clusters and
    /// the failure of none.
    pub(crate) fn causes(&self, source: u32, cluster: Option<&str>) -> Vec<&'static Cause> {
        let own = || self.0.iter().filter(|((of, _), _)| *of == source);
        let is_only = own().count() == 1;
        let is_of = |of: Option<&str>| of.is_none() || of == cluster || cluster.is_none() && is_only;
        let flags = own().filter(|((_, of), _)| is_of(of.as_deref())).flat_map(|(_, flags)| flags.iter());
        let cause = |flag| {
            let facts = Decisive { flags: Some(ResponseFlags::from_iter([flag])), ..Decisive::default() };
            judge(&facts).map(|verdict| verdict.cause)
        };
        flags.filter_map(cause).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: ResponseFlags = ResponseFlags(1);

    #[test]
    fn what_is_kept_does_not_depend_on_the_order_of_the_lines() {
        let cluster = |number: usize| (0, Some(format!("c{:05}", number * 7919 % 5000)));
        let of = |numbers: std::ops::Range<usize>| {
            let mut all = RuledOut::default();
            numbers.for_each(|number| all.enter(cluster(number), SOME));
            all
        };
        let (mut forth, mut back, whole) = (of(0..1700), of(1700..3000), of(0..3000));
        forth.append(of(1700..3000));
        back.append(of(0..1700));
        assert_eq!((whole.0.len(), &forth.0, &back.0), (MAX_CLUSTERS, &whole.0, &whole.0));
    }

    #[test]
    fn another_sources_counters_say_nothing() {
        let mut all = RuledOut::default();
        all.enter((1, None), ResponseFlags::parse("UO").unwrap());
        assert_eq!((all.causes(1, Some("web")).len(), all.causes(2, Some("web")).len()), (1, 0));
    }
}
