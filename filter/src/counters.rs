//! Counters with closed label sets, named as Istio's tag extraction wants: `label=.=value;.` before the metric's name.
//!
//! Source: Istio `pkg/bootstrap/config.go` (`extraStatTags`), 1.29.

use meshwhy_core::{Cause, Side};

use crate::host::Host;

/// Defined counters; each is defined once and kept, since Envoy never frees one.
#[derive(Debug, Default)]
pub struct Counters {
    defined: Vec<(Counter, u32)>,
}

/// One name: what is counted, with its labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counter {
    LocalReplies { cause: &'static str, side: Option<Side>, class: &'static str },
    TraceContext { side: Option<Side>, present: bool },
    Suppressed,
}

impl Counters {
    /// Counts one failure: cause × side × status class, at most a few hundred names.
    ///
    /// # Cost
    /// One host call, two for the first of its kind.
    pub fn local_reply(&mut self, host: &impl Host, cause: &'static Cause, side: Option<Side>, status: Option<u16>) {
        let class = match status.unwrap_or(0) / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            5 => "5xx",
            _ => "none",
        };
        self.add(host, Counter::LocalReplies { cause: cause.slug, side, class }, 1);
    }

    /// Counts one check for trace context.
    pub fn trace_context(&mut self, host: &impl Host, side: Option<Side>, present: bool) {
        self.add(host, Counter::TraceContext { side, present }, 1);
    }

    /// Counts occurrences that flood control gave no record.
    pub fn suppressed(&mut self, host: &impl Host, count: u32) {
        self.add(host, Counter::Suppressed, count);
    }

    fn add(&mut self, host: &impl Host, counter: Counter, by: u32) {
        let id = match self.defined.iter().find(|(one, _)| *one == counter) {
            Some((_, id)) => *id,
            None => {
                let Ok(id) = host.define_counter(&counter.name()) else { return };
                self.defined.push((counter, id));
                id
            }
        };
        // A counter that the host refuses must not cost the record that goes with it.
        let _ = host.add_to_counter(id, by);
    }
}

impl Counter {
    fn name(self) -> String {
        let word = |side: Option<Side>| side.map_or("unknown", Side::as_str);
        match self {
            Self::LocalReplies { cause, side, class } => {
                format!("cause=.={cause};.side=.={};.code_class=.={class};.meshwhy_local_replies_total", word(side))
            }
            Self::TraceContext { side, present } => {
                let present = if present { "present" } else { "absent" };
                format!("side=.={};.trace_context=.={present};.meshwhy_trace_context_total", word(side))
            }
            Self::Suppressed => "meshwhy_records_suppressed_total".to_owned(),
        }
    }
}
