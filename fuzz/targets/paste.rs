//! Many lines, of which some belong together. Every physical line is in exactly one item, and items come in order.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshwhy_logs::{Formats, LogReader};

fuzz_target!(|bytes: &[u8]| {
    let mut reader = LogReader::new(bytes, Formats::default());
    let mut next = 1;
    while let Ok(Some(item)) = reader.next_item() {
        assert!(item.first >= next && item.last >= item.first);
        next = item.last + 1;
    }
});
