//! What is found does not depend on where the input is cut, nor on how many cores read it: whole is the oracle.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken case must fail loudly")]

use meshwhy_diagnose::{Analysis, Collector, Group};
use proptest::prelude::*;
use serde_json::Value;

/// Bytes that no input of these tests has.
const WHOLE: usize = 4 << 20;

/// Texts that several lines hold, and lines that begin some.
const JOINED: [&str; 6] = [
    "{\n  \"response_code\": 503,\n  \"response_flags\": \"UF\",\n  \"method\": \"GET\"\n}",
    "HTTP/1.1 503 Service Unavailable\ncontent-length: 19\nserver: envoy\n\nno healthy upstream",
    "response_code=0\nresponse_flag=DC",
    "- apiVersion: v1\n  count: 3\n  kind: Event\n  message: |-\n    configmap \"istio-ca-root-cert\" not found\n  type: Warning",
    "2026-11-21T06:36:38.1Z stdout P [2026-11-21T06:36:37.876Z] \"GET /a HTTP/1.1\" 503 NC cluster_not_found - \"-\" 0 0 0 - \"-\" \"cu\n2026-11-21T06:36:38.1Z stdout F rl\" \"r\" \"shop:80\" \"-\" - - 10.96.59.2:8900 10.244.22.9:50007 - -",
    "{ \"step\": 1, upstream cluster",
];

/// Recorded lines of a mesh, and what people pasted.
fn recorded() -> Vec<String> {
    let cases = |text: &'static str| text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let lab = cases(include_str!("data/istio-lab.jsonl")).flat_map(|case| {
        let proxies = case["logs"].as_object().unwrap().values().flat_map(|lines| lines.as_array().unwrap().clone());
        proxies.map(|line| line.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    });
    let pasted = cases(include_str!("data/realworld.jsonl")).map(|case| case["input"].as_str().unwrap().to_owned());
    lab.chain(pasted).chain(JOINED.map(str::to_owned)).collect()
}

fn found(input: &[u8], block_size: usize) -> String {
    let mut collector = Collector::default().keeping_suspects().in_blocks_of(block_size);
    collector.read(0, None, &mut &*input).unwrap();
    let Analysis { groups, suspects, tally, totals, outside, observed, unparsed } = collector.finish();
    assert_eq!(totals.lines, totals.healthy + totals.failed + totals.ignored + totals.unparsed);
    let summary = |group: &Group| {
        let Group {
            verdict,
            target,
            hop,
            side,
            count,
            suppressed,
            traffic,
            first_seen,
            last_seen,
            rate,
            callers,
            lines,
            examples,
            ..
        } = group;
        let cause = (verdict.cause.slug, verdict.confidence);
        format!(
            "{cause:?} {target:?} {hop:?} {side:?} {count} {suppressed} {traffic} {first_seen:?} {last_seen:?} {rate:?} {callers:?} {lines:?} {examples:?}\n"
        )
    };
    groups
        .iter()
        .chain(&suspects)
        .map(summary)
        .chain([format!("{tally:?} {totals:?} {outside} {observed:?} {unparsed:?}")])
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_and_any_number_of_threads_give_the_same(
        picked in prop::collection::vec(any::<prop::sample::Index>(), 1..120),
        block_size in 50_usize..5_000,
        threads in 1_usize..5,
    ) {
        let recorded = recorded();
        let texts = picked.iter().map(|index| format!("{}\n", index.get(&recorded)));
        let input: String = texts.collect();
        let whole = found(input.as_bytes(), WHOLE);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        prop_assert_eq!(pool.install(|| found(input.as_bytes(), block_size)), whole);
    }

    #[test]
    fn any_cut_of_any_bytes_gives_the_same(bytes in prop::collection::vec(any::<u8>(), 0..3_000), block_size in 20_usize..1_000) {
        prop_assert_eq!(found(&bytes, block_size), found(&bytes, WHOLE));
    }
}

#[test]
fn utf_16_is_read() {
    // One byte of this letter is that of a line end.
    let line = "[2026-11-21T06:36:37.876Z] \"GET /上 HTTP/1.1\" 503 NC cluster_not_found - \"-\" 0 0 0 - \"-\" \"curl\" \"r\" \"shop:80\" \"-\" - - 10.96.59.2:8900 10.244.22.9:50007 - -\r\n";
    let plain = found(line.repeat(3).as_bytes(), 100);
    for order in [u16::to_le_bytes, u16::to_be_bytes] {
        let bytes: Vec<u8> = format!("\u{feff}{}", line.repeat(3)).encode_utf16().flat_map(order).collect();
        assert_eq!(found(&bytes, 100), plain);
    }
}

#[test]
fn a_line_without_an_end_is_one_line() {
    let long = "x".repeat(3 << 20);
    let input = format!("{long}\n{}\n{long}", JOINED[0]);
    let found = found(input.as_bytes(), 1 << 20);
    assert!(found.contains("read: 7") && found.contains("failed: 1") && found.contains("unreadable: 2"), "{found}");
}
