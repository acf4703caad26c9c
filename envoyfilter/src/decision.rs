//! What is left of a cause's condition where something is known already, and the first cause of those that are left.

use meshwhy_core::causes::BY_PRECISION;
use meshwhy_core::condition::cel::LATE_FLAGS;
use meshwhy_core::condition::{ClusterKind, Condition, Field};
use meshwhy_core::details::Family;
use meshwhy_core::{Cause, Confidence, Stage};

/// What is known of the code details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known<'k> {
    /// They are this word.
    Word(&'k str),
    /// They begin so and are no word.
    Begin(&'k str),
}

/// A place in the expressions: what is known there.
#[derive(Debug, Clone, Copy)]
pub struct Place<'k> {
    /// Of the details, which are present.
    pub details: Known<'k>,
    /// Whether there is an upstream transport failure.
    pub transport: bool,
}

/// What is left of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rest {
    Holds,
    Fails,
    /// It holds when this CEL expression does, which never fails to evaluate.
    When(String),
    /// Envoy cannot know it when it makes the reply.
    Unknowable,
}

/// The causes that are left at some place, in the order of judging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Each with its condition.
    pub when: Vec<(String, &'static str)>,
    /// What it is when none of these holds; `None` where nothing follows.
    pub last: Option<&'static str>,
}

/// Every cause with an error type and one of its conditions, in the order of judging: certain before likely, refinements first.
pub fn conditions() -> impl Iterator<Item = (&'static Cause, &'static Condition)> {
    [Confidence::Certain, Confidence::Likely].into_iter().flat_map(|wanted| {
        BY_PRECISION.iter().copied().flat_map(move |cause| {
            let own = cause.conditions.iter().filter(move |(confidence, _)| *confidence == wanted);
            own.map(move |(_, condition)| (cause, condition))
        })
    })
}

/// The causes that are left at a place, by their codes.
pub fn chain(place: Place<'_>) -> Chain {
    let mut chain = Chain { when: Vec::new(), last: None };
    for (cause, condition) in conditions() {
        match rest(condition, place) {
            Rest::Holds => return Chain { last: Some(cause.code), ..chain },
            // Where one condition does not hold, its opposite does.
            Rest::When(expression) if chain.when.iter().any(|(before, _)| opposite(before, &expression)) => {
                return Chain { last: Some(cause.code), ..chain };
            }
            Rest::When(expression) => chain.when.push((expression, cause.code)),
            Rest::Fails | Rest::Unknowable => {}
        }
    }
    chain
}

impl Chain {
    /// When any of them holds; `None` when one certainly does.
    pub fn holds(&self) -> Option<String> {
        let conditions = || self.when.iter().map(|(expression, _)| expression.as_str()).collect::<Vec<_>>().join(" || ");
        self.last.is_none().then(conditions)
    }

    /// The same where none of the conditions of `others` holds.
    pub fn without(mut self, others: &Self) -> Self {
        self.when.retain(|one| !others.when.contains(one));
        self
    }

    /// The names of the causes.
    pub fn slugs(&self) -> Vec<&'static str> {
        let codes = self.when.iter().map(|(_, code)| *code).chain(self.last);
        codes.filter_map(|code| BY_PRECISION.iter().find(|cause| cause.code == code)).map(|cause| cause.slug).collect()
    }

    /// The stage of the cause that is left, or of the first of them.
    pub fn stage(&self) -> Option<Stage> {
        let code = self.last.or_else(|| self.when.first().map(|(_, code)| *code))?;
        BY_PRECISION.iter().find(|cause| cause.code == code).map(|cause| cause.stage)
    }

    /// Whether no cause is left.
    pub fn is_empty(&self) -> bool {
        self.when.is_empty() && self.last.is_none()
    }
}

fn rest(condition: &Condition, place: Place<'_>) -> Rest {
    let constant = |holds: bool| if holds { Rest::Holds } else { Rest::Fails };
    match condition {
        Condition::All(parts) => all(parts.iter().map(|part| rest(part, place))),
        Condition::Any(parts) => any(parts.iter().map(|part| rest(part, place))),
        Condition::Not(part) => match rest(part, place) {
            Rest::Holds => Rest::Fails,
            Rest::Fails => Rest::Holds,
            Rest::When(expression) => Rest::When(format!("!({expression})")),
            Rest::Unknowable => Rest::Unknowable,
        },
        Condition::Details(word) => constant(place.details == Known::Word(word.as_str())),
        Condition::ResetBefore(reset) => begins(&format!("upstream_reset_before_response_started{{{}", reset.as_str()), place),
        Condition::Family(family) => any(family.prefixes().iter().map(|prefix| begins(prefix, place))),
        Condition::RbacDenied => rest(&Condition::Family(Family::RbacDenied), place),
        Condition::BadCustomAction => {
            let last = "response.code_details.endsWith('due-to-bad-CUSTOM-action]')".to_owned();
            all([rest(&Condition::RbacDenied, place), Rest::When(last)].into_iter())
        }
        Condition::UpstreamTransport(_) | Condition::UpstreamTls if !place.transport => Rest::Fails,
        Condition::Flag(flag) if LATE_FLAGS.contains(flag) => Rest::Fails,
        // Istio leads TCP there, and no request: what may not leave the mesh gets a direct response (1.29,
        // `pilot/pkg/networking/core/route`).
        Condition::Cluster(ClusterKind::BlackHole) => Rest::Fails,
        Condition::Cluster(_) => guarded("xds.cluster_name", condition),
        Condition::Route(_) => guarded("xds.route_name", condition),
        Condition::UpstreamIpv6 => guarded("upstream.address", condition),
        Condition::Present(Field::Details) => Rest::Holds,
        Condition::Absent(Field::Details) => Rest::Fails,
        Condition::Present(Field::UpstreamTransportFailure) => constant(place.transport),
        Condition::Absent(Field::UpstreamTransportFailure) => constant(!place.transport),
        leaf => leaf.cel().map_or(Rest::Unknowable, Rest::When),
    }
}

fn opposite(one: &str, other: &str) -> bool {
    *one == format!("!({other})") || *other == format!("!({one})")
}

/// An attribute that is absent makes an expression fail, and with it all that it is a part of.
fn guarded(attribute: &str, leaf: &Condition) -> Rest {
    leaf.cel().map_or(Rest::Unknowable, |expression| Rest::When(format!("has({attribute}) && {expression}")))
}

fn begins(wanted: &str, place: Place<'_>) -> Rest {
    match place.details {
        Known::Word(word) if word.starts_with(wanted) => Rest::Holds,
        Known::Begin(begin) if begin.starts_with(wanted) => Rest::Holds,
        Known::Begin(begin) if wanted.starts_with(begin) => Rest::When(format!("response.code_details.startsWith('{wanted}')")),
        Known::Word(_) | Known::Begin(_) => Rest::Fails,
    }
}

fn all(parts: impl Iterator<Item = Rest>) -> Rest {
    let (mut left, mut unknowable) = (Vec::new(), false);
    for part in parts {
        match part {
            Rest::Fails => return Rest::Fails,
            Rest::Holds => {}
            Rest::When(expression) => left.push(expression),
            Rest::Unknowable => unknowable = true,
        }
    }
    match left.as_slice() {
        _ if unknowable => Rest::Unknowable,
        [] => Rest::Holds,
        [one] => Rest::When(one.clone()),
        many => Rest::When(format!("({})", many.join(" && "))),
    }
}

/// A part that Envoy cannot know is left out of an alternative.
fn any(parts: impl Iterator<Item = Rest>) -> Rest {
    let (mut left, mut unknowable) = (Vec::new(), false);
    for part in parts {
        match part {
            Rest::Holds => return Rest::Holds,
            Rest::Fails => {}
            Rest::When(expression) => left.push(expression),
            Rest::Unknowable => unknowable = true,
        }
    }
    match left.as_slice() {
        [] if unknowable => Rest::Unknowable,
        [] => Rest::Fails,
        [one] => Rest::When(one.clone()),
        many => Rest::When(format!("({})", many.iter().map(|part| grouped(part)).collect::<Vec<_>>().join(" || "))),
    }
}

fn grouped(expression: &str) -> String {
    if expression.contains(" && ") && !expression.starts_with('(') { format!("({expression})") } else { expression.to_owned() }
}
