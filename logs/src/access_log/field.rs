//! The fields that an access log may carry, whatever its shape, and how each becomes a fact.

use std::borrow::Cow;

use meshwhy_core::Facts;
use meshwhy_core::facts::Fact;
use meshwhy_core::facts::kind::{Duration, Kind, TraceId};

/// What a key of a JSON line or an operator of a format stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Field {
    Fact(Fact),
    /// How long before the request the connection was made; nothing when it was made for the request.
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
}

impl<'a> Fields<'a> {
    /// Puts in one value as the line gives it; `-` and nothing at all say that there is none.
    #[inline]
    pub(crate) fn put(&mut self, field: Field, value: Cow<'a, str>) {
        match field {
            Field::Fact(fact) => self.facts.put(fact, value),
            _ if value == "-" || value.is_empty() => {}
            Field::ConnectionAge => self.facts.upstream_reused = Duration::read(value).map(|_| true),
            Field::ProxyStatus => self.proxy_status = Some(value),
            Field::TraceParent => self.facts.context.trace_id = trace_parent(value),
            Field::Ignored => {}
        }
    }

    /// The facts, with what follows from other fields.
    #[inline]
    pub(crate) fn finish(mut self) -> Facts<'a> {
        super::complete(&mut self.facts, self.proxy_status.as_deref());
        self.facts
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
