//! The fields that an access log may carry, whatever its shape, and how each becomes a fact.

use std::borrow::Cow;

use meshwhy_core::cluster_name::ClusterName;
use meshwhy_core::facts::Fact;
use meshwhy_core::facts::kind::{Duration, FactKind, TraceId};
use meshwhy_core::{Facts, proxy_status};

/// A request or connection that did not fail: as much of it as its share of the traffic needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Success<'a> {
    /// Cluster that it went to, where the line says.
    pub cluster: Option<Cow<'a, str>>,
    /// When it started, as the line prints it.
    pub start_time: Option<Cow<'a, str>>,
    /// Whether it had the header `traceparent`, where the line has a place for it.
    pub traceparent: Option<bool>,
}

impl<'a> Success<'a> {
    /// What facts say of it.
    #[must_use]
    pub fn of(facts: Facts<'a>) -> Self {
        Self { cluster: facts.decisive.cluster, start_time: facts.context.start_time, traceparent: None }
    }

    /// Copies every borrowed text.
    pub(crate) fn into_owned<'b>(self) -> Success<'b> {
        let own = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Success { cluster: own(self.cluster), start_time: own(self.start_time), traceparent: self.traceparent }
    }
}

/// An access-log line, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "a box would cost an allocation per failing line")]
pub(crate) enum AccessLog<'a> {
    /// Nothing failed, and not much was looked at beyond what says so.
    Healthy(Success<'a>),
    /// What the line says; it may be healthy, too.
    Facts {
        /// The facts.
        facts: Facts<'a>,
        /// Whether the head or the tail is missing.
        truncated: bool,
        /// Whether keys of others may stand in it: there a shipper names the proxy.
        open: bool,
    },
}

impl<'a> AccessLog<'a> {
    /// A whole line of nothing but these facts; those of a success are not kept.
    #[inline]
    pub(crate) fn of(facts: Facts<'a>) -> Self {
        if shows_success(&facts) {
            Self::Healthy(Success::of(facts))
        } else {
            Self::Facts { facts, truncated: false, open: false }
        }
    }

    pub(crate) fn into_owned<'b>(self) -> AccessLog<'b> {
        match self {
            Self::Healthy(success) => AccessLog::Healthy(success.into_owned()),
            Self::Facts { facts, truncated, open } => AccessLog::Facts { facts: facts.into_owned(), truncated, open },
        }
    }
}

/// Whether facts of a line say that the request succeeded in every respect.
fn shows_success(facts: &Facts<'_>) -> bool {
    facts.status.is_some_and(|status| (200..300).contains(&status))
        && facts.flags.is_none_or(|flags| flags.is_empty())
        && facts.grpc_status.is_none_or(|status| status == 0)
        && facts.downstream_transport_failure.is_none()
        && !facts.shows_failure()
}

/// Puts in what follows from other fields: the side, and what a logged `Proxy-Status` header says.
pub(crate) fn complete(facts: &mut Facts<'_>, proxy_status: Option<&str>) {
    facts.side = facts.cluster.as_deref().and_then(|name| ClusterName::parse(name).side());
    if let Some(header) = proxy_status {
        proxy_status::complete(facts, header);
    }
}

/// A field as access logs print it: `-` and nothing say that there is none.
#[inline]
pub(crate) fn present(field: Option<&str>) -> Option<Cow<'_, str>> {
    field.filter(|field| *field != "-" && !field.is_empty()).map(Cow::Borrowed)
}

/// What a key of a JSON line or an operator of a format stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum LogField {
    Fact(Fact),
    /// The age of the upstream connection in another unit than microseconds; nothing when it was made for the request.
    ConnectionAge,
    ProxyStatus,
    TraceParent,
    /// Known, and of no use here.
    Ignored,
}

/// The facts of one line while it is read.
#[derive(Debug, Default)]
pub(crate) struct Fields<'a> {
    pub(crate) facts: Facts<'a>,
    pub(crate) proxy_status: Option<Cow<'a, str>>,
    /// Whether the request had the header, where the line has a place for it.
    traceparent: Option<bool>,
}

impl<'a> Fields<'a> {
    /// Puts in one value as the line gives it; `-` and nothing at all say that there is none.
    #[inline]
    pub(crate) fn put(&mut self, field: LogField, value: Cow<'a, str>) {
        if field == LogField::TraceParent {
            self.traceparent = Some(value != "-" && !value.is_empty());
        }
        match field {
            LogField::Fact(fact) => self.facts.put(fact, value),
            _ if value == "-" || value.is_empty() => {}
            LogField::ConnectionAge => self.facts.upstream_reused = Duration::read(value).map(|_| true),
            LogField::ProxyStatus => self.proxy_status = Some(value),
            LogField::TraceParent => self.facts.context.trace_id = trace_parent(value),
            LogField::Ignored => {}
        }
    }

    /// The line with these fields and what follows from them.
    #[inline]
    pub(crate) fn finish(mut self, truncated: bool, open: bool) -> AccessLog<'a> {
        if shows_success(&self.facts) {
            return AccessLog::Healthy(Success { traceparent: self.traceparent, ..Success::of(self.facts) });
        }
        complete(&mut self.facts, self.proxy_status.as_deref());
        AccessLog::Facts { facts: self.facts, truncated, open }
    }
}

/// The trace id inside `00-TRACE-SPAN-FLAGS`.
fn trace_parent(value: Cow<'_, str>) -> Option<Cow<'_, str>> {
    match value {
        Cow::Borrowed(text) => TraceId::read(Cow::Borrowed(text.split('-').nth(1)?)),
        Cow::Owned(text) => TraceId::read(Cow::Owned(text.split('-').nth(1)?.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trace_ids() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(trace_parent(format!("00-{id}-00f067aa0ba902b7-01").into()).as_deref(), Some(id));
        assert_eq!(trace_parent("00-xyz-1-01".into()), None);
    }
}
