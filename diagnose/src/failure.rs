//! A failure as small as counting it once needs it: numbers where its line has texts.

use std::hash::{BuildHasher, Hash};
use std::num::{NonZeroI64, NonZeroU8, NonZeroU64};

use foldhash::HashMap;
use foldhash::quality::RandomState;
use jiff::Timestamp;
use meshwhy_core::facts::text;

use crate::kind::{Kind, Kinds};
use crate::sighting::{Sighting, SightingSource};

/// How many texts of addresses are kept.
const MAX_ADDRESSES: usize = 20_000;

/// An address: 48 bits for its IP, which is everything but the port, and 16 for the port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Address(NonZeroU64);

impl Address {
    const PORT: u64 = 0xffff;
    /// Of the bits of an IP, the one that is always set, so that no address is 0.
    const SET: NonZeroU64 = NonZeroU64::MIN.saturating_add(Self::PORT);

    /// Reads `IP:PORT`, as Envoy prints it; behind the internal listener of a tunnel stands `envoy://LISTENER/` in front.
    fn new(text: &str, hasher: &RandomState) -> Self {
        let text = text.strip_prefix("envoy://").and_then(|rest| rest.split_once('/')).map_or(text, |(_, address)| address);
        let (ip, port) = text.rsplit_once(':').unwrap_or((text, ""));
        let port = port.parse::<u16>().map_or_else(|_| hasher.hash_one(port) & Self::PORT, u64::from);
        Self(Self::SET | (hasher.hash_one(ip) & !Self::PORT) | port)
    }

    /// The same without its port.
    pub(crate) fn ip(self) -> Self {
        Self(Self::SET | (self.0.get() & !Self::PORT))
    }
}

/// What one line tells of one failure.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// What it has in common with others; another than its line says, once other lines made that precise.
    pub(crate) kind: u32,
    /// What its line says by itself.
    pub(crate) own_kind: u32,
    /// Its first line, over all sources, from 1.
    pub(crate) line: u64,
    /// How many lines it has.
    pub(crate) lines: u32,
    /// When its request began, in microseconds since 1970.
    pub(crate) time: Option<NonZeroI64>,
    pub(crate) request: Option<NonZeroU64>,
    pub(crate) downstream_remote: Option<Address>,
    pub(crate) downstream_local: Option<Address>,
    pub(crate) upstream_local: Option<Address>,
    pub(crate) upstream_host: Option<Address>,
    /// How often it happened, as far as 32 bits count.
    pub(crate) count: u32,
    /// How often of these flood control left it without a record.
    pub(crate) suppressed: u32,
    /// The failure whose verdict explains it.
    pub(crate) absorbed_by: Option<u32>,
    pub(crate) witness: SightingSource,
    /// A better witness counted it already.
    pub(crate) covered: bool,
    /// Which of its own kind's examples its line is, from 1.
    pub(crate) example: Option<NonZeroU8>,
}

/// Failures, and the texts that their numbers stand for.
#[derive(Debug, Clone)]
pub(crate) struct Failures {
    pub(crate) kinds: Kinds,
    /// In the order of their lines.
    pub(crate) all: Vec<Failure>,
    addresses: HashMap<Address, Box<str>>,
    /// Of callers that a server refused, that server's failure.
    pub(crate) refused_by: HashMap<usize, usize>,
    /// How many fit in no kind any more.
    pub(crate) ungrouped: u64,
    pub(crate) hasher: RandomState,
}

/// A failure and its kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FailureView<'f> {
    pub(crate) failure: &'f Failure,
    pub(crate) kind: &'f Kind,
}

impl Failures {
    /// None so far. What is merged must have the same hasher.
    pub(crate) fn new(hasher: RandomState) -> Self {
        Self {
            kinds: Kinds::default(),
            all: Vec::new(),
            addresses: HashMap::default(),
            refused_by: HashMap::default(),
            ungrouped: 0,
            hasher,
        }
    }

    /// Takes what a line tells; of a kind that is surplus nothing is kept.
    pub(crate) fn push(&mut self, sighting: Sighting<'_>, is_surplus: impl Fn(u64) -> bool) {
        let Self { kinds, all, addresses, hasher, .. } = self;
        let context = &sighting.facts.context;
        let ends = [
            &context.downstream_remote_address,
            &context.downstream_local_address,
            &context.upstream_local_address,
            &sighting.facts.upstream_host,
        ];
        let ends = ends.map(|end| text(end.as_ref()).map(|text| (Address::new(text, hasher), text)));
        let [downstream_remote, downstream_local, upstream_local, upstream_host] =
            ends.map(|end| end.map(|(address, _)| address));
        let mut failure = Failure {
            kind: 0,
            own_kind: 0,
            line: sighting.line,
            lines: u32::try_from(sighting.last.saturating_sub(sighting.line)).map_or(u32::MAX, |more| more.saturating_add(1)),
            time: sighting.time.map(Timestamp::as_microsecond).and_then(NonZeroI64::new),
            request: text(context.request_id.as_ref()).map(|id| NonZeroU64::MIN | hasher.hash_one(id)),
            downstream_remote,
            downstream_local,
            upstream_local,
            upstream_host,
            count: u32::try_from(sighting.count).unwrap_or(u32::MAX),
            suppressed: u32::try_from(sighting.suppressed).unwrap_or(u32::MAX),
            absorbed_by: None,
            witness: sighting.witness,
            covered: false,
            example: None,
        };
        let mut keep = |address: Address, text: &str| {
            if addresses.len() < MAX_ADDRESSES {
                addresses.entry(address).or_insert_with(|| text.into());
            }
        };
        if let [Some((address, text)), ..] = ends {
            keep(address.ip(), ip(text));
        }
        let key = sighting.key(hasher);
        let is_surplus = is_surplus(key);
        if !is_surplus && kinds.wants_example(key) {
            ends.into_iter().flatten().for_each(|(address, text)| keep(address, text));
        }
        (failure.kind, failure.example) = kinds.enter(key, sighting, is_surplus);
        failure.own_kind = failure.kind;
        all.push(failure);
    }

    /// Adds those of lines that stand behind `lines` others.
    pub(crate) fn append(&mut self, other: Self, lines: u64) {
        let moved = self.kinds.append(other.kinds, lines);
        for mut failure in other.all {
            let Some(kind) = usize::try_from(failure.kind).ok().and_then(|kind| *moved.get(kind)?) else {
                self.ungrouped = self.ungrouped.saturating_add(failure.count.into());
                continue;
            };
            (failure.kind, failure.own_kind) = (kind.id, kind.id);
            failure.line += lines;
            failure.example = failure.example.and_then(|example| kind.example(example));
            self.all.push(failure);
        }
        self.ungrouped = self.ungrouped.saturating_add(other.ungrouped);
        for (address, text) in other.addresses {
            if self.addresses.len() < MAX_ADDRESSES {
                self.addresses.entry(address).or_insert(text);
            }
        }
    }

    /// One of them.
    pub(crate) fn view(&self, at: usize) -> Option<FailureView<'_>> {
        let failure = self.all.get(at)?;
        Some(FailureView { failure, kind: self.kinds.get(failure.kind)? })
    }

    /// All of them, in their order.
    pub(crate) fn each(&self) -> impl DoubleEndedIterator<Item = (usize, FailureView<'_>)> {
        let view = |failure| Some(FailureView { failure, kind: self.kinds.get(failure.kind)? });
        self.all.iter().enumerate().filter_map(move |(at, failure)| Some((at, view(failure)?)))
    }

    /// A number that stands for these values.
    pub(crate) fn number(&self, values: impl Hash) -> u64 {
        self.hasher.hash_one(values)
    }

    /// Those of some kinds, in their order.
    pub(crate) fn of(&self, is_wanted: impl Fn(&Kind) -> bool) -> impl DoubleEndedIterator<Item = (usize, FailureView<'_>)> {
        let wanted: Vec<bool> = self.kinds.ids().map(|kind| self.kinds.get(kind).is_some_and(&is_wanted)).collect();
        let is_wanted = move |kind: u32| usize::try_from(kind).is_ok_and(|kind| wanted.get(kind) == Some(&true));
        self.each().filter(move |(_, view)| is_wanted(view.failure.kind))
    }

    /// The text of an address, where it is still known.
    pub(crate) fn text(&self, address: Option<Address>) -> Option<&str> {
        self.addresses.get(&address?).map(AsRef::as_ref)
    }

    /// Forgets all of them, and keeps what they have in common.
    pub(crate) fn clear(&mut self) {
        self.all.clear();
        self.refused_by.clear();
    }
}

impl<'f> FailureView<'f> {
    /// Both ends of the downstream connection.
    pub(crate) fn connection(self) -> Option<(Address, Address)> {
        self.failure.downstream_remote.zip(self.failure.downstream_local)
    }

    /// Whether another verdict explains it.
    pub(crate) const fn is_absorbed(self) -> bool {
        self.failure.absorbed_by.is_some()
    }
}

fn ip(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(ip, _)| ip)
}
