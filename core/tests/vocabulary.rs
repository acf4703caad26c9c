//! Every word of Envoy's vocabulary is understood and judged to a cause that says something.
//!
//! `vocabulary/*.tsv`: the response flags, code details, codec errors, transport failures and BoringSSL reasons of Envoy
//! 1.24–1.40, as patterns; dynamic parts stand in braces.

use meshwhy_core::details::{self, Details, Word};
use meshwhy_core::transport::TransportKind;
use meshwhy_core::{Cause, Decisive, Facts, Flag, ResponseFlags, codec, judge, transport};

/// Patterns that no cause can name, and why. An entry that is no longer needed fails.
const UNKNOWN_DETAILS: &[(&str, &str)] = &[
    ("(empty)", "there is no text; the flag, or nothing, decides"),
    ("{absl status message, e.g. spurious_message}", "any text: the external processor's own words"),
    ("{free text from Go SendLocalReply}", "any text: the plugin's own words"),
    ("{free text from ImmediateResponse.details}", "any text: the external processor's own words"),
    ("{free text from module}", "any text: the module's own words"),
    ("{free text from proxy_send_local_response}", "any text: the plugin's own words"),
    ("{response_code_details field}", "any text: the words of the configuration"),
];

/// Words of a success, of which no line with a failing status speaks.
const SUCCESSES: &[&str] = &["cors_response", "internal_redirect"];

fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table.lines().skip(1).map(|line| line.split('\t').collect())
}

/// A text of the pattern: `{{x}}` is a brace around something dynamic, `{x}` something dynamic.
fn example(pattern: &str) -> String {
    let special = pattern
        .replace("{{reason}|{transport_failure}}", "{connection_termination|something}")
        .replace("{{reason}}", "{connection_termination}")
        .replace("{message}", "some_message")
        .replace("{code}", "INVALID_ARGUMENT");
    let mut text = String::new();
    let mut depth = 0;
    for letter in special.replace("{{", "{<").replace("}}", ">}").chars() {
        match letter {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ if depth == 0 => text.push(letter),
            _ => {}
        }
        if letter == '<' {
            text.push_str("something");
        }
    }
    text.replace(' ', "_")
}

fn first_status(statuses: &str) -> Option<u16> {
    let digits: String =
        statuses.chars().skip_while(|letter| !letter.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn first_flags(flags: &str) -> Option<ResponseFlags> {
    let word: String = flags.chars().take_while(|letter| letter.is_ascii_uppercase() || *letter == ',').collect();
    ResponseFlags::parse(&word).filter(|flags| !flags.is_empty())
}

fn slug(facts: &Facts<'_>) -> Option<&'static str> {
    judge(facts).map(|verdict| verdict.cause.slug)
}

#[test]
fn every_flag_is_known_and_names_a_cause_alone() {
    for row in rows(include_str!("vocabulary/response_flags.tsv")) {
        let [bit, mask, short, long] = row[..] else { panic!("four columns: {row:?}") };
        let flag = Flag::parse(short).unwrap_or_else(|| panic!("{short} is no flag"));
        assert_eq!((flag.long(), flag.mask().to_string().as_str()), (long, mask), "bit {bit}");
        // A delayed or cached answer has not failed.
        let alone = Facts::from(Decisive { flags: Some(ResponseFlags(flag.mask())), ..Decisive::default() });
        let expected_healthy = matches!(flag, Flag::DI | Flag::RFCF);
        assert_eq!(slug(&alone).is_none(), expected_healthy, "{short}");
        assert_ne!(slug(&alone), Some("unknown"), "{short} alone is judged unknown");
    }
}

#[test]
fn every_details_pattern_is_parsed_and_judged() {
    let mut wrong = Vec::new();
    let mut unknown = Vec::new();
    for row in rows(include_str!("vocabulary/code_details.tsv")) {
        let [pattern, statuses, flags, side] = row[..] else { panic!("four columns: {row:?}") };
        let text = example(pattern);
        let parsed = details::parse(&text);
        if matches!(parsed, Details::Other(_)) {
            unknown.push(pattern);
            continue;
        }
        let succeeds = parsed.is_success() || side == "success" || SUCCESSES.contains(&pattern);
        let status = first_status(statuses).or(Some(if flags == "-" { 500 } else { 0 }));
        if succeeds && pattern != "via_upstream" {
            continue;
        }
        let status = if pattern == "via_upstream" { Some(500) } else { status };
        let facts = Facts::from(Decisive {
            details: Some(text.clone().into()),
            status,
            flags: first_flags(flags),
            ..Decisive::default()
        });
        let redirected = status.is_some_and(|status| (200..400).contains(&status)) && facts.flags.is_none();
        match slug(&facts) {
            Some("unknown") => wrong.push(format!("{pattern}: {text}: unknown")),
            None if !redirected
                && parsed != Details::Word(Word::Http2RemoteReset)
                && parsed != Details::Word(Word::Http3RemoteReset) =>
            {
                wrong.push(format!("{pattern}: {text} {statuses}: healthy"));
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{} patterns:\n{}", wrong.len(), wrong.join("\n"));
    unknown.sort_unstable();
    unknown.dedup();
    let listed: Vec<&str> = UNKNOWN_DETAILS.iter().map(|(pattern, _)| *pattern).collect();
    assert_eq!(unknown, listed, "the list of unknown patterns is stale");
}

#[test]
fn every_codec_error_is_known_and_judged() {
    for row in rows(include_str!("vocabulary/codec_errors.tsv")) {
        let [text, codec, direction] = row[..] else { panic!("three columns: {row:?}") };
        if text == "{nghttp2 text}" {
            // Any other text of the library: malformed until it is known.
            continue;
        }
        let text = text.replace("{id}", "7");
        if codec != "overload" {
            assert!(codec::parse(&text).known, "{text}");
        }
        let head = if codec == "overload" { "overload_error" } else { "codec_error" };
        if direction.contains("request") {
            let details = format!("{head}:{}", text.replace(' ', "_"));
            let facts = Facts::from(Decisive { details: Some(details.into()), status: Some(0), ..Decisive::default() });
            assert!(slug(&facts).is_some_and(|slug| slug != "unknown"), "downstream: {text}: {:?}", slug(&facts));
        }
        if direction.contains("response") {
            let facts = Facts::from(Decisive {
                upstream_local_close: Some(text.clone().into()),
                status: Some(502),
                ..Decisive::default()
            });
            let upstream = Cause::find("protocol-error-upstream").unwrap();
            let cause = judge(&facts).unwrap().cause;
            assert!(cause.is_of(upstream), "upstream: {text}: {}", cause.slug);
        }
    }
}

#[test]
fn every_transport_failure_is_known_and_judged() {
    for row in rows(include_str!("vocabulary/transport_failures.tsv")) {
        let [text, seen_by] = row[..] else { panic!("two columns: {row:?}") };
        for text in [text.to_owned(), text.replace(' ', "_")] {
            let kind = transport::parse(&text).and_then(|failure| failure.kind);
            assert!(kind.is_some_and(|kind| kind != TransportKind::OtherTls), "{text}: {kind:?}");
            let reason = Some(text.clone().into());
            let facts = if seen_by == "upstream" {
                Facts::from(Decisive {
                    upstream_transport_failure: reason,
                    flags: Some(ResponseFlags(Flag::UF.mask())),
                    ..Decisive::default()
                })
            } else {
                // What the TLS inspector says is a failure only where no filter chain took the connection.
                let flags = transport::is_of_inspector(&text).then_some(ResponseFlags(Flag::NR.mask()));
                Facts::from(Decisive { downstream_transport_failure: reason, flags, ..Decisive::default() })
            };
            assert!(slug(&facts).is_some_and(|slug| slug != "unknown"), "{text}");
        }
    }
}

#[test]
fn every_reason_of_boringssl_fails_a_handshake() {
    let handshake = Cause::find("tls-handshake-failed").unwrap();
    for row in rows(include_str!("vocabulary/tls_reasons.tsv")) {
        let [code, name] = row[..] else { panic!("two columns: {row:?}") };
        let text = format!("TLS_error:|{code}:SSL_routines:OPENSSL_internal:{name}:TLS_error_end");
        for facts in [
            Facts::from(Decisive { upstream_transport_failure: Some(text.clone().into()), ..Decisive::default() }),
            Facts::from(Decisive { downstream_transport_failure: Some(text.into()), ..Decisive::default() }),
        ] {
            let cause = judge(&facts).unwrap().cause;
            assert!(cause.is_of(handshake), "{name}: {}", cause.slug);
        }
    }
}
