//! What was judged lately: a proxy that fails does so in a few ways, over and over.

use std::cell::OnceCell;
use std::rc::Rc;

use meshwhy_core::{Facts, Verdict, judge};

/// Most failures remembered.
const KINDS: usize = 32;
/// Longest details and transport failure remembered, in bytes.
const LONGEST: usize = 512;

/// A failure, as far as what decides goes.
#[derive(Debug)]
pub struct Judged {
    /// What decides.
    pub facts: Facts<'static>,
    /// The verdict on it; `None` when it is no failure.
    pub verdict: Option<Verdict>,
    /// The member that it gets, once it is written.
    pub member: OnceCell<String>,
}

/// The failures that were judged lately.
#[derive(Debug, Default)]
pub struct Lately {
    kinds: Vec<Rc<Judged>>,
}

impl Lately {
    /// The failure with these facts, judged if need be.
    pub fn judged(&mut self, facts: Facts<'static>) -> Rc<Judged> {
        if let Some(at) = self.kinds.iter().position(|judged| judged.facts == facts) {
            // Half the way to the front each time: what is frequent is found at once.
            self.kinds.swap(at, at / 2);
            if let Some(judged) = self.kinds.get(at / 2) {
                return Rc::clone(judged);
            }
        }
        let short = [&facts.details, &facts.upstream_transport_failure].into_iter().flatten().all(|text| text.len() <= LONGEST);
        let judged = Rc::new(Judged { verdict: judge(&facts), facts, member: OnceCell::new() });
        if short {
            self.kinds.truncate(KINDS - 1);
            self.kinds.push(Rc::clone(&judged));
        }
        judged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(details: &str) -> Facts<'static> {
        Facts { status: Some(503), details: Some(details.to_owned().into()), ..Facts::default() }
    }

    #[test]
    fn what_is_frequent_stays() {
        let mut lately = Lately::default();
        let often = lately.judged(facts("no_healthy_upstream"));
        assert!(often.verdict.is_some());
        for other in 0..10_000 {
            lately.judged(facts(&other.to_string()));
            assert!(Rc::ptr_eq(&often, &lately.judged(facts("no_healthy_upstream"))));
        }
        assert_eq!(lately.kinds.len(), KINDS);
    }

    #[test]
    fn what_is_long_is_judged_and_not_kept() {
        let mut lately = Lately::default();
        let long = format!("rbac_access_denied_matched_policy[{}]", "x".repeat(LONGEST));
        assert!(lately.judged(facts(&long)).verdict.is_some());
        assert!(lately.kinds.is_empty());
    }
}
