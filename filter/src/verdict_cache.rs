//! Verdicts on the failures seen lately: a proxy that fails does so in a few ways, over and over.

use std::cell::OnceCell;
use std::rc::Rc;

use meshwhy_core::{Cause, Confidence, Decisive, Verdict, judge};

use crate::implied::Implied;

/// Most failures remembered.
const KINDS: usize = 32;
/// Longest details and transport failure remembered, in bytes.
const LONGEST: usize = 512;

/// A failure, as far as what decides goes.
#[derive(Debug)]
pub struct Judged {
    /// What decides.
    pub facts: Decisive<'static>,
    /// The verdict on it; `None` when it is no failure.
    pub verdict: Option<Verdict>,
    /// Whether the proxy made the response itself.
    pub is_local_reply: bool,
    /// The member that it gets, once it is written; `None` where it gets none.
    pub member: OnceCell<Option<String>>,
}

/// What was understood and judged cache.
#[derive(Debug, Default)]
pub struct VerdictCache {
    judged: Recent<Rc<Judged>>,
    implied: Recent<(String, Implied)>,
}

/// At most [`KINDS`] of something, the frequent ones first.
#[derive(Debug)]
struct Recent<T>(Vec<T>);

impl VerdictCache {
    /// The failure with these facts, judged if need be.
    pub fn judged(&mut self, facts: Decisive<'static>) -> Rc<Judged> {
        if let Some(judged) = self.judged.find(|judged| judged.facts == facts) {
            return Rc::clone(judged);
        }
        let short = [&facts.details, &facts.upstream_transport_failure].into_iter().flatten().all(|text| text.len() <= LONGEST);
        // A duration hardly comes twice.
        let comes_again = short && facts.duration_ms.is_none();
        let is_local_reply = facts.parsed_details().is_none_or(|details| !details.is_success());
        let judged = Rc::new(Judged { verdict: verdict(&facts), is_local_reply, facts, member: OnceCell::new() });
        if comes_again {
            self.judged.add(Rc::clone(&judged));
        }
        judged
    }

    /// What these details imply.
    pub fn implied(&mut self, details: Option<&str>) -> Implied {
        let Some(details) = details.filter(|details| details.len() <= LONGEST) else { return Implied::by(details) };
        if let Some((_, implied)) = self.implied.find(|(one, _)| one == details) {
            return *implied;
        }
        let implied = Implied::by(Some(details));
        self.implied.add((details.to_owned(), implied));
        implied
    }
}

/// The verdict; on a response that was passed on, that of the proxy that made it. Anybody upstream can write that header.
fn verdict(facts: &Decisive<'_>) -> Option<Verdict> {
    let verdict = judge(facts)?;
    let code = facts.relayed_from.as_ref().and(facts.annotated_code.as_deref());
    Some(match code.and_then(Cause::find) {
        Some(cause) => Verdict { cause, confidence: Confidence::Likely, condition: None },
        None => verdict,
    })
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Recent<T> {
    fn find(&mut self, is: impl Fn(&T) -> bool) -> Option<&T> {
        let at = self.0.iter().position(is)?;
        // Half the way to the front each time: what is frequent is found at once.
        self.0.swap(at, at / 2);
        self.0.get(at / 2)
    }

    fn add(&mut self, one: T) {
        self.0.truncate(KINDS - 1);
        self.0.push(one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(details: &str) -> Decisive<'static> {
        Decisive { status: Some(503), details: Some(details.to_owned().into()), ..Decisive::default() }
    }

    #[test]
    fn what_is_frequent_stays() {
        let mut cache = VerdictCache::default();
        let often = cache.judged(facts("no_healthy_upstream"));
        assert!(often.verdict.is_some());
        for other in 0..10_000 {
            cache.judged(facts(&other.to_string()));
            assert!(Rc::ptr_eq(&often, &cache.judged(facts("no_healthy_upstream"))));
        }
        assert_eq!(cache.judged.0.len(), KINDS);
    }

    #[test]
    fn what_is_long_is_judged_and_not_kept() {
        let mut cache = VerdictCache::default();
        let long = format!("rbac_access_denied_matched_policy[{}]", "x".repeat(LONGEST));
        assert!(cache.judged(facts(&long)).verdict.is_some());
        assert!(cache.judged.0.is_empty());
    }
}
