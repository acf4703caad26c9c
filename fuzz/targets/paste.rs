//! Many lines, of which some belong together. Every physical line is in exactly one item, and items come in order.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshwhy_logs::{Formats, Items};

fuzz_target!(|bytes: &[u8]| {
    let formats = Formats::default();
    let mut items = Items::over(bytes, &[], &formats);
    let mut next = 1;
    while let Some(item) = items.next_item() {
        assert!(item.first >= next && item.last >= item.first);
        next = item.last + 1;
    }
    assert_eq!(items.extent().overrun, 0);
});
