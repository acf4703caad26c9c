//! The one file that speaks to the host.
//!
//! Host functions are declared here and not taken from the SDK: its wrappers panic on any status they do not expect (a
//! capability that is not allowed, a phase that is over), and a panic kills the VM. The SDK dispatches callbacks.

#![expect(unsafe_code, reason = "the host's ABI is C; every pointer is passed with its length and nothing outlives a call")]

use std::cell::RefCell;
use std::ptr::null_mut;
use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

use crate::annotate::Request;
use crate::config;
use crate::host::{Fault, Host, LogLevel};
use crate::observer::Observer;

mod abi {
    //! Source: proxy-wasm ABI 0.2.1.
    #[link(wasm_import_module = "env")]
    unsafe extern "C" {
        pub fn proxy_log(level: u32, data: *const u8, size: usize) -> i32;
        pub fn proxy_get_current_time_nanoseconds(time: *mut u64) -> i32;
        pub fn proxy_set_tick_period_milliseconds(period: u32) -> i32;
        pub fn proxy_get_buffer_bytes(kind: u32, start: usize, size: usize, data: *mut *mut u8, length: *mut usize) -> i32;
        pub fn proxy_get_property(path: *const u8, size: usize, data: *mut *mut u8, length: *mut usize) -> i32;
        pub fn proxy_get_header_map_value(map: u32, key: *const u8, size: usize, data: *mut *mut u8, length: *mut usize) -> i32;
        pub fn proxy_add_header_map_value(map: u32, key: *const u8, key_size: usize, value: *const u8, value_size: usize) -> i32;
        pub fn proxy_define_metric(kind: u32, name: *const u8, size: usize, id: *mut u32) -> i32;
        pub fn proxy_increment_metric(id: u32, by: i64) -> i32;
    }
}

const OK: i32 = 0;
const NOT_FOUND: i32 = 1;
const REQUEST_HEADERS: u32 = 0;
const RESPONSE_HEADERS: u32 = 2;
const PLUGIN_CONFIGURATION: u32 = 7;
const COUNTER: u32 = 0;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root { observer: None }));
}}

/// Envoy, as the module sees it.
struct Envoy;

/// `None` while the configuration cannot be used: the module is then inert.
struct Root {
    observer: Option<Rc<RefCell<Observer>>>,
}

struct Stream {
    observer: Option<Rc<RefCell<Observer>>>,
    request: Request,
}

impl Host for Envoy {
    fn property(&self, path: &[&str]) -> Result<Option<Vec<u8>>, Fault> {
        let mut joined = Vec::with_capacity(64);
        for (at, part) in path.iter().enumerate() {
            if at > 0 {
                joined.push(0);
            }
            joined.extend_from_slice(part.as_bytes());
        }
        let answer = receive(|data, length| unsafe { abi::proxy_get_property(joined.as_ptr(), joined.len(), data, length) })?;
        Ok(answer.filter(|bytes| !bytes.is_empty()))
    }

    fn request_header(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        receive(|data, length| unsafe {
            abi::proxy_get_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len(), data, length)
        })
    }

    fn add_response_header(&self, name: &str, value: &str) -> Result<(), Fault> {
        done(unsafe { abi::proxy_add_header_map_value(RESPONSE_HEADERS, name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
    }

    fn log(&self, level: LogLevel, line: &str) -> Result<(), Fault> {
        let level = match level {
            LogLevel::Info => 2,
            LogLevel::Warn => 3,
            LogLevel::Error => 4,
        };
        done(unsafe { abi::proxy_log(level, line.as_ptr(), line.len()) })
    }

    fn now_ms(&self) -> Result<u64, Fault> {
        let mut time = 0;
        done(unsafe { abi::proxy_get_current_time_nanoseconds(&raw mut time) })?;
        Ok(time / 1_000_000)
    }

    fn define_counter(&self, name: &str) -> Result<u32, Fault> {
        let mut id = 0;
        done(unsafe { abi::proxy_define_metric(COUNTER, name.as_ptr(), name.len(), &raw mut id) })?;
        Ok(id)
    }

    fn add_to_counter(&self, id: u32, by: u32) -> Result<(), Fault> {
        done(unsafe { abi::proxy_increment_metric(id, by.into()) })
    }
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let bytes =
            receive(|data, length| unsafe { abi::proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, 0, usize::MAX, data, length) });
        let parsed = config::parse(&bytes.ok().flatten().unwrap_or_default());
        if !parsed.problems.is_empty() {
            let outcome = if parsed.config.is_some() { "" } else { "; the module is inert" };
            let line = format!("meshwhy: configuration: {}{outcome}", parsed.problems.join("; "));
            let _ = Envoy.log(LogLevel::Error, &line);
        }
        if let Some(config) = parsed.config {
            let period = u32::try_from(config.interval_ms).unwrap_or(u32::MAX);
            let _ = done(unsafe { abi::proxy_set_tick_period_milliseconds(period) });
            self.observer = Some(Rc::new(RefCell::new(Observer::new(config))));
        }
        // Anything else would have Envoy refuse the listener.
        true
    }

    fn on_tick(&mut self) {
        with(&self.observer, |observer| observer.on_tick(&Envoy));
    }

    fn on_log(&mut self) {
        with(&self.observer, |observer| observer.on_log(&Envoy, None));
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream { observer: self.observer.clone(), request: Request::default() }))
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        self.request = with(&self.observer, |observer| observer.on_request(&Envoy)).unwrap_or_default();
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        with(&self.observer, |observer| observer.on_response(&Envoy, self.request));
        Action::Continue
    }

    fn on_log(&mut self) {
        with(&self.observer, |observer| observer.on_log(&Envoy, Some(self.request)));
    }
}

/// Does nothing while inert, and nothing should a host ever call back from within a call.
fn with<T>(observer: &Option<Rc<RefCell<Observer>>>, act: impl FnOnce(&mut Observer) -> T) -> Option<T> {
    observer.as_ref()?.try_borrow_mut().ok().map(|mut observer| act(&mut observer))
}

fn done(status: i32) -> Result<(), Fault> {
    if status == OK { Ok(()) } else { Err(Fault(status)) }
}

/// Takes over a buffer that the host allocated in our memory.
fn receive(call: impl FnOnce(*mut *mut u8, *mut usize) -> i32) -> Result<Option<Vec<u8>>, Fault> {
    let (mut data, mut length) = (null_mut(), 0);
    match call(&raw mut data, &raw mut length) {
        OK if data.is_null() => Ok(Some(Vec::new())),
        OK => Ok(Some(unsafe { Vec::from_raw_parts(data, length, length) })),
        NOT_FOUND => Ok(None),
        status => Err(Fault(status)),
    }
}
