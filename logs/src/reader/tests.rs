//! What looking ahead costs where nothing can be joined.

use super::*;

/// Reads everything; the bytes read, and those looked at in vain.
fn cost(line: &str, count: usize) -> (u64, u64) {
    let input = format!("{line}\n").repeat(count);
    let mut reader = LogReader::new(input.as_bytes(), Formats::default());
    let mut items = 0;
    while reader.next_item().is_ok_and(|item| item.is_some()) {
        items += 1;
    }
    assert_eq!(items, count, "{line}");
    (input.len() as u64, reader.ahead.cost())
}

#[test]
fn lines_are_looked_at_a_bounded_number_of_times() {
    for line in [
        "{\"a\": \"b",
        "{ \"a\": [",
        "2026-11-21T06:36:38.1Z stdout P x",
        "a: b",
        "apiVersion: v1",
        "[2026-11-21T06:36:37.876Z] \"GET /",
    ] {
        let (read, looked_at) = cost(line, 1_500);
        assert!(looked_at > read, "{line}: nothing was tried");
        // The budget, and the one attempt that overdrew it.
        let one_attempt = 4 * MAX_JOINED as u64 * (line.len() as u64 + 64);
        assert!(looked_at <= 2 * read + (1 << 18) + one_attempt, "{line}: {looked_at} of {read}");
    }
}

#[test]
fn what_is_joined_costs_nothing() {
    let pretty = "{\n  \"response_code\": 503,\n  \"response_flags\": \"UF\",\n  \"method\": \"GET\"\n}";
    let (_, looked_at) = cost(pretty, 300);
    assert_eq!(looked_at, 0);
}
