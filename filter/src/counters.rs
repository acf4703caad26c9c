//! Counters with closed label sets. A module cannot give labels to Envoy, so they stand in the name, in the four places that every Istio
//! proxy reads labels from: `tag.…;.`, `component.….`, `wasm_filter.….`, `cache.….`. Prometheus drops whatever it cannot read as a name.
//!
//! `deploy/prometheus` calls them `cause`, `side`, `code_class` and `trace_context`; [decision 24](../../docs/decisions/0024-counters-carry-labels-of-istios-bootstrap.md) says why.
//!
//! Source: `stats_tags` in Istio's `tools/packaging/common/envoy_bootstrap.json`, 1.6 to 1.32.

use meshwhy_core::{Cause, Side};

use crate::abi::CounterId;
use crate::host::Host;

/// What is counted. A number waits here until it is flushed, since a proxy that fails does so thousands of times a second.
#[derive(Debug, Default)]
pub struct Counters {
    numbers: Vec<Number>,
}

/// `id` is the host's, which never frees a counter: it is defined once and kept.
#[derive(Debug)]
struct Number {
    counter: Counter,
    id: Option<CounterId>,
    pending: u32,
}

/// One name: what is counted, with its labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counter {
    LocalReplies { cause: &'static str, side: Option<Side>, class: &'static str },
    TraceContext { side: Option<Side>, present: bool },
    Suppressed,
    HostRefusals,
}

impl Counters {
    /// Adds what waits to the host's counters.
    ///
    /// # Cost
    /// One host call for each counter that moved since, two for one that never did before.
    pub fn flush(&mut self, host: &impl Host) {
        for number in self.numbers.iter_mut().filter(|number| number.pending > 0) {
            number.id = number.id.or_else(|| host.define_counter(&number.counter.name()).ok());
            // A counter that the host refuses must not cost the record that goes with it.
            if let Some(id) = number.id {
                let _ = host.add_to_counter(id, std::mem::take(&mut number.pending));
            }
        }
    }

    pub(crate) fn count(&mut self, counter: Counter, by: u32) {
        if let Some(number) = self.numbers.iter_mut().find(|number| number.counter == counter) {
            number.pending = number.pending.saturating_add(by);
        } else {
            self.numbers.push(Number { counter, id: None, pending: by });
        }
    }
}

impl Counter {
    /// One failure: cause × side × status class, at most a few hundred names.
    pub(crate) fn local_reply(cause: &'static Cause, side: Option<Side>, status: Option<u16>) -> Self {
        let class = match status.unwrap_or(0) / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            5 => "5xx",
            _ => "none",
        };
        Self::LocalReplies { cause: cause.slug, side, class }
    }

    fn name(self) -> String {
        let word = |side: Option<Side>| side.map_or("unknown", Side::as_str);
        match self {
            Self::LocalReplies { cause, side, class } => {
                format!("tag.{cause};.component.{}.wasm_filter.{class}.meshwhy_local_replies_total", word(side))
            }
            Self::TraceContext { side, present } => {
                let present = if present { "present" } else { "absent" };
                format!("component.{}.cache.{present}.meshwhy_trace_context_total", word(side))
            }
            Self::Suppressed => "meshwhy_records_suppressed_total".to_owned(),
            Self::HostRefusals => "meshwhy_host_refusals_total".to_owned(),
        }
    }
}
