//! A record: what is read and written again keeps its verdict and its limit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshwhy_core::{judge, record, redact};

fuzz_target!(|text: &str| {
    let Some(mut read) = record::decode(text) else { return };
    redact::redact(&mut read.facts);
    let verdict = judge(&read.facts);
    let line = record::encode(&read.facts, verdict.as_ref(), read.count, read.suppressed);
    assert!(line.len() <= record::MAX_BYTES);
    let again = record::decode(&line).expect("what was written is a record");
    assert_eq!(judge(&again.facts).map(|verdict| verdict.cause.code), verdict.map(|verdict| verdict.cause.code));
});
