//! A format string, and a line read by it: the input up to the first line end is the format.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshwhy_logs::{Formats, parse_line};

fuzz_target!(|text: &str| {
    let (format, line) = text.split_once('\n').unwrap_or((text, ""));
    if let Ok(formats) = Formats::compile(format) {
        let _ = parse_line(line.as_bytes(), &formats);
    }
});
