//! The one file that speaks to the host: the callbacks that Envoy enters, and the functions that it offers.
//!
//! Neither is taken from the SDK. Its wrappers of host functions panic on any status they do not expect (a
//! capability that is not allowed, a phase that is over), and a panic kills the VM; its dispatcher exports every callback of the
//! ABI, looks contexts up in several tables, and is a quarter of the module.

#![expect(unsafe_code, reason = "the host's ABI is C; every pointer is passed with its length and nothing outlives a call")]

use std::cell::{Cell, RefCell};
use std::panic;
use std::ptr::null_mut;

use crate::abi::{self, CounterId, HeaderMap, LogLevel, Status};
use crate::contexts::Contexts;
use crate::host::{Host, HostFault};

const PLUGIN_CONFIGURATION: u32 = 7;
const COUNTER: u32 = 0;
/// What the header callbacks answer: go on.
const CONTINUE: u32 = 0;

/// Longest path of a property that needs no allocation; all of ours are shorter.
const PATH: usize = 128;

/// Envoy, as the module sees it.
struct Envoy;

thread_local! {
    // WebAssembly has one thread, and Envoy one VM per worker.
    static CONTEXTS: RefCell<Contexts> = RefCell::default();
    static REFUSALS: Cell<u32> = const { Cell::new(0) };
}

#[cfg(feature = "testing")]
use crate::testing::enter;

/// Runs a callback that requests cause.
#[cfg(not(feature = "testing"))]
fn enter<H, T>(host: &H, _: &str, act: impl FnOnce(&H) -> T) -> T {
    act(host)
}

/// Does nothing should a host ever call back from within a call.
fn with<T>(act: impl FnOnce(&mut Contexts) -> T) -> Option<T> {
    CONTEXTS.with(|contexts| contexts.try_borrow_mut().ok().map(|mut contexts| act(&mut contexts)))
}

/// Has a panic leave its message in Envoy's log: the library would write it to a file, and there are none.
fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or_default();
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let _ = Envoy.log(LogLevel::Error, &format!("meshwhy: panicked at {place}: {message}"));
    }));
}

unsafe extern "C" {
    fn __wasm_call_ctors();
}

#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    // A module without `main` runs the C library's constructors here or never.
    unsafe { __wasm_call_ctors() }
    log_panics();
}

#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

/// Memory that the host writes all of an answer into; [`receive`] takes it over.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    Box::into_raw(Box::<[u8]>::new_uninit_slice(size)).cast()
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_vm_start(_: u32, _: u32) -> bool {
    true
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(id: u32, _: u32) -> bool {
    let bytes = configuration();
    if let Some(interval_ms) = with(|contexts| contexts.configure(&Envoy, id, &bytes)).flatten() {
        let period = u32::try_from(interval_ms).unwrap_or(u32::MAX);
        let _ = done(unsafe { abi::proxy_set_tick_period_milliseconds(period) });
    }
    // Anything else would have Envoy refuse the listener.
    true
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_tick(id: u32) {
    with(|contexts| contexts.tick(&Envoy, id));
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(id: u32, _: u32, _: u32) -> u32 {
    enter(&Envoy, "request", |host| with(|contexts| contexts.request_headers(host, id)));
    CONTINUE
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_headers(id: u32, _: u32, end_of_stream: u32) -> u32 {
    enter(&Envoy, "response", |host| with(|contexts| contexts.response_headers(host, id, end_of_stream != 0)));
    CONTINUE
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_log(id: u32) {
    enter(&Envoy, "log", |host| with(|contexts| contexts.log(host, id)));
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_delete(id: u32) {
    with(|contexts| contexts.delete(&Envoy, id));
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
        header(HeaderMap::Request, name)
    }

    fn response_header(&self, name: &str) -> Result<Option<Vec<u8>>, HostFault> {
        header(HeaderMap::Response, name)
    }

    fn add_response_header(&self, name: &str, value: &[u8]) -> Result<(), HostFault> {
        done(unsafe {
            abi::proxy_add_header_map_value(HeaderMap::Response, name.as_ptr(), name.len(), value.as_ptr(), value.len())
        })
    }

    fn remove_response_header(&self, name: &str) -> Result<(), HostFault> {
        done(unsafe { abi::proxy_remove_header_map_value(HeaderMap::Response, name.as_ptr(), name.len()) })
    }

    fn log(&self, level: LogLevel, line: &str) -> Result<(), HostFault> {
        done(unsafe { abi::proxy_log(level, line.as_ptr(), line.len()) })
    }

    fn define_counter(&self, name: &str) -> Result<CounterId, HostFault> {
        let mut id = CounterId(0);
        done(unsafe { abi::proxy_define_metric(COUNTER, name.as_ptr(), name.len(), &raw mut id) })?;
        Ok(id)
    }

    fn add_to_counter(&self, id: CounterId, by: u32) -> Result<(), HostFault> {
        done(unsafe { abi::proxy_increment_metric(id, by.into()) })
    }

    fn take_refusals(&self) -> u32 {
        REFUSALS.take()
    }
}

fn header(map: HeaderMap, name: &str) -> Result<Option<Vec<u8>>, HostFault> {
    receive(|data, length| unsafe { abi::proxy_get_header_map_value(map, name.as_ptr(), name.len(), data, length) })
}

fn configuration() -> Vec<u8> {
    let bytes = receive(|data, length| unsafe { abi::proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, 0, usize::MAX, data, length) });
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

/// Takes over a buffer that the host allocated in our memory.
fn receive(call: impl FnOnce(*mut *mut u8, *mut usize) -> Status) -> Result<Option<Vec<u8>>, HostFault> {
    let (mut data, mut length) = (null_mut(), 0);
    match call(&raw mut data, &raw mut length) {
        Status::OK if data.is_null() => Ok(Some(Vec::new())),
        Status::OK => Ok(Some(unsafe { Vec::from_raw_parts(data, length, length) })),
        Status::NOT_FOUND => Ok(None),
        status => Err(fault(status)),
    }
}
