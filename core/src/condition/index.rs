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
pub type Entry = (&'static Cause, Confidence, &'static Condition);

/// A set of entries.
type Set = [u64; 4];

/// Certain before likely, refinements before what they refine.
pub(crate) static INDEX: LazyLock<Index> = LazyLock::new(Index::new);

/// All ways to recognise causes in the order of judging: the first that holds decides.
#[must_use]
pub fn in_order() -> &'static [Entry] {
    &INDEX.entries
}

/// All entries in the order of judging, and where they are filed.
pub(crate) struct Index {
    entries: Vec<Entry>,
    filed: Vec<Set>,
    anywhere: Set,
}

/// What an entry can be filed under; each has its place in [`Index::filed`].
#[derive(Clone, Copy)]
enum IndexKey {
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
const KEYS: usize = OTHERS + 5;

impl IndexKey {
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
        let mut index = Self { entries, filed: vec![Set::default(); KEYS], anywhere: Set::default() };
        for (number, (_, _, condition)) in index.entries.iter().enumerate() {
            match condition.fold(&Needed) {
                None => insert(&mut index.anywhere, number),
                Some(keys) => {
                    for key in keys {
                        if let Some(set) = index.filed.get_mut(key.place()) {
                            insert(set, number);
                        }
                    }
                }
            }
        }
        // A word is also of a family.
        for (text, word) in Word::ALL {
            let family = Family::of(text).map(|family| index.filed(IndexKey::Family(family))).unwrap_or_default();
            if let Some(set) = index.filed.get_mut(IndexKey::Word(*word).place()) {
                *set = union(*set, family);
            }
        }
        index
    }

    /// The first entry whose condition holds.
    pub(crate) fn first(&self, observed: &Observed<'_, '_>) -> Option<Entry> {
        let mut set = self.anywhere;
        observed.keys(|key| set = union(set, self.filed(key)));
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

    fn filed(&self, key: IndexKey) -> Set {
        self.filed.get(key.place()).copied().unwrap_or_default()
    }
}

/// What must be there for the condition to hold: one of these; `None` when nothing in particular must.
struct Needed;

impl Engine for Needed {
    type Out = Option<Vec<IndexKey>>;

    fn literal(&self, Literal { condition, negated }: Literal) -> Option<Vec<IndexKey>> {
        if negated {
            return None;
        }
        Some(match condition {
            Condition::All(_) | Condition::Any(_) | Condition::Not(_) => condition.fold(self)?,
            Condition::Details(word) => vec![IndexKey::Word(*word)],
            Condition::Family(family) => vec![IndexKey::Family(*family)],
            Condition::RbacDenied | Condition::BadCustomAction => vec![IndexKey::Family(Family::RbacDenied)],
            Condition::ResetBefore(reset) => vec![IndexKey::Before(*reset)],
            Condition::ResetAfter(reset) => vec![IndexKey::After(*reset)],
            Condition::Closed(reason) => vec![IndexKey::Closed(*reason)],
            Condition::UpstreamTransport(kind) => vec![IndexKey::Upstream(*kind)],
            Condition::DownstreamTransport(kind) => vec![IndexKey::Downstream(*kind)],
            Condition::UpstreamTls => vec![IndexKey::UpstreamTls],
            Condition::DownstreamTls => vec![IndexKey::DownstreamTls],
            Condition::UpstreamCodec(fault) => vec![IndexKey::UpstreamCodec(*fault)],
            Condition::DownstreamCodec(fault) => vec![IndexKey::DownstreamCodec(*fault)],
            Condition::Flag(flag) => vec![IndexKey::Flag(*flag)],
            Condition::Event(event) => vec![IndexKey::Event(*event)],
            Condition::Absent(Field::Details) => vec![IndexKey::NoDetails],
            Condition::Cluster(ClusterKind::BlackHole) => vec![IndexKey::BlackHole],
            Condition::Cluster(ClusterKind::Passthrough) => vec![IndexKey::Passthrough],
            Condition::Route(RouteName::BlockAll) => vec![IndexKey::BlockAll],
            Condition::GrpcFailed => vec![IndexKey::GrpcFailed],
            Condition::Success
            | Condition::Refusal
            | Condition::FlagBeside(_)
            | Condition::Status(_)
            | Condition::StatusAtLeast(_)
            | Condition::StatusClass(_)
            | Condition::DurationBelow(_)
            | Condition::UpstreamReused
            | Condition::UpstreamIpv6
            | Condition::TlsPort
            | Condition::External
            | Condition::Present(_)
            | Condition::Absent(_) => return None,
        })
    }

    fn all(&self, parts: impl Iterator<Item = Option<Vec<IndexKey>>>) -> Option<Vec<IndexKey>> {
        parts.flatten().min_by_key(Vec::len)
    }

    fn any(&self, parts: impl Iterator<Item = Option<Vec<IndexKey>>>) -> Option<Vec<IndexKey>> {
        parts.collect::<Option<Vec<_>>>().map(|keys| keys.concat())
    }
}

impl Observed<'_, '_> {
    /// Calls `take` with everything that is there.
    fn keys(&self, mut take: impl FnMut(IndexKey)) {
        match self.details() {
            Some(Details::Word(word)) => {
                take(IndexKey::Word(word));
                if word == Word::UpstreamResetBeforeResponseStarted {
                    take(IndexKey::NoDetails);
                }
            }
            Some(Details::ResetBeforeResponse { reset, .. }) => take(IndexKey::Before(reset)),
            Some(Details::ResetAfterResponse { reset, .. }) => take(IndexKey::After(reset)),
            Some(Details::JwtDenied { .. }) => take(IndexKey::Family(Family::JwtDenied)),
            Some(Details::Family(family)) => take(IndexKey::Family(family)),
            Some(Details::RbacDenied { .. } | Details::LocalDisconnect { .. } | Details::Other(_)) => {}
            None => take(IndexKey::NoDetails),
        }
        if self.policy().is_some() {
            take(IndexKey::Family(Family::RbacDenied));
        }
        if let Some(reason) = self.closed() {
            take(IndexKey::Closed(reason));
        }
        if let Some(kind) = self.upstream_transport().and_then(|failure| failure.kind) {
            take(IndexKey::Upstream(kind));
            if !kind.is_socket() {
                take(IndexKey::UpstreamTls);
            }
        }
        if let Some(kind) = self.downstream_transport().and_then(|failure| failure.kind) {
            take(IndexKey::Downstream(kind));
            if !kind.is_socket() {
                take(IndexKey::DownstreamTls);
            }
        }
        if let Some(error) = self.upstream_codec() {
            take(IndexKey::UpstreamCodec(error.fault));
        }
        if let Some(error) = self.downstream_codec() {
            take(IndexKey::DownstreamCodec(error.fault));
        }
        for flag in self.facts.flags.into_iter().flat_map(crate::flags::ResponseFlags::iter) {
            take(IndexKey::Flag(flag));
        }
        if let Some(event) = self.facts.event {
            take(IndexKey::Event(event));
        }
        match self.facts.cluster.as_deref() {
            Some(name) if name == ClusterKind::BlackHole.as_str() => take(IndexKey::BlackHole),
            Some(name) if name == ClusterKind::Passthrough.as_str() => take(IndexKey::Passthrough),
            _ => {}
        }
        if self.facts.route.as_deref() == Some(RouteName::BlockAll.as_str()) {
            take(IndexKey::BlockAll);
        }
        if self.facts.grpc_failure().is_some() {
            take(IndexKey::GrpcFailed);
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
