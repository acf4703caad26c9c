//! The proxy-wasm ABI 0.2.1, as far as the module uses it: what it calls, and what it exports.
//!
//! The functions are the SDK's own, and its types where it has any. Its wrappers of them are not used: they panic on any status that they
//! do not expect (a capability that is not allowed, a phase that is over), and a panic ends the VM.
//!
//! Source: proxy-wasm `abi-versions/v0.2.1`; Envoy `source/extensions/common/wasm/wasm.cc`, 1.40.

#[cfg(target_arch = "wasm32")]
use proxy_wasm::types::{BufferType, LogLevel, MapType, MetricType};

macro_rules! imports {
    ($(fn $name:ident($($argument:ident: $kind:ty),*);)*) => {
        /// The functions of the host that the module imports, all from `env`.
        pub const IMPORTS: &[&str] = &[$(stringify!($name)),*];

        #[cfg(target_arch = "wasm32")]
        #[expect(unsafe_code, reason = "the host's functions are C")]
        #[link(wasm_import_module = "env")]
        unsafe extern "C" {
            $(pub(crate) fn $name($($argument: $kind),*) -> Status;)*
        }
    };
}

imports! {
    fn proxy_log(level: LogLevel, data: *const u8, size: usize);
    fn proxy_set_tick_period_milliseconds(period: u32);
    fn proxy_get_buffer_bytes(buffer: BufferType, start: usize, size: usize, data: *mut *mut u8, length: *mut usize);
    fn proxy_get_property(path: *const u8, size: usize, data: *mut *mut u8, length: *mut usize);
    fn proxy_set_property(path: *const u8, size: usize, value: *const u8, value_size: usize);
    fn proxy_get_header_map_value(map: MapType, key: *const u8, size: usize, data: *mut *mut u8, length: *mut usize);
    fn proxy_add_header_map_value(map: MapType, key: *const u8, key_size: usize, value: *const u8, value_size: usize);
    fn proxy_remove_header_map_value(map: MapType, key: *const u8, size: usize);
    fn proxy_define_metric(kind: MetricType, name: *const u8, size: usize, id: *mut CounterId);
    fn proxy_increment_metric(id: CounterId, by: i64);
}

/// What the module exports. Envoy enters the VM for each callback that it finds, so there is none that the module does not answer.
pub const EXPORTS: &[&str] = &[
    "memory",
    "_initialize",
    "proxy_abi_version_0_2_1",
    "proxy_on_memory_allocate",
    "proxy_on_context_create",
    "proxy_on_vm_start",
    "proxy_on_configure",
    "proxy_on_tick",
    "proxy_on_request_headers",
    "proxy_on_response_headers",
    "proxy_on_log",
    "proxy_on_delete",
];

/// What a function of the host answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Status(pub i32);

/// The host's number of a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct CounterId(pub u32);

impl Status {
    /// Done.
    pub const OK: Self = Self(0);
    /// What was asked for is not there.
    pub const NOT_FOUND: Self = Self(1);
}
