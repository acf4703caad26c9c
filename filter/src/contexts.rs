//! The contexts of one VM: which plugin a callback is for, and what each request remembers.
//!
//! Envoy numbers contexts per VM; one VM may hold several plugins (root contexts), each with a configuration of its own. No callback says
//! when a request's context begins, which would be one more entry into the VM for each request.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::abi::LogLevel;
use crate::config;
use crate::host::Host;
use crate::observer::Observer;
use crate::request::RequestState;

/// All contexts of one VM.
#[derive(Debug, Default)]
pub struct Contexts {
    roots: Vec<Root>,
    /// Requests of which there is something to remember.
    requests: HashMap<u32, RequestState, BuildHasherDefault<IdHasher>>,
}

/// `observer` is `None` while the configuration cannot be used: the plugin is then inert.
#[derive(Debug)]
struct Root {
    id: u32,
    name: Option<Vec<u8>>,
    observer: Option<Observer>,
}

/// Ids that Envoy counts up need no mixing beyond spreading them over the table.
#[derive(Debug, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32((*byte).into()));
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Contexts {
    /// A plugin's configuration came. What is wrong with it is logged; gives the milliseconds between two ticks if it can be used.
    pub fn configure(&mut self, host: &impl Host, id: u32, bytes: &[u8]) -> Option<u64> {
        let parsed = config::parse(bytes);
        if !parsed.problems.is_empty() {
            let outcome = if parsed.config.is_some() { "" } else { "; the module is inert" };
            let _ = host.log(LogLevel::Error, &format!("meshwhy: configuration: {}{outcome}", parsed.problems.join("; ")));
        }
        let interval_ms = parsed.config.as_ref().map(|config| config.interval_ms);
        self.roots.retain(|root| root.id != id);
        self.roots.push(Root { id, name: plugin(host), observer: parsed.config.map(|config| Observer::started(host, config)) });
        interval_ms
    }

    /// An interval is over.
    pub fn tick(&mut self, host: &impl Host, id: u32) {
        let root = self.roots.iter_mut().find(|root| root.id == id);
        if let Some(observer) = root.and_then(|root| root.observer.as_mut()) {
            observer.on_tick(host);
        }
    }

    /// A request's headers are there.
    pub fn request_headers(&mut self, host: &impl Host, id: u32) {
        if let Some(observer) = self.observer_of_request(host) {
            let request = observer.on_request(host);
            self.remember(id, request);
        }
    }

    /// A response's headers are about to be sent, and perhaps nothing after them.
    pub fn response_headers(&mut self, host: &impl Host, id: u32, end_of_stream: bool) {
        let mut request = self.requests.remove(&id).unwrap_or_default();
        if let Some(observer) = self.observer_of_request(host) {
            observer.on_response(host, &mut request, end_of_stream);
            self.remember(id, request);
        }
    }

    /// A request is over, or, for a plugin, something that an access logger gets.
    pub fn log(&mut self, host: &impl Host, id: u32) {
        let request = self.requests.remove(&id).unwrap_or_default();
        let observer = match self.roots.iter().position(|root| root.id == id) {
            Some(at) => self.roots.get_mut(at).and_then(|root| root.observer.as_mut()),
            None => self.observer_of_request(host),
        };
        if let Some(observer) = observer {
            observer.on_log(host, &request);
            observer.note_refusals(host);
        }
    }

    /// A context is gone; a plugin flushes first what it held back.
    pub fn delete(&mut self, host: &impl Host, id: u32) {
        if self.requests.remove(&id).is_some() {
            return;
        }
        if let Some(at) = self.roots.iter().position(|root| root.id == id)
            && let Some(mut observer) = self.roots.remove(at).observer
        {
            observer.on_tick(host);
        }
    }

    fn remember(&mut self, id: u32, request: RequestState) {
        if !request.is_empty() {
            self.requests.insert(id, request);
        }
    }

    /// The plugin that the request of the callback belongs to: there is but one, or it has this name. Of one whose configuration was
    /// replaced, the new one: the old one stays for as long as a request that began under it.
    fn observer_of_request(&mut self, host: &impl Host) -> Option<&mut Observer> {
        let root = match self.roots.as_mut_slice() {
            [] => return None,
            [only] => only,
            roots => {
                let name = plugin(host);
                roots.iter_mut().rfind(|root| root.name == name)?
            }
        };
        root.observer.as_mut()
    }
}

fn plugin(host: &impl Host) -> Option<Vec<u8>> {
    host.property(&["plugin_name"]).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;

    fn failing() -> FakeHost {
        FakeHost::default()
            .number("response.code", 404)
            .number("response.flags", 256)
            .property("response.code_details", b"route_not_found")
    }

    fn configured(bytes: &[u8]) -> Contexts {
        let mut contexts = Contexts::default();
        contexts.configure(&FakeHost::default(), 1, bytes);
        contexts
    }

    #[test]
    fn a_request_of_the_http_filter_is_annotated_and_recorded_once() {
        let (host, mut contexts) = (failing(), configured(br#"{"visibility": "always"}"#));
        contexts.request_headers(&host, 2);
        contexts.response_headers(&host, 2, false);
        contexts.log(&host, 2);
        contexts.delete(&host, 2);
        assert_eq!((host.response_headers.borrow().len(), host.records().len(), contexts.requests.len()), (1, 1, 0));
    }

    #[test]
    fn an_access_logger_has_no_request() {
        let (host, mut contexts) = (failing(), configured(b""));
        contexts.log(&host, 1);
        assert_eq!(host.records().len(), 1);
    }

    #[test]
    fn two_plugins_of_one_vm_have_their_own_configurations() {
        let mut contexts = Contexts::default();
        for (id, name, configuration) in [(1, "open", br#"{"visibility": "always"}"#.as_slice()), (2, "closed", b"")] {
            contexts.configure(&FakeHost::default().property("plugin_name", name.as_bytes()), id, configuration);
        }
        for (id, name, marks) in [(3, "open", 1), (4, "closed", 0), (5, "another", 0)] {
            let host = failing().property("plugin_name", name.as_bytes());
            contexts.response_headers(&host, id, false);
            assert_eq!(host.response_headers.borrow().len(), marks, "{name}");
        }
    }

    #[test]
    fn a_configuration_that_was_replaced_is_used_no_more() {
        let (host, mut contexts) = (failing().property("plugin_name", b"meshwhy"), Contexts::default());
        contexts.configure(&host, 1, br#"{"visibility": "always"}"#);
        contexts.configure(&host, 2, b"");
        contexts.response_headers(&host, 3, false);
        assert_eq!(host.response_headers.borrow().len(), 0);
    }

    #[test]
    fn a_configuration_that_cannot_be_used_makes_the_plugin_inert_and_says_so() {
        let (host, mut contexts) = (failing(), Contexts::default());
        assert_eq!(contexts.configure(&host, 2, b"{"), None);
        assert!(host.lines.borrow().iter().all(|(_, line)| line.ends_with("; the module is inert")));
        contexts.log(&host, 2);
        assert_eq!(host.records().len(), 0);
    }

    #[test]
    fn callbacks_for_contexts_that_are_not_there_do_nothing() {
        let (host, mut contexts) = (failing(), Contexts::default());
        contexts.request_headers(&host, 7);
        contexts.response_headers(&host, 8, false);
        contexts.log(&host, 9);
        contexts.tick(&host, 9);
        contexts.delete(&host, 9);
        assert_eq!(host.calls.get(), 0);
    }

    #[test]
    fn a_plugin_that_ends_flushes_what_it_held_back() {
        let (host, mut contexts) = (failing(), configured(br#"{"records_per_interval": 1}"#));
        for _ in 0..3 {
            contexts.log(&host, 1);
        }
        assert_eq!(host.records().len(), 1);
        contexts.delete(&host, 1);
        assert_eq!(host.records().len(), 2);
        assert!(host.records()[1].contains(r#""count":2"#), "{:?}", host.records());
    }

    #[test]
    fn what_the_host_refuses_is_counted_and_logged_once() {
        let host = failing().property("xds.node.id", b"router~10.0.0.1~edge-1.shop~").refusing_removal();
        let host = host.response_header("proxy-status", br#""pay-0.shop"; mw-cause=MW2002; mw-side=inbound"#);
        let mut contexts = Contexts::default();
        contexts.configure(&host, 1, b"");
        for id in 2..5 {
            contexts.response_headers(&host, id, false);
            contexts.log(&host, id);
        }
        contexts.tick(&host, 1);
        assert!(host.counters.borrow().contains(&("meshwhy_host_refusals_total".to_owned(), 3)), "{:?}", host.counters);
        let logged = host.lines.borrow().iter().filter(|(level, _)| *level == LogLevel::Error).count();
        assert_eq!(logged, 1, "{:?}", host.lines);
    }

    #[test]
    fn a_host_that_refuses_everything_from_the_start_is_logged_once() {
        let (host, mut contexts) = (FakeHost::refusing_all(), Contexts::default());
        contexts.configure(&host, 1, b"");
        assert_eq!(host.lines.borrow().len(), 1);
        contexts.log(&host, 1);
        contexts.tick(&host, 1);
        assert_eq!(host.lines.borrow().len(), 1);
    }

    #[test]
    fn deleted_contexts_leave_nothing_behind() {
        let (host, mut contexts) = (failing(), configured(b""));
        for id in 2..100_000 {
            contexts.request_headers(&host, id);
            contexts.response_headers(&host, id, false);
            contexts.delete(&host, id);
        }
        assert!(contexts.requests.capacity() < 16, "{}", contexts.requests.capacity());
    }
}
