//! The contexts of one VM: which plugin a callback is for, and what each request remembers.
//!
//! Envoy numbers contexts per VM; one VM may hold several plugins (root contexts), each with a configuration of its own.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::annotate::Request;
use crate::config;
use crate::host::{Host, LogLevel};
use crate::observer::Observer;

/// All contexts of one VM.
#[derive(Debug, Default)]
pub struct Contexts {
    roots: Vec<Root>,
    streams: HashMap<u32, Stream, BuildHasherDefault<Numbered>>,
}

/// `observer` is `None` while the configuration cannot be used: the plugin is then inert.
#[derive(Debug)]
struct Root {
    id: u32,
    observer: Option<Observer>,
}

#[derive(Debug)]
struct Stream {
    root: u32,
    request: Request,
}

/// Numbers that Envoy counts up need no mixing beyond spreading them over the table.
#[derive(Debug, Default)]
struct Numbered(u64);

impl Hasher for Numbered {
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
    /// A context begins: a plugin's when it has no parent, else a request's.
    pub fn create(&mut self, id: u32, parent: u32) {
        if parent == 0 {
            self.roots.push(Root { id, observer: None });
        } else {
            self.streams.insert(id, Stream { root: parent, request: Request::default() });
        }
    }

    /// A plugin's configuration came. What is wrong with it is logged; gives the milliseconds between two ticks if it can be used.
    pub fn configure(&mut self, host: &impl Host, id: u32, bytes: &[u8]) -> Option<u64> {
        let parsed = config::parse(bytes);
        if !parsed.problems.is_empty() {
            let outcome = if parsed.config.is_some() { "" } else { "; the module is inert" };
            let _ = host.log(LogLevel::Error, &format!("meshwhy: configuration: {}{outcome}", parsed.problems.join("; ")));
        }
        let root = self.roots.iter_mut().find(|root| root.id == id)?;
        let config = parsed.config?;
        let interval_ms = config.interval_ms;
        root.observer = Some(Observer::new(config));
        Some(interval_ms)
    }

    /// An interval is over.
    pub fn tick(&mut self, host: &impl Host, id: u32) {
        if let Some(observer) = observer(&mut self.roots, id) {
            observer.on_tick(host);
        }
    }

    /// A request's headers are there.
    pub fn request_headers(&mut self, host: &impl Host, id: u32) {
        if let Some(stream) = self.streams.get_mut(&id)
            && let Some(observer) = observer(&mut self.roots, stream.root)
        {
            stream.request = observer.on_request(host);
        }
    }

    /// A response's headers are about to be sent.
    pub fn response_headers(&mut self, host: &impl Host, id: u32) {
        if let Some(stream) = self.streams.get_mut(&id)
            && let Some(observer) = observer(&mut self.roots, stream.root)
        {
            observer.on_response(host, &mut stream.request);
        }
    }

    /// A request is over, or, for a plugin, something that an access logger is told.
    pub fn log(&mut self, host: &impl Host, id: u32) {
        let (root, request) = match self.streams.get_mut(&id) {
            Some(stream) => (stream.root, std::mem::take(&mut stream.request)),
            None => (id, Request::default()),
        };
        if let Some(observer) = observer(&mut self.roots, root) {
            observer.on_log(host, &request);
        }
    }

    /// A context is gone; a plugin tells first what it held back.
    pub fn delete(&mut self, host: &impl Host, id: u32) {
        if self.streams.remove(&id).is_some() {
            return;
        }
        if let Some(observer) = observer(&mut self.roots, id) {
            observer.on_end(host);
        }
        self.roots.retain(|root| root.id != id);
    }
}

fn observer(roots: &mut [Root], id: u32) -> Option<&mut Observer> {
    roots.iter_mut().find(|root| root.id == id)?.observer.as_mut()
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
        contexts.create(1, 0);
        contexts.configure(&FakeHost::default(), 1, bytes);
        contexts
    }

    #[test]
    fn a_request_of_the_http_filter_is_annotated_and_recorded_once() {
        let (host, mut contexts) = (failing(), configured(br#"{"visibility": "always"}"#));
        contexts.create(2, 1);
        contexts.request_headers(&host, 2);
        contexts.response_headers(&host, 2);
        contexts.log(&host, 2);
        contexts.delete(&host, 2);
        assert_eq!((host.response_headers.borrow().len(), host.records().len(), contexts.streams.len()), (1, 1, 0));
    }

    #[test]
    fn an_access_logger_has_no_request() {
        let (host, mut contexts) = (failing(), configured(b""));
        contexts.log(&host, 1);
        assert_eq!(host.records().len(), 1);
    }

    #[test]
    fn two_plugins_of_one_vm_have_their_own_configurations() {
        let (host, mut contexts) = (failing(), configured(br#"{"visibility": "always"}"#));
        contexts.create(2, 0);
        contexts.configure(&host, 2, br#"{"visibility": "mesh"}"#);
        for (stream, root) in [(3, 1), (4, 2)] {
            contexts.create(stream, root);
            contexts.response_headers(&host, stream);
        }
        assert_eq!(host.response_headers.borrow().len(), 1);
    }

    #[test]
    fn a_configuration_that_cannot_be_used_makes_the_plugin_inert_and_says_so() {
        let (host, mut contexts) = (failing(), configured(b""));
        contexts.create(2, 0);
        assert_eq!(contexts.configure(&host, 2, b"{"), None);
        assert!(host.lines.borrow().iter().all(|(_, line)| line.ends_with("; the module is inert")));
        contexts.log(&host, 2);
        assert_eq!(host.records().len(), 0);
    }

    #[test]
    fn callbacks_for_contexts_that_are_not_there_do_nothing() {
        let (host, mut contexts) = (failing(), Contexts::default());
        contexts.create(7, 6);
        contexts.request_headers(&host, 7);
        contexts.response_headers(&host, 8);
        contexts.log(&host, 9);
        contexts.tick(&host, 9);
        contexts.delete(&host, 9);
        assert_eq!(host.calls.get(), 0);
    }

    #[test]
    fn a_plugin_that_ends_tells_what_it_held_back() {
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
    fn deleted_contexts_leave_nothing_behind() {
        let (host, mut contexts) = (failing(), configured(b""));
        for id in 2..100_000 {
            contexts.create(id, 1);
            contexts.request_headers(&host, id);
            contexts.delete(&host, id);
        }
        assert!(contexts.streams.capacity() < 16, "{}", contexts.streams.capacity());
    }
}
