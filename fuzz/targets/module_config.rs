//! The module's configuration: whatever it holds, the module says what is wrong and goes on.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshwhy_filter::config;

fuzz_target!(|bytes: &[u8]| {
    let parsed = config::parse(bytes);
    assert!(parsed.config.is_some() || !parsed.problems.is_empty());
});
