//! What tests under a real Envoy need of the module and no release has (feature `testing`): it traps on demand, so that they can show
//! what a trap costs, and counts its host calls, so that they can hold it to its budget.

use std::cell::Cell;

use log::Level;

use crate::abi::CounterId;
use crate::host::{Host, HostFault};

/// A request header, or a header of the upstream's response; its value names the callback that traps: `request`, `response` or `log`.
const TRAP: &str = "x-meshwhy-trap";

/// A host that counts the calls of one callback.
pub(crate) struct Counting<'h, H> {
    host: &'h H,
    calls: Cell<u32>,
}

/// Runs a callback: panics, which is a trap, if the request asks for it, and else counts how often it called the host, in a counter
/// `meshwhy_testing.CALLBACK.CALLS`.
#[expect(clippy::panic, reason = "what a panic leaves in Envoy's log is tested, too")]
pub(crate) fn enter<H: Host, T>(host: &H, callback: &str, act: impl FnOnce(&Counting<'_, H>) -> T) -> T {
    for map in ["request", "response"] {
        let wish = host.property(&[map, "headers", TRAP]).ok().flatten();
        if wish.as_deref() == Some(callback.as_bytes()) {
            panic!("{TRAP} asks for it");
        }
    }
    let counting = Counting { host, calls: Cell::new(0) };
    let answer = act(&counting);
    let counter = host.define_counter(&format!("meshwhy_testing.{callback}.{}", counting.calls.get()));
    let _ = counter.and_then(|counter| host.add_to_counter(counter, 1));
    answer
}

impl<H> Counting<'_, H> {
    fn call(&self) -> &H {
        self.calls.set(self.calls.get().saturating_add(1));
        self.host
    }
}

impl<H: Host> Host for Counting<'_, H> {
    fn property(&self, path: &[&str]) -> Result<Option<Vec<u8>>, HostFault> {
        self.call().property(path)
    }

    fn set_property(&self, key: &str, value: &[u8]) -> Result<(), HostFault> {
        self.call().set_property(key, value)
    }

    fn request_header(&self, name: &str) -> Result<Option<Vec<u8>>, HostFault> {
        self.call().request_header(name)
    }

    fn response_header(&self, name: &str) -> Result<Option<Vec<u8>>, HostFault> {
        self.call().response_header(name)
    }

    fn add_response_header(&self, name: &str, value: &[u8]) -> Result<(), HostFault> {
        self.call().add_response_header(name, value)
    }

    fn remove_response_header(&self, name: &str) -> Result<(), HostFault> {
        self.call().remove_response_header(name)
    }

    fn log(&self, level: Level, line: &str) {
        self.call().log(level, line);
    }

    fn define_counter(&self, name: &str) -> Result<CounterId, HostFault> {
        self.call().define_counter(name)
    }

    fn add_to_counter(&self, id: CounterId, by: u32) -> Result<(), HostFault> {
        self.call().add_to_counter(id, by)
    }

    fn take_refusals(&self) -> u32 {
        self.host.take_refusals()
    }
}
