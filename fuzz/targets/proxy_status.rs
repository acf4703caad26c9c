//! A `Proxy-Status` header.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshwhy_core::proxy_status;

fuzz_target!(|text: &str| {
    let _ = proxy_status::read(text);
});
