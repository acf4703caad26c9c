//! Which conditions can hold at all, by what the facts show: a failing line is judged by looking at a handful of conditions
//! and not at all of the catalogue's.
//!
//! A condition is filed under what must be there for it to hold – a word of the details, a flag, a transport failure – and under
//! nothing when it needs nothing in particular. Filing decides nothing: what is found is still evaluated.

use std::sync::LazyLock;

use super::{ClusterKind, Condition, Engine, Field, Literal, Observed, RouteName};
use crate::causes::{Cause, Confidence, REGISTRY};
use crate::codec::CodecFault;
use crate::details::{CloseReason, Details, Family, Reset, Word};
use crate::event::Event;
use crate::flags::Flag;
use crate::transport::TransportKind;

/// One way of one cause to be recognised.
pub(crate) type Entry = (&'static Cause, Confidence, &'static Condition);

/// A set of entries.
type Set = [u64; 4];

/// Certain before likely, refinements before what they refine.
pub(crate) static INDEX: LazyLock<Index> = LazyLock::new(Index::new);

/// All entries in the order of judging, and where they are filed.
pub(crate) struct Index {
    entries: Vec<Entry>,
    filed: Vec<Set>,
    anywhere: Set,
}

/// What an entry can be filed under; each has its place in [`Index::filed`].
#[derive(Clone, Copy)]
enum Sign {
    Word(Word),
    Family(Family),
    Before(Reset),
    After(Reset),
    Closed(CloseReason),
    Upstream(TransportKind),
    Downstream(TransportKind),
    UpstreamTls,
    DownstreamTls,
    UpstreamCodec(CodecFault),
    DownstreamCodec(CodecFault),
    Flag(Flag),
    Event(Event),
    NoDetails,
    BlackHole,
    Passthrough,
    BlockAll,
    GrpcFailed,
}

const FAMILIES: usize = Word::ALL.len();
const BEFORE: usize = FAMILIES + Family::ALL.len();
const AFTER: usize = BEFORE + Reset::ALL.len();
const CLOSED: usize = AFTER + Reset::ALL.len();
const UPSTREAM: usize = CLOSED + CloseReason::COUNT;
const DOWNSTREAM: usize = UPSTREAM + TransportKind::ALL.len();
const UPSTREAM_CODEC: usize = DOWNSTREAM + TransportKind::ALL.len();
const DOWNSTREAM_CODEC: usize = UPSTREAM_CODEC + CodecFault::ALL.len();
const FLAGS: usize = DOWNSTREAM_CODEC + CodecFault::ALL.len();
const EVENTS: usize = FLAGS + Flag::ALL.len();
const TLS: usize = EVENTS + Event::ALL.len();
const OTHERS: usize = TLS + 2;
const SIGNS: usize = OTHERS + 5;

impl Sign {
    const fn place(self) -> usize {
        match self {
            Self::Word(word) => word as usize,
            Self::Family(family) => FAMILIES + family as usize,
            Self::Before(reset) => BEFORE + reset as usize,
            Self::After(reset) => AFTER + reset as usize,
            Self::Closed(reason) => CLOSED + reason as usize,
            Self::Upstream(kind) => UPSTREAM + kind as usize,
            Self::Downstream(kind) => DOWNSTREAM + kind as usize,
            Self::UpstreamCodec(fault) => UPSTREAM_CODEC + fault as usize,
            Self::DownstreamCodec(fault) => DOWNSTREAM_CODEC + fault as usize,
            Self::Flag(flag) => FLAGS + flag as usize,
            Self::Event(event) => EVENTS + event as usize,
            Self::UpstreamTls => TLS,
            Self::DownstreamTls => TLS + 1,
            Self::NoDetails => OTHERS,
            Self::BlackHole => OTHERS + 1,
            Self::Passthrough => OTHERS + 2,
            Self::BlockAll => OTHERS + 3,
            Self::GrpcFailed => OTHERS + 4,
        }
    }
}

impl Index {
    fn new() -> Self {
        let of = |wanted: Confidence| {
            REGISTRY.by_precision().flat_map(move |cause| {
                let own = cause.conditions.iter().filter(move |(confidence, _)| *confidence == wanted);
                own.map(move |(confidence, condition)| (cause, *confidence, condition))
            })
        };
        let entries: Vec<Entry> = of(Confidence::Certain).chain(of(Confidence::Likely)).collect();
        let mut index = Self { entries, filed: vec![Set::default(); SIGNS], anywhere: Set::default() };
        for (number, (_, _, condition)) in index.entries.iter().enumerate() {
            match condition.fold(&Needed) {
                None => insert(&mut index.anywhere, number),
                Some(signs) => {
                    for sign in signs {
                        if let Some(set) = index.filed.get_mut(sign.place()) {
                            insert(set, number);
                        }
                    }
                }
            }
        }
        // A word is also of a family.
        for (text, word) in Word::ALL {
            let family = Family::of(text).map(|family| index.filed(Sign::Family(family))).unwrap_or_default();
            if let Some(set) = index.filed.get_mut(Sign::Word(*word).place()) {
                *set = union(*set, family);
            }
        }
        index
    }

    /// The first entry whose condition holds.
    pub(crate) fn first(&self, observed: &Observed<'_, '_>) -> Option<Entry> {
        let mut set = self.anywhere;
        observed.signs(|sign| set = union(set, self.filed(sign)));
        for (part, mut bits) in (0_usize..).zip(set) {
            while bits != 0 {
                let number = part * 64 + bits.trailing_zeros() as usize;
                bits &= bits.wrapping_sub(1);
                let entry = self.entries.get(number).filter(|(_, _, condition)| condition.holds(observed));
                if entry.is_some() {
                    return entry.copied();
                }
            }
        }
        None
    }

    fn filed(&self, sign: Sign) -> Set {
        self.filed.get(sign.place()).copied().unwrap_or_default()
    }
}

/// What must be there for the condition to hold: one of these; `None` when nothing in particular must.
struct Needed;

impl Engine for Needed {
    type Out = Option<Vec<Sign>>;

    fn literal(&self, Literal { condition, negated }: Literal) -> Option<Vec<Sign>> {
        if negated {
            return None;
        }
        Some(match condition {
            Condition::All(_) | Condition::Any(_) | Condition::Not(_) => condition.fold(self)?,
            Condition::Details(word) => vec![Sign::Word(*word)],
            Condition::Family(family) => vec![Sign::Family(*family)],
            Condition::RbacDenied | Condition::BadCustomAction => vec![Sign::Family(Family::RbacDenied)],
            Condition::ResetBefore(reset) => vec![Sign::Before(*reset)],
            Condition::ResetAfter(reset) => vec![Sign::After(*reset)],
            Condition::Closed(reason) => vec![Sign::Closed(*reason)],
            Condition::UpstreamTransport(kind) => vec![Sign::Upstream(*kind)],
            Condition::DownstreamTransport(kind) => vec![Sign::Downstream(*kind)],
            Condition::UpstreamTls => vec![Sign::UpstreamTls],
            Condition::DownstreamTls => vec![Sign::DownstreamTls],
            Condition::UpstreamCodec(fault) => vec![Sign::UpstreamCodec(*fault)],
            Condition::DownstreamCodec(fault) => vec![Sign::DownstreamCodec(*fault)],
            Condition::Flag(flag) => vec![Sign::Flag(*flag)],
            Condition::Event(event) => vec![Sign::Event(*event)],
            Condition::Absent(Field::Details) => vec![Sign::NoDetails],
            Condition::Cluster(ClusterKind::BlackHole) => vec![Sign::BlackHole],
            Condition::Cluster(ClusterKind::Passthrough) => vec![Sign::Passthrough],
            Condition::Route(RouteName::BlockAll) => vec![Sign::BlockAll],
            Condition::GrpcFailed => vec![Sign::GrpcFailed],
            Condition::Success
            | Condition::Refusal
            | Condition::FlagBeside(_)
            | Condition::Status(_)
            | Condition::StatusAtLeast(_)
            | Condition::StatusClass(_)
            | Condition::DurationBelow(_)
            | Condition::UpstreamReused
            | Condition::UpstreamIpv6
            | Condition::Present(_)
            | Condition::Absent(_) => return None,
        })
    }

    fn all(&self, parts: impl Iterator<Item = Option<Vec<Sign>>>) -> Option<Vec<Sign>> {
        parts.flatten().min_by_key(Vec::len)
    }

    fn any(&self, parts: impl Iterator<Item = Option<Vec<Sign>>>) -> Option<Vec<Sign>> {
        parts.collect::<Option<Vec<_>>>().map(|signs| signs.concat())
    }
}

impl Observed<'_, '_> {
    /// Calls `take` with everything that is there.
    fn signs(&self, mut take: impl FnMut(Sign)) {
        match self.details() {
            Some(Details::Word(word)) => {
                take(Sign::Word(word));
                if word == Word::UpstreamResetBeforeResponseStarted {
                    take(Sign::NoDetails);
                }
            }
            Some(Details::ResetBeforeResponse { reset, .. }) => take(Sign::Before(reset)),
            Some(Details::ResetAfterResponse { reset, .. }) => take(Sign::After(reset)),
            Some(Details::JwtDenied { .. }) => take(Sign::Family(Family::JwtDenied)),
            Some(Details::Family(family)) => take(Sign::Family(family)),
            Some(Details::RbacDenied { .. } | Details::LocalDisconnect { .. } | Details::Other(_)) => {}
            None => take(Sign::NoDetails),
        }
        if self.policy().is_some() {
            take(Sign::Family(Family::RbacDenied));
        }
        if let Some(reason) = self.closed() {
            take(Sign::Closed(reason));
        }
        if let Some(kind) = self.upstream_transport().and_then(|failure| failure.kind) {
            take(Sign::Upstream(kind));
            if !kind.is_socket() {
                take(Sign::UpstreamTls);
            }
        }
        if let Some(kind) = self.downstream_transport().and_then(|failure| failure.kind) {
            take(Sign::Downstream(kind));
            if !kind.is_socket() {
                take(Sign::DownstreamTls);
            }
        }
        if let Some(error) = self.upstream_codec() {
            take(Sign::UpstreamCodec(error.fault));
        }
        if let Some(error) = self.downstream_codec() {
            take(Sign::DownstreamCodec(error.fault));
        }
        for flag in self.facts.flags.into_iter().flat_map(crate::flags::ResponseFlags::iter) {
            take(Sign::Flag(flag));
        }
        if let Some(event) = self.facts.event {
            take(Sign::Event(event));
        }
        match self.facts.cluster.as_deref() {
            Some(name) if name == ClusterKind::BlackHole.as_str() => take(Sign::BlackHole),
            Some(name) if name == ClusterKind::Passthrough.as_str() => take(Sign::Passthrough),
            _ => {}
        }
        if self.facts.route.as_deref() == Some(RouteName::BlockAll.as_str()) {
            take(Sign::BlockAll);
        }
        if self.facts.grpc_failure().is_some() {
            take(Sign::GrpcFailed);
        }
    }
}

fn insert(set: &mut Set, number: usize) {
    if let Some(part) = set.get_mut(number / 64) {
        *part |= 1 << (number % 64);
    }
}

fn union(one: Set, other: Set) -> Set {
    let mut both = one;
    both.iter_mut().zip(other).for_each(|(part, other)| *part |= other);
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_its_place() {
        assert!(INDEX.entries.len() <= 64 * Set::default().len(), "{} entries do not fit", INDEX.entries.len());
        for (number, (cause, ..)) in INDEX.entries.iter().enumerate() {
            let bit = |set: &Set| set[number / 64] & (1 << (number % 64)) != 0;
            assert!(bit(&INDEX.anywhere) || INDEX.filed.iter().any(bit), "{}", cause.slug);
        }
    }

    #[test]
    fn few_entries_are_filed_nowhere() {
        let everywhere: u32 = INDEX.anywhere.iter().map(|part| part.count_ones()).sum();
        assert!(everywhere <= 4, "{everywhere} entries are evaluated for every failure");
    }
}
