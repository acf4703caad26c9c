//! One line of whatever format, in whatever wrapping, and what is judged of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshwhy_core::judge;
use meshwhy_logs::decoded::{decoded, without_secrets};
use meshwhy_logs::{Formats, LineContent, parse_line};

fuzz_target!(|bytes: &[u8]| {
    if let LineContent::Facts(facts, _) = parse_line(bytes, &Formats::default()).content
        && let Some(verdict) = judge(&facts)
    {
        let _ = (verdict.evidence(&facts), verdict.near_misses(&facts));
    }
    let text = String::from_utf8_lossy(bytes);
    let _ = (decoded(&text).len(), without_secrets(&text).len());
});
