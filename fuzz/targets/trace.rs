//! Trace headers of a request: one value a line, in the order of the names.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshwhy_core::trace;

const HEADERS: [&str; 6] = ["traceparent", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags"];

fuzz_target!(|bytes: &[u8]| {
    let mut values = bytes.split(|byte| *byte == b'\n');
    let headers: Vec<(&str, Vec<u8>)> = HEADERS.iter().zip(&mut values).map(|(name, value)| (*name, value.to_vec())).collect();
    let _ = trace::recognise(|wanted| {
        let found = headers.iter().find(|(name, value)| *name == wanted && !value.is_empty());
        found.map(|(_, value)| value.clone())
    });
});
