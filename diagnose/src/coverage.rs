//! One failure, several witnesses: how not to count it twice.
//!
//! Within one source (a container that a prefix names, in whatever file; else a file) the module's records count first. A
//! record that Envoy wrote itself counts only for what no module's record covers, and an access-log line only for what no
//! record covers. One covers the other when both have the same request id and the same kind of cause, or, where there is no
//! request, are of the same connection; else when cause, target and details agree, as often as the better witness's count says.
//! Where several plugins of one proxy write records of one request, the one that counts most counts. Sources are never set off
//! against each other: two proxies log one request each.

use foldhash::HashMap;
use meshwhy_core::causes::unknown;
use meshwhy_core::{Cause, Context};

use crate::failure::{Failure, FailureView, Failures};
use crate::kind::{Kind, head};
use crate::sighting::SightingSource;

/// How many plugins of one proxy are told apart.
const MAX_PLUGINS: usize = 8;

/// A better witness, and another that it may cover.
type Pair = (SightingSource, SightingSource);

/// What better witnesses have counted and no other of its sort has used up yet.
#[derive(Debug, Default)]
struct Coverage {
    left: HashMap<(Pair, u64), u64>,
    /// Of each request, how often it was counted and as which sort.
    requests: HashMap<(Pair, u64), (u64, u64)>,
    plugins: HashMap<u64, Vec<(u64, u32)>>,
}

/// Marks what is covered, after naming the proxy of lines that do not.
pub(crate) fn settle(failures: &mut Failures) {
    name_proxies(failures);
    if failures.kinds.each().all(|kind| kind.witness == SightingSource::Log) {
        return;
    }
    name_authors(failures);
    let mut coverage = Coverage::default();
    let of = |failures: &Failures, witness| {
        let is_of = |(_, failure): &(usize, &Failure)| failure.witness == witness;
        failures.all.iter().enumerate().filter(is_of).map(|(at, _)| at).collect::<Vec<_>>()
    };
    for at in of(failures, SightingSource::Module) {
        let Some(keys) = failures.view(at).map(|view| Keys::of(view, failures)) else { continue };
        coverage.count_once(failures, at, keys);
        coverage.credit(failures, at, keys);
    }
    for witness in [SightingSource::Envoy, SightingSource::Log] {
        let mut open = of(failures, witness);
        for by_request in [true, false] {
            open.retain(|at| {
                let Some(keys) = failures.view(*at).map(|view| Keys::of(view, failures)) else { return false };
                let covered = coverage.covers(witness, keys, by_request);
                failures.all.get_mut(*at).into_iter().for_each(|failure| failure.covered = covered);
                !covered
            });
        }
        if witness == SightingSource::Envoy {
            for at in open {
                let Some(keys) = failures.view(at).map(|view| Keys::of(view, failures)) else { continue };
                coverage.credit(failures, at, keys);
            }
        }
    }
}

/// By what failures are set off against each other.
#[derive(Debug, Clone, Copy)]
struct Keys {
    /// The request and the sort of its cause; the connection, where there is no request.
    request: Option<u64>,
    /// One request or connection on its way through one proxy, as several plugins record it.
    exchange: Option<u64>,
    /// Cause, target and details.
    sort: u64,
    plugin: u64,
}

impl Keys {
    fn of(view: FailureView<'_>, failures: &Failures) -> Self {
        let FailureView { failure, kind } = view;
        let (author, cause, connection) = (kind.author(), general(kind.verdict.cause), view.connection());
        let request = match (failure.request, connection) {
            (Some(id), _) => Some(failures.number((author, cause, id))),
            (None, connection) => connection.map(|ends| failures.number((author, ends))),
        };
        let known = failure.request.is_some() || connection.is_some();
        let exchange = known.then(|| failures.number((author, cause, failure.request, connection, kind.target())));
        let sort = failures.number((author, cause, kind.target(), kind.facts.details.as_deref().map(head)));
        Self { request, exchange, sort, plugin: failures.number(&kind.plugin) }
    }
}

impl Coverage {
    /// Leaves of a module's record what no record of another plugin has counted.
    fn count_once(&mut self, failures: &mut Failures, at: usize, keys: Keys) {
        let (Some(exchange), Some(failure)) = (keys.exchange, failures.all.get_mut(at)) else { return };
        let counts = self.plugins.entry(exchange).or_default();
        let most = |counts: &[(u64, u32)]| counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let before = most(counts);
        if !counts.iter().any(|(known, _)| *known == keys.plugin) {
            if counts.len() == MAX_PLUGINS {
                return;
            }
            counts.push((keys.plugin, 0));
        }
        for (_, count) in counts.iter_mut().filter(|(known, _)| *known == keys.plugin) {
            *count = count.saturating_add(failure.count);
        }
        let added = most(counts).saturating_sub(before);
        failure.covered = added == 0;
        if added > 0 {
            failure.count = added;
            failure.suppressed = failure.suppressed.min(added);
        }
    }

    fn credit(&mut self, failures: &Failures, at: usize, keys: Keys) {
        let Some(failure) = failures.all.get(at).filter(|failure| !failure.covered) else { return };
        for worse in [SightingSource::Envoy, SightingSource::Log].into_iter().filter(|witness| *witness > failure.witness) {
            let pair = (failure.witness, worse);
            if let Some(request) = keys.request {
                let (times, _) = self.requests.entry((pair, request)).or_insert((0, keys.sort));
                *times = times.saturating_add(1);
            }
            let left = self.left.entry((pair, keys.sort)).or_default();
            *left = left.saturating_add(failure.count.into());
        }
    }

    fn covers(&mut self, witness: SightingSource, keys: Keys, by_request: bool) -> bool {
        let better = [SightingSource::Module, SightingSource::Envoy].into_iter().filter(|better| *better < witness);
        for better in better {
            let pair = (better, witness);
            if by_request {
                let counted = keys.request.and_then(|request| self.requests.get_mut(&(pair, request)));
                if let Some((times, sort)) = counted.filter(|(times, _)| *times > 0) {
                    *times -= 1;
                    let sort = *sort;
                    self.debit((pair, sort));
                    return true;
                }
            } else if self.debit((pair, keys.sort)) {
                return true;
            }
        }
        false
    }

    fn debit(&mut self, key: (Pair, u64)) -> bool {
        match self.left.get_mut(&key) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }
}

/// The code of the most general cause that `cause` makes precise: a log line knows less than a record.
fn general(cause: &'static Cause) -> &'static str {
    std::iter::successors(Some(cause), |cause| cause.refines).last().unwrap_or(cause).code
}

/// Gives a record that knows only that the upstream answered what the access-log line of its request tells of the author.
fn name_authors(failures: &mut Failures) {
    let names_author = |line: &Kind| line.facts.relayed_from.is_some() && !line.is(&unknown::CAUSE);
    let mut authors = HashMap::default();
    for (at, line) in failures.each().filter(|(_, line)| names_author(line.kind)) {
        if let Some(id) = line.failure.request {
            authors.insert((line.kind.author(), id), at);
        }
    }
    if authors.is_empty() {
        return;
    }
    let mut pairs = Vec::new();
    for (at, record) in failures.each() {
        let answers = record.kind.is_application() || record.kind.facts.relayed_from.is_some();
        let Some(id) = record.failure.request.filter(|_| answers && !names_author(record.kind)) else { continue };
        let line = authors.get(&(record.kind.author(), id)).and_then(|line| failures.view(*line));
        let line = line.filter(|line| line.kind.target() == record.kind.target());
        pairs.extend(line.map(|line| (at, line.failure.clone())));
    }
    for (at, line) in pairs {
        let Some(Kind { facts, verdict, .. }) = failures.kinds.get(line.kind).cloned() else { continue };
        let by = failures.number(line.kind);
        let Some(record) = failures.all.get_mut(at) else { continue };
        let kind = failures.kinds.derive(record.kind, by, |kind| Kind { facts, verdict, ..kind });
        record.kind = kind.unwrap_or(record.kind);
        let ends = (line.downstream_remote, line.downstream_local, line.upstream_local, line.upstream_host);
        (record.downstream_remote, record.downstream_local, record.upstream_local, record.upstream_host) = ends;
    }
}

/// Gives lines that do not name their proxy the name that records of the same source give.
fn name_proxies(failures: &mut Failures) {
    let mut names: HashMap<(u32, Option<String>), Context<'static>> = HashMap::default();
    let records = failures.kinds.each().filter(|kind| kind.witness != SightingSource::Log);
    for record in records.filter(|record| record.facts.context.pod.is_some()) {
        let Context { pod, namespace, workload, .. } = &record.facts.context;
        let name = Context { pod: pod.clone(), namespace: namespace.clone(), workload: workload.clone(), ..Context::default() };
        names.entry((record.source, record.origin.clone())).or_insert(name);
    }
    if names.is_empty() {
        return;
    }
    for kind in failures.kinds.each_mut().filter(|kind| kind.facts.context.namespace.is_none()) {
        let Some(name) = names.get(&(kind.source, kind.origin.clone())) else { continue };
        let facts = &mut kind.facts.context;
        if facts.pod.is_none() || facts.pod == name.pod {
            facts.pod.clone_from(&name.pod);
            facts.namespace.clone_from(&name.namespace);
            facts.workload.clone_from(&name.workload);
        }
    }
}
