//! Verdicts on the failures seen lately: a proxy that fails does so in a few ways, over and over.

use std::cell::OnceCell;
use std::rc::Rc;

use meshwhy_core::{Cause, Confidence, Decisive, Verdict, judge};

use crate::details_hints::DetailsHints;
use crate::mru::Mru;

/// Most failures remembered.
const FAILURES: usize = 32;
/// Longest details and transport failure remembered, in bytes.
const LONGEST: usize = 512;

/// A failure, as far as what decides goes.
#[derive(Debug)]
pub struct CachedVerdict {
    /// What decides.
    pub facts: Decisive<'static>,
    /// What its details show.
    pub hints: DetailsHints,
    /// The verdict on it; `None` when it is no failure.
    pub verdict: Option<Verdict>,
    /// The member that it gets, once it is written; `None` where it gets none.
    pub member: OnceCell<Option<String>>,
}

/// What was understood and judged lately.
#[derive(Debug, Default)]
pub struct VerdictCache {
    verdicts: Mru<Rc<CachedVerdict>>,
    hints: Mru<(String, DetailsHints)>,
}

impl VerdictCache {
    /// The failure with these facts, judged if need be.
    pub fn verdict(&mut self, facts: Decisive<'static>, hints: DetailsHints) -> Rc<CachedVerdict> {
        if let Some(cached) = self.verdicts.find(|cached| cached.facts == facts) {
            return Rc::clone(cached);
        }
        let short = [&facts.details, &facts.upstream_transport_failure].into_iter().flatten().all(|text| text.len() <= LONGEST);
        // A duration hardly comes twice.
        let comes_again = short && facts.duration_ms.is_none();
        let judged = Rc::new(CachedVerdict { verdict: verdict(&facts), facts, hints, member: OnceCell::new() });
        if comes_again {
            add(&mut self.verdicts, Rc::clone(&judged));
        }
        judged
    }

    /// What these details show.
    pub fn hints(&mut self, details: Option<&str>) -> DetailsHints {
        let Some(details) = details.filter(|details| details.len() <= LONGEST) else { return DetailsHints::of(details) };
        if let Some((_, hints)) = self.hints.find(|(known, _)| known == details) {
            return *hints;
        }
        let hints = DetailsHints::of(Some(details));
        add(&mut self.hints, (details.to_owned(), hints));
        hints
    }
}

/// The last makes room.
fn add<T>(list: &mut Mru<T>, entry: T) {
    list.0.truncate(FAILURES - 1);
    list.0.push(entry);
}

/// The verdict; on a response that was passed on, that of the proxy that made it. Any upstream can write that header.
fn verdict(facts: &Decisive<'_>) -> Option<Verdict> {
    let verdict = judge(facts)?;
    let code = facts.relayed_from.as_ref().and(facts.annotated_code.as_deref());
    Some(match code.and_then(Cause::find) {
        Some(cause) => Verdict { cause, confidence: Confidence::Likely, condition: None },
        None => verdict,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict_on(cache: &mut VerdictCache, details: &str) -> Rc<CachedVerdict> {
        let facts = Decisive { status: Some(503), details: Some(details.to_owned().into()), ..Decisive::default() };
        let hints = cache.hints(Some(details));
        cache.verdict(facts, hints)
    }

    #[test]
    fn what_is_frequent_stays() {
        let mut cache = VerdictCache::default();
        let often = verdict_on(&mut cache, "no_healthy_upstream");
        assert!(often.verdict.is_some());
        for other in 0..10_000 {
            verdict_on(&mut cache, &other.to_string());
            assert!(Rc::ptr_eq(&often, &verdict_on(&mut cache, "no_healthy_upstream")));
        }
        assert_eq!(cache.verdicts.0.len(), FAILURES);
    }

    #[test]
    fn what_is_long_is_judged_and_not_kept() {
        let mut cache = VerdictCache::default();
        let long = format!("rbac_access_denied_matched_policy[{}]", "x".repeat(LONGEST));
        assert!(verdict_on(&mut cache, &long).verdict.is_some());
        assert!(cache.verdicts.0.is_empty());
    }
}
