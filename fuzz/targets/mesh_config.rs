//! A file that may hold a log format.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshwhy_logs::Formats;

fuzz_target!(|text: &str| {
    let _ = Formats::from_mesh_config(text);
});
