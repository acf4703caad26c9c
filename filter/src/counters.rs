//! Counters with closed label sets, named as Istio's tag extraction wants: `label=.=value;.` before the metric's name.
//!
//! Source: Istio `pkg/bootstrap/config.go` (`extraStatTags`), 1.29.

use std::collections::BTreeMap;

use meshwhy_core::{Cause, Side};

use crate::host::Host;

/// Defined counters by name; a name is defined once and kept, since Envoy never frees one.
#[derive(Debug, Default)]
pub struct Counters {
    ids: BTreeMap<String, u32>,
}

impl Counters {
    /// Counts one failure: cause × side × status class, at most a few hundred names.
    pub fn local_reply(&mut self, host: &impl Host, cause: &Cause, side: Option<Side>, status: Option<u16>) {
        let class = match status.unwrap_or(0) / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            5 => "5xx",
            _ => "none",
        };
        self.add(
            host,
            format!("cause=.={};.side=.={};.code_class=.={class};.meshwhy_local_replies_total", cause.slug, word(side)),
            1,
        );
    }

    /// Counts one check for trace context.
    pub fn trace_context(&mut self, host: &impl Host, side: Option<Side>, present: bool) {
        let present = if present { "present" } else { "absent" };
        self.add(host, format!("side=.={};.trace_context=.={present};.meshwhy_trace_context_total", word(side)), 1);
    }

    /// Counts an occurrence that flood control gave no record.
    pub fn suppressed(&mut self, host: &impl Host) {
        self.add(host, "meshwhy_records_suppressed_total".to_owned(), 1);
    }

    fn add(&mut self, host: &impl Host, name: String, by: u32) {
        let id = match self.ids.get(&name) {
            Some(id) => *id,
            None => {
                let Ok(id) = host.define_counter(&name) else { return };
                self.ids.insert(name, id);
                id
            }
        };
        // A counter that the host refuses must not cost the record that goes with it.
        let _ = host.add_to_counter(id, by);
    }
}

fn word(side: Option<Side>) -> &'static str {
    side.map_or("unknown", Side::as_str)
}
