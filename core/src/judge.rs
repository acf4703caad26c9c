//! Chooses the cause that some facts prove.

#[cfg(feature = "texts")]
use crate::causes::Suspicion;
use crate::causes::{Cause, Confidence, Nature, REGISTRY, unknown};
use crate::condition::index::INDEX;
use crate::condition::{Condition, Literal, Observed, Shown};
use crate::facts::{Decisive, Fact, Facts, text};

/// A cause chosen for some facts.
#[derive(Debug, Clone, Copy)]
pub struct Verdict {
    /// The cause.
    pub cause: &'static Cause,
    /// How sure the facts make it.
    pub confidence: Confidence,
    /// The condition that held; `None` for `unknown` and for causes that only an annotation names.
    pub condition: Option<&'static Condition>,
}

/// A cause that nearly matched.
#[derive(Debug, Clone)]
pub struct NearMiss {
    /// The cause.
    pub cause: &'static Cause,
    /// The literals of its nearest condition that held.
    pub held: Vec<Literal>,
    /// The literals that were missing.
    pub missing: Vec<Literal>,
}

/// Names the most precise cause; `None` when nothing says that something failed.
///
/// Certain conditions come before likely ones, and refinements before what they refine; nothing else orders causes.
///
/// An annotated code is a claim that anybody on the way can write. It may make the cause of the facts more precise, never
/// replace it; where no fact says why, it is likely. What another proxy told in a header that was passed on is likely, too, as
/// is what a client says of its connection.
///
/// # Cost
/// No allocation. Each fact is understood once; of the catalogue's conditions only those are evaluated that the facts suggest.
#[must_use]
pub fn judge(facts: &Decisive<'_>) -> Option<Verdict> {
    let annotated = text(facts.annotated_code.as_ref()).and_then(Cause::find);
    let mut verdict = by_facts(facts, annotated)?;
    if facts.seen_by_client == Some(true) {
        verdict.confidence = Confidence::Likely;
    }
    if facts.relayed_from.is_none() {
        return Some(verdict);
    }
    // The application is not the author of a reply that another proxy made.
    if verdict.cause.nature == Nature::Application {
        return Some(likely(annotated.filter(|cause| cause.nature != Nature::Application).unwrap_or(&unknown::CAUSE)));
    }
    Some(Verdict { confidence: Confidence::Likely, ..verdict })
}

fn by_facts(facts: &Decisive<'_>, annotated: Option<&'static Cause>) -> Option<Verdict> {
    let claimed = annotated.filter(|_| !facts.say_why()).map(likely);
    let observed = Observed::new(facts);
    if !observed.fails() {
        return claimed;
    }
    let Some(found) = matching(&observed) else { return Some(claimed.unwrap_or_else(|| likely(&unknown::CAUSE))) };
    if found.confidence == Confidence::Likely && claimed.is_some() {
        return claimed;
    }
    let precise = annotated.filter(|cause| cause.refines(found.cause));
    Some(Verdict { cause: precise.unwrap_or(found.cause), ..found })
}

const fn likely(cause: &'static Cause) -> Verdict {
    Verdict { cause, confidence: Confidence::Likely, condition: None }
}

fn matching(observed: &Observed<'_, '_>) -> Option<Verdict> {
    let (cause, confidence, condition) = INDEX.first(observed)?;
    Some(Verdict { cause, confidence, condition: Some(condition) })
}

/// A cause that the facts leave possible.
#[cfg(feature = "texts")]
#[derive(Debug, Clone)]
pub struct Alternative {
    /// The cause.
    pub cause: &'static Cause,
    /// The observation that would decide.
    pub decide_by: Decider,
}

/// What would decide whether a possible cause is the one.
#[cfg(feature = "texts")]
#[derive(Debug, Clone)]
pub enum Decider {
    /// What the cause itself names.
    Named(&'static Suspicion),
    /// Facts that the source does not give.
    Open(Vec<Literal>),
}

impl Verdict {
    /// The other causes that the facts leave possible, at most four: those that say so themselves, then those for which nothing is missing
    /// but what the source does not give. Where the verdict is certain, only the first.
    #[cfg(feature = "texts")]
    #[must_use]
    pub fn alternatives(&self, facts: &Decisive<'_>) -> Vec<Alternative> {
        const MOST: usize = 4;
        // Another hop's line may have decided already.
        if judge(facts).is_none_or(|own| own.cause != self.cause) {
            return Vec::new();
        }
        let observed = Observed::new(facts);
        let mut alternatives: Vec<Alternative> = (REGISTRY.iter().copied())
            .filter(|cause| !self.cause.is_of(cause))
            .filter_map(|cause| {
                let suspicion = cause.suspected.iter().find(|suspicion| suspicion.when.holds(&observed))?;
                Some(Alternative { cause, decide_by: Decider::Named(suspicion) })
            })
            .collect();
        if self.confidence < Confidence::Certain {
            for miss in self.near(&observed).into_iter().filter(|miss| miss.missing.iter().all(|literal| literal.is_open(facts)))
            {
                if alternatives.iter().all(|known| known.cause != miss.cause) {
                    alternatives.push(Alternative { cause: miss.cause, decide_by: Decider::Open(miss.missing) });
                }
            }
        }
        alternatives.truncate(MOST);
        alternatives
    }

    /// The facts that prove the verdict, one entry per fact, and those beside it that tell more of the connection.
    #[must_use]
    pub fn evidence(&self, facts: &Facts<'_>) -> Vec<Shown> {
        let mut evidence: Vec<Shown> = Vec::new();
        let held = self.condition.map(|condition| condition.explain(&Observed::new(facts)).held).unwrap_or_default();
        let mut shown: Vec<Shown> = held.iter().filter_map(|leaf| leaf.shown(facts)).collect();
        if self.condition.is_none()
            && let Some(code) = text(facts.annotated_code.as_ref())
        {
            shown.push(Shown::new("mw-cause", code));
        }
        let beside =
            [Fact::Status, Fact::Flags, Fact::Details, Fact::UpstreamHost, Fact::SeenByClient, Fact::UpstreamConnectionAge];
        shown.extend(beside.into_iter().filter_map(|fact| fact.shown(facts)).filter(|fact| fact.value != "-"));
        let closes = [
            (Fact::UpstreamCloseType, &facts.context.upstream_close_type),
            (Fact::DownstreamCloseType, &facts.context.downstream_close_type),
            (Fact::UpstreamHostsAttempted, &facts.context.upstream_hosts_attempted),
        ];
        // `Normal` is also what Envoy says where it does not know.
        let says_something = |value: &&str| *value != "Normal";
        shown.extend(
            closes
                .into_iter()
                .filter_map(|(fact, value)| Some(Shown::new(fact.key()?, text(value.as_ref()).filter(says_something)?))),
        );
        for fact in shown {
            if !evidence.iter().any(|seen| seen.name == fact.name) {
                evidence.push(fact);
            }
        }
        evidence
    }

    /// The causes that nearly matched, nearest first: at least one leaf held and at least one was missing.
    #[must_use]
    pub fn near_misses(&self, facts: &Decisive<'_>) -> Vec<NearMiss> {
        let mut near = self.near(&Observed::new(facts));
        near.truncate(5);
        near
    }

    fn near(&self, observed: &Observed<'_, '_>) -> Vec<NearMiss> {
        let mut near: Vec<NearMiss> = REGISTRY
            .iter()
            .copied()
            .filter(|cause| !self.cause.is_of(cause))
            .filter_map(|cause| {
                let evaluations = cause.conditions.iter().map(|(_, condition)| condition.explain(observed));
                let nearest = evaluations
                    .filter(|evaluation| !evaluation.missing.is_empty() && evaluation.held.iter().any(|leaf| leaf.is_positive()))
                    .min_by_key(|evaluation| evaluation.missing.len())?;
                Some(NearMiss { cause, held: nearest.held, missing: nearest.missing })
            })
            .collect();
        near.sort_by_key(|miss| (miss.missing.len(), miss.cause.code));
        near
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relayed(code: Option<&'static str>) -> (&'static str, Confidence) {
        let facts = Decisive {
            status: Some(403),
            details: Some("via_upstream".into()),
            annotated_code: code.map(Into::into),
            relayed_from: Some("gift-api.shop".into()),
            ..Decisive::default()
        };
        let verdict = judge(&facts).unwrap();
        (verdict.cause.slug, verdict.confidence)
    }

    #[test]
    fn what_another_proxy_answered_is_no_error_of_the_application() {
        assert_eq!(relayed(Some("MW6001")), ("rbac-denied", Confidence::Likely));
        assert_eq!(relayed(Some("MW5004")), ("unknown", Confidence::Likely));
        assert_eq!(relayed(None), ("unknown", Confidence::Likely));
    }
}
