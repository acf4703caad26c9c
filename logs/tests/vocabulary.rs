//! Every word of Envoy's details, in every dress and beside every status: the dress changes nothing.

use std::borrow::Cow;

use meshwhy_core::{Decisive, judge};
use meshwhy_logs::{Formats, LineContent, parse_line};

/// The details of the table that are one word, without what is dynamic.
fn words() -> impl Iterator<Item = &'static str> {
    let table = include_str!("../../core/tests/vocabulary/code_details.tsv");
    let words = table.lines().skip(1).filter_map(|row| row.split('\t').next());
    words.filter(|word| word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')))
}

/// The cause that a line is judged to; `None` for one in which nothing fails.
fn cause(line: &str) -> Option<&'static str> {
    match parse_line(line.as_bytes(), &Formats::default()).content {
        LineContent::Facts(facts, _) => judge(&facts).map(|verdict| verdict.cause.slug),
        _ => None,
    }
}

#[test]
fn details_outweigh_a_success_in_every_dress() {
    let mut wrong = Vec::new();
    for word in words() {
        for status in [Some(200), None, Some(503)] {
            let facts = Decisive { status: status.or(Some(0)), details: Some(Cow::Borrowed(word)), ..Decisive::default() };
            let expected = judge(&facts).map(|verdict| verdict.cause.slug);
            let number = status.unwrap_or(0);
            let text = format!(
                "[2024-01-01T00:00:00.000Z] \"POST /a HTTP/2\" {number} - {word} - \"-\" 0 0 1 - \"-\" \"-\" \"-\" \"a\" \"-\" - - 1.1.1.1:1 1.1.1.1:2 - -"
            );
            let json = format!("{{\"response_code\":{number},\"response_flags\":\"-\",\"response_code_details\":\"{word}\"}}");
            let pairs = format!("response_code={number} response_flags=- response_code_details={word}");
            for line in [text, json, pairs] {
                let found = cause(&line);
                if found != expected {
                    wrong.push(format!("{line}: {found:?}, not {expected:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} lines:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn details_in_a_header_are_judged_by_themselves() {
    for word in words() {
        let header = format!("proxy-status: \"a.b\"; mw-side=inbound; details=\"{word}\"");
        let facts = Decisive { details: Some(Cow::Borrowed(word)), ..Decisive::default() };
        let expected = judge(&facts).map(|verdict| verdict.cause.slug);
        let LineContent::Facts(found, _) = parse_line(header.as_bytes(), &Formats::default()).content else { continue };
        assert_eq!(judge(&found).map(|verdict| verdict.cause.slug), expected, "{word}");
    }
}

#[test]
fn words_stand_next_to_chinese() {
    for (line, expected) in [
        ("报503 UC", "upstream-closed-connection"),
        ("状态码 503，标志 UO", "circuit-breaker-overflow"),
        ("状态码为503，响应标志：UH", "no-healthy-endpoints"),
        ("报错明细：upstream_reset_before_response_started{connection_termination}", "upstream-closed-connection"),
        ("网关返回了503（UF，URX）", "upstream-connection-refused"),
        ("日志里是no_healthy_upstream。", "no-healthy-endpoints"),
    ] {
        assert_eq!(cause(line), Some(expected), "{line}");
    }
}
