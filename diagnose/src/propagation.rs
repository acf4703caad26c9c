//! Whether applications hand on the trace context of the requests that they get.

use std::hash::BuildHasher;
use std::ops::AddAssign;

use foldhash::HashMap;
use foldhash::quality::RandomState;
use meshwhy_core::causes::trace_context_missing;
use meshwhy_core::condition::Shown;
use meshwhy_core::event::Event;
use meshwhy_core::{Confidence, Context, Decisive, Facts, Side, Verdict};

use crate::group::Group;
use crate::kind::{Kind, author};
use crate::sighting::{LinePlace, SightingSource};

/// How many proxies are told apart.
const MAX_PROXIES: usize = 10_000;
/// Fewest requests each way of which something is said.
const FEWEST: u64 = 30;
/// Standard deviations that chance does not reach once in a thousand times.
const SIGNIFICANT: f64 = 3.29;
/// Smallest difference of the shares that anybody would act upon.
const RELEVANT: f64 = 0.2;

/// Requests with and without the header `traceparent`, by proxy; of lines that have a place for it.
#[derive(Debug, Clone)]
pub(crate) struct Propagation {
    proxies: HashMap<u64, Proxy>,
    hasher: RandomState,
}

/// What one proxy saw.
#[derive(Debug, Clone)]
struct Proxy {
    source: u32,
    origin: Option<String>,
    pod: Option<String>,
    namespace: Option<String>,
    inbound: Requests,
    outbound: Requests,
}

#[derive(Debug, Clone, Copy, Default)]
struct Requests {
    with: u64,
    without: u64,
}

impl AddAssign for Requests {
    fn add_assign(&mut self, other: Self) {
        self.with += other.with;
        self.without += other.without;
    }
}

impl Requests {
    const fn all(self) -> u64 {
        self.with + self.without
    }

    fn share(self) -> f64 {
        self.with as f64 / self.all().max(1) as f64
    }
}

impl Propagation {
    /// Nothing so far. What is added must have the same hasher.
    pub(crate) fn new(hasher: RandomState) -> Self {
        Self { proxies: HashMap::default(), hasher }
    }

    /// Counts a request.
    pub(crate) fn count(&mut self, place: &LinePlace<'_>, side: Side, has_header: bool) {
        let requests = Requests { with: has_header.into(), without: (!has_header).into() };
        let (inbound, outbound) = match side {
            Side::Inbound => (requests, Requests::default()),
            Side::Outbound => (Requests::default(), requests),
            Side::Gateway => return,
        };
        let (pod, namespace) = place.pod.unzip();
        let namespace = namespace.flatten();
        let key = self.hasher.hash_one((author(place.source, place.origin), pod, namespace));
        let own = |text: Option<&str>| text.map(str::to_owned);
        let proxy = || Proxy {
            source: place.source,
            origin: own(place.origin),
            pod: own(pod),
            namespace: own(namespace),
            inbound: Requests::default(),
            outbound: Requests::default(),
        };
        self.add(key, proxy, inbound, outbound);
    }

    fn add(&mut self, key: u64, proxy: impl FnOnce() -> Proxy, inbound: Requests, outbound: Requests) {
        if self.proxies.len() < MAX_PROXIES || self.proxies.contains_key(&key) {
            let proxy = self.proxies.entry(key).or_insert_with(proxy);
            proxy.inbound += inbound;
            proxy.outbound += outbound;
        }
    }

    /// Adds those of other lines.
    pub(crate) fn append(&mut self, other: Self) {
        for (key, proxy) in other.proxies {
            let (inbound, outbound) = (proxy.inbound, proxy.outbound);
            let none = Requests::default();
            self.add(key, || Proxy { inbound: none, outbound: none, ..proxy }, inbound, outbound);
        }
    }

    /// The proxies whose applications get trace context and do not hand it on, by name.
    pub(crate) fn gaps(self) -> Vec<Group> {
        let mut gaps: Vec<Group> = self.proxies.into_values().filter(Proxy::has_gap).map(Proxy::group).collect();
        gaps.sort_unstable_by(|one, other| one.hop.cmp(&other.hop));
        gaps
    }
}

impl Proxy {
    /// Whether outbound requests lack the header significantly more often than inbound ones: two shares, compared.
    fn has_gap(&self) -> bool {
        let (inbound, outbound) = (self.inbound, self.outbound);
        if inbound.all().min(outbound.all()) < FEWEST {
            return false;
        }
        let difference = inbound.share() - outbound.share();
        let mut both = inbound;
        both += outbound;
        let variance = both.share() * (1.0 - both.share()) * (1.0 / inbound.all() as f64 + 1.0 / outbound.all() as f64);
        difference >= RELEVANT && difference > SIGNIFICANT * variance.sqrt()
    }

    fn group(self) -> Group {
        let Self { source, origin, pod, namespace, inbound, outbound } = self;
        let verdict = Verdict { cause: &trace_context_missing::CAUSE, confidence: Confidence::Likely, condition: None };
        let decisive = Decisive { side: Some(Side::Outbound), event: Some(Event::TraceContextMissing), ..Decisive::default() };
        let context = Context { pod: pod.map(Into::into), namespace: namespace.map(Into::into), ..Context::default() };
        let facts = Facts { decisive, context };
        let kind = Kind { source, origin, witness: SightingSource::Log, plugin: None, facts, verdict, examples: Vec::new() };
        let shown = |requests: Requests| format!("{} of {}", requests.with, requests.all());
        let evidence = vec![
            Shown::new("header", "traceparent"),
            Shown::new("inbound_requests_with_it", &shown(inbound)),
            Shown::new("outbound_requests_with_it", &shown(outbound)),
        ];
        Group { evidence, count: outbound.without, traffic: outbound.all(), ..Group::of(&kind) }
    }
}
