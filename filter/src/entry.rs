//! The one file that is compiled for Envoy only: the contexts that the SDK enters, and the host behind [`Host`].

#![expect(unsafe_code, reason = "the host's ABI is C; every pointer is passed with its length and nothing outlives a call")]

use std::cell::Cell;
use std::panic;
use std::ptr::null_mut;

use log::{Level, LevelFilter, Log, Metadata, Record};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, BufferType, ContextType, LogLevel, MapType, MetricType};

use crate::abi::{self, CounterId, Status};
use crate::host::{Host, HostFault};
use crate::plugin::{Plugin, Request};

/// Longest path of a property that needs no allocation; all of ours are shorter.
const PATH: usize = 128;

/// Envoy, as the module sees it.
struct Envoy;

thread_local! {
    // WebAssembly has one thread, and Envoy one VM per worker.
    static REFUSALS: Cell<u32> = const { Cell::new(0) };
}

proxy_wasm::main! {{
    let _ = log::set_logger(&Envoy);
    log::set_max_level(LevelFilter::Warn);
    panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or_default();
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        log::error!("meshwhy: panicked at {place}: {message}");
    }));
    proxy_wasm::set_root_context(|_| Box::new(Root(Plugin::default())));
}}

#[cfg(feature = "testing")]
use crate::testing::enter;

/// Runs a callback that requests cause.
#[cfg(not(feature = "testing"))]
fn enter<H, T>(host: &H, _: &str, act: impl FnOnce(&H) -> T) -> T {
    act(host)
}

/// The context of a plugin.
struct Root(Plugin);

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        if let Some(interval_ms) = self.0.configure(&Envoy, &configuration()) {
            let _ = done(unsafe { abi::proxy_set_tick_period_milliseconds(interval_ms) });
        }
        // Anything else would have Envoy refuse the listener.
        true
    }

    fn on_tick(&mut self) {
        self.0.tick(&Envoy);
    }

    fn on_log(&mut self) {
        enter(&Envoy, "log", |host| self.0.log(host));
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream(self.0.request())))
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        self.0.tick(&Envoy);
    }
}

/// The context of a request.
struct Stream(Request);

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        enter(&Envoy, "request", |host| self.0.request_headers(host));
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        enter(&Envoy, "response", |host| self.0.response_headers(host, end_of_stream));
        Action::Continue
    }

    fn on_log(&mut self) {
        enter(&Envoy, "log", |host| self.0.log(host));
    }
}

/// Istio shows `warn` and above by default.
impl Log for Envoy {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        let level = if record.level() == Level::Error { LogLevel::Error } else { LogLevel::Warn };
        let line = record.args().to_string();
        let _ = done(unsafe { abi::proxy_log(level, line.as_ptr(), line.len()) });
    }

    fn flush(&self) {}
}

impl Host for Envoy {
    fn property(&self, path: &[&str]) -> Result<Option<Vec<u8>>, HostFault> {
        let mut joined = [0; PATH];
        let mut length = 0_usize;
        for part in path {
            let end = length.saturating_add(part.len());
            let Some(place) = joined.get_mut(length..end) else { return Ok(None) };
            place.copy_from_slice(part.as_bytes());
            // The separator is the zero that is there already.
            length = end.saturating_add(1);
        }
        let length = length.saturating_sub(1).min(PATH);
        let answer = receive(|data, size| unsafe { abi::proxy_get_property(joined.as_ptr(), length, data, size) })?;
        Ok(answer.filter(|bytes| !bytes.is_empty()))
    }

    fn set_property(&self, key: &str, value: &[u8]) -> Result<(), HostFault> {
        done(unsafe { abi::proxy_set_property(key.as_ptr(), key.len(), value.as_ptr(), value.len()) })
    }

    fn request_header(&self, name: &str) -> Result<Option<Vec<u8>>, HostFault> {
        header(MapType::HttpRequestHeaders, name)
    }

    fn response_header(&self, name: &str) -> Result<Option<Vec<u8>>, HostFault> {
        header(MapType::HttpResponseHeaders, name)
    }

    fn add_response_header(&self, name: &str, value: &[u8]) -> Result<(), HostFault> {
        let map = MapType::HttpResponseHeaders;
        done(unsafe { abi::proxy_add_header_map_value(map, name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
    }

    fn remove_response_header(&self, name: &str) -> Result<(), HostFault> {
        done(unsafe { abi::proxy_remove_header_map_value(MapType::HttpResponseHeaders, name.as_ptr(), name.len()) })
    }

    fn log(&self, level: Level, line: &str) {
        log::log!(level, "{line}");
    }

    fn define_counter(&self, name: &str) -> Result<CounterId, HostFault> {
        let mut id = CounterId(0);
        done(unsafe { abi::proxy_define_metric(MetricType::Counter, name.as_ptr(), name.len(), &raw mut id) })?;
        Ok(id)
    }

    fn add_to_counter(&self, id: CounterId, by: u32) -> Result<(), HostFault> {
        done(unsafe { abi::proxy_increment_metric(id, by.into()) })
    }

    fn take_refusals(&self) -> u32 {
        REFUSALS.take()
    }
}

fn header(map: MapType, name: &str) -> Result<Option<Vec<u8>>, HostFault> {
    receive(|data, length| unsafe { abi::proxy_get_header_map_value(map, name.as_ptr(), name.len(), data, length) })
}

fn configuration() -> Vec<u8> {
    let buffer = BufferType::PluginConfiguration;
    let bytes = receive(|data, length| unsafe { abi::proxy_get_buffer_bytes(buffer, 0, usize::MAX, data, length) });
    bytes.ok().flatten().unwrap_or_default()
}

fn done(status: Status) -> Result<(), HostFault> {
    if status == Status::OK { Ok(()) } else { Err(fault(status)) }
}

fn fault(status: Status) -> HostFault {
    let fault = HostFault::of(status);
    if fault == HostFault::Refused {
        REFUSALS.set(REFUSALS.get().saturating_add(1));
    }
    fault
}

/// Takes over a buffer that the host allocated in our memory, all of which it has written.
fn receive(call: impl FnOnce(*mut *mut u8, *mut usize) -> Status) -> Result<Option<Vec<u8>>, HostFault> {
    let (mut data, mut length) = (null_mut(), 0);
    match call(&raw mut data, &raw mut length) {
        Status::OK if data.is_null() => Ok(Some(Vec::new())),
        Status::OK => Ok(Some(unsafe { Vec::from_raw_parts(data, length, length) })),
        Status::NOT_FOUND => Ok(None),
        status => Err(fault(status)),
    }
}
