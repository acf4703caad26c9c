//! The contexts of the module: a plugin, which is a root context, and its requests.
//!
//! One VM may hold several plugins, each with a configuration of its own. A request keeps the plugin that it began under, also when
//! that is replaced or gone before the request is over.

use std::cell::RefCell;
use std::rc::Rc;

use log::Level;

use crate::config;
use crate::host::Host;
use crate::observer::Observer;
use crate::request::RequestState;

/// A plugin; inert without a configuration that can be used. Clones are the same plugin.
#[derive(Debug, Clone, Default)]
pub struct Plugin(Rc<RefCell<Option<Observer>>>);

/// A request that the HTTP filter sees.
#[derive(Debug)]
pub struct Request {
    plugin: Plugin,
    state: RequestState,
}

impl Plugin {
    /// Its configuration came. What is wrong with it is logged; gives the milliseconds between two ticks if it can be used.
    pub fn configure(&self, host: &impl Host, bytes: &[u8]) -> Option<u32> {
        let parsed = config::parse(bytes);
        if !parsed.problems.is_empty() {
            let outcome = if parsed.config.is_some() { "" } else { "; the module is inert" };
            host.log(Level::Error, &format!("meshwhy: configuration: {}{outcome}", parsed.problems.join("; ")));
        }
        let interval_ms = parsed.config.as_ref().map(|config| config.interval_ms);
        let observer = parsed.config.map(|config| Observer::started(host, config));
        if let Ok(mut current) = self.0.try_borrow_mut() {
            *current = observer;
        }
        interval_ms
    }

    /// An interval is over, or the plugin is, and what it held back is written.
    pub fn tick(&self, host: &impl Host) {
        self.with(|observer| observer.on_tick(host));
    }

    /// An access logger gets something.
    pub fn log(&self, host: &impl Host) {
        self.log_request(host, &RequestState::default());
    }

    /// A request begins.
    #[must_use]
    pub fn request(&self) -> Request {
        Request { plugin: self.clone(), state: RequestState::default() }
    }

    fn log_request(&self, host: &impl Host, request: &RequestState) {
        self.with(|observer| {
            observer.on_log(host, request);
            observer.note_refusals(host);
        });
    }

    /// Does nothing should a host ever call back from within a call.
    fn with(&self, act: impl FnOnce(&mut Observer)) {
        if let Ok(mut observer) = self.0.try_borrow_mut() {
            observer.as_mut().map(act);
        }
    }
}

impl Request {
    /// Its headers are there.
    pub fn request_headers(&mut self, host: &impl Host) {
        let Self { plugin, state } = self;
        plugin.with(|observer| *state = observer.on_request(host));
    }

    /// The response's headers are about to be sent, and perhaps nothing after them.
    pub fn response_headers(&mut self, host: &impl Host, end_of_stream: bool) {
        let Self { plugin, state } = self;
        plugin.with(|observer| observer.on_response(host, state, end_of_stream));
    }

    /// It is over.
    pub fn log(&self, host: &impl Host) {
        self.plugin.log_request(host, &self.state);
    }
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

    fn configured(bytes: &[u8]) -> Plugin {
        let plugin = Plugin::default();
        plugin.configure(&FakeHost::default(), bytes);
        plugin
    }

    #[test]
    fn a_request_of_the_http_filter_is_annotated_and_recorded_once() {
        let (host, plugin) = (failing(), configured(br#"{"visibility": "always"}"#));
        let mut request = plugin.request();
        request.request_headers(&host);
        request.response_headers(&host, false);
        request.log(&host);
        assert_eq!((host.response_headers.borrow().len(), host.records().len()), (1, 1));
    }

    #[test]
    fn an_access_logger_has_no_request() {
        let (host, plugin) = (failing(), configured(b""));
        plugin.log(&host);
        assert_eq!(host.records().len(), 1);
    }

    #[test]
    fn two_plugins_of_one_vm_have_their_own_configurations() {
        let plugins = [(configured(br#"{"visibility": "always"}"#), 1), (configured(b""), 0), (Plugin::default(), 0)];
        for (plugin, marks) in plugins {
            let host = failing();
            plugin.request().response_headers(&host, false);
            assert_eq!(host.response_headers.borrow().len(), marks);
        }
    }

    #[test]
    fn a_request_keeps_the_plugin_that_it_began_under() {
        let (host, plugin) = (failing(), configured(br#"{"visibility": "always"}"#));
        let mut request = plugin.request();
        drop(plugin);
        request.response_headers(&host, false);
        assert_eq!(host.response_headers.borrow().len(), 1);
    }

    #[test]
    fn a_configuration_that_cannot_be_used_makes_the_plugin_inert_and_says_so() {
        let (host, plugin) = (failing(), configured(b""));
        assert_eq!(plugin.configure(&host, b"{"), None);
        assert!(host.lines.borrow().iter().all(|(_, line)| line.ends_with("; the module is inert")));
        plugin.log(&host);
        plugin.tick(&host);
        assert_eq!(host.records().len(), 0);
    }

    #[test]
    fn what_was_held_back_is_written_when_the_interval_is_over() {
        let (host, plugin) = (failing(), configured(br#"{"records_per_interval": 1}"#));
        for _ in 0..3 {
            plugin.log(&host);
        }
        assert_eq!(host.records().len(), 1);
        plugin.tick(&host);
        assert_eq!(host.records().len(), 2);
        assert!(host.records()[1].contains(r#""count":2"#), "{:?}", host.records());
    }

    #[test]
    fn what_the_host_refuses_is_counted_and_logged_once() {
        let host = failing().property("xds.node.id", b"router~10.0.0.1~edge-1.shop~").refusing_removal();
        let host = host.response_header("proxy-status", br#""pay-0.shop"; mw-cause=MW2002; mw-side=inbound"#);
        let plugin = Plugin::default();
        plugin.configure(&host, b"");
        for _ in 2..5 {
            let mut request = plugin.request();
            request.response_headers(&host, false);
            request.log(&host);
        }
        plugin.tick(&host);
        assert!(host.counters.borrow().contains(&("meshwhy_host_refusals_total".to_owned(), 3)), "{:?}", host.counters);
        let logged = host.lines.borrow().iter().filter(|(level, _)| *level == Level::Error).count();
        assert_eq!(logged, 1, "{:?}", host.lines);
    }

    #[test]
    fn a_host_that_refuses_everything_from_the_start_is_logged_once() {
        let (host, plugin) = (FakeHost::refusing_all(), Plugin::default());
        plugin.configure(&host, b"");
        assert_eq!(host.lines.borrow().len(), 1);
        plugin.log(&host);
        plugin.tick(&host);
        assert_eq!(host.lines.borrow().len(), 1);
    }
}
