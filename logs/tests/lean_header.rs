//! The law of the header: what is read off it alone, with the response's status, is what the access-log line of the same
//! request says, and nothing that somebody writes into it wins over its facts.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a broken case must fail loudly")]

use std::path::Path;

use meshwhy_core::catalogue::Status;
use meshwhy_core::causes::REGISTRY;
use meshwhy_core::details::{Details, Word};
use meshwhy_core::facts::text;
use meshwhy_core::{Confidence, Decisive, Facts, Flag, ResponseFlags, Side, Verdict, judge, record};
use meshwhy_logs::{Formats, Items, LineContent, parse_line};
use serde_json::Value;

/// What the line knows and the header cannot carry: the line's cause, the header's, and why. An entry that is no longer
/// needed fails.
const LESS_KNOWN: &[(&str, &str, &str)] = &[
    ("certificate-expired", "upstream-connection-refused", "details without the reason, which stands in a field of its own"),
    ("keepalive-race", "upstream-closed-connection", "whether the upstream connection had been used before"),
    ("no-virtual-host", "no-route", "that no virtual host matched"),
    ("plaintext-to-tls-port", "upstream-closed-connection", "the cluster PassthroughCluster, or the duration"),
    ("policy-check-unavailable", "ext-authz-denied", "what Mixer said"),
    ("redirect-loop", "none", "an event that no proxy tells"),
    ("response-headers-too-large", "protocol-error-upstream", "why the codec closed the upstream connection"),
    ("tls-secret-missing", "upstream-connection-refused", "details without the reason, which stands in a field of its own"),
    ("tls-to-plaintext-port", "upstream-connection-refused", "details without the reason, which stands in a field of its own"),
    ("upstream-host-unreachable", "upstream-connection-refused", "the address of the upstream host, or the reason"),
];

/// The member that a proxy writes for a reply with these facts.
fn lean(facts: &Facts<'_>) -> String {
    let mut member = r#""reviews-v1.default"; mw-side=outbound"#.to_owned();
    if let Some(flags) = facts.flags.filter(|flags| !flags.is_empty()) {
        member.push_str(&format!("; mw-flags=\"{flags}\""));
    }
    let details = facts.details.as_deref().unwrap_or_default();
    if let Some(route) = facts.route.as_deref().filter(|_| details == "direct_response") {
        member.push_str(&format!("; mw-route=\"{route}\""));
    }
    if !details.is_empty() && details.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\') {
        member.push_str(&format!("; details=\"{details}\""));
    }
    member
}

/// What the header alone says.
fn read_back(member: &str) -> Facts<'static> {
    let line = format!("proxy-status: {member}");
    match parse_line(line.as_bytes(), &Formats::default()).content {
        LineContent::Header(mut members) if members.len() == 1 => members.remove(0).into_owned(),
        other => panic!("{line}: {other:?}"),
    }
}

fn verdict(member: &str, status: Option<u16>) -> Option<Verdict> {
    judge(&Decisive { status, ..read_back(member).decisive })
}

fn slug(verdict: Option<Verdict>) -> &'static str {
    verdict.map_or("none", |verdict| verdict.cause.slug)
}

/// Facts of every recorded line and every recorded case: where they are from, and they themselves.
fn recorded() -> Vec<(String, Facts<'static>)> {
    let mut all = Vec::new();
    let causes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src/causes");
    for cause in REGISTRY.iter().filter(|cause| cause.status == Status::Stable) {
        let cases = std::fs::read_to_string(causes.join(cause.folder()).join("cases.md")).unwrap();
        for json in cases.lines().filter(|line| line.starts_with('{')) {
            let mut object: serde_json::Map<String, Value> = serde_json::from_str(json).unwrap();
            object.insert("meshwhy.record".to_owned(), "1".into());
            all.push((cause.slug.to_owned(), record::from_object(&object).unwrap().facts));
        }
    }
    let sets = [
        include_str!("../../diagnose/tests/data/istio-live.jsonl"),
        include_str!("../../diagnose/tests/data/istio-lab.jsonl"),
        include_str!("../../diagnose/tests/data/realworld.jsonl"),
    ];
    for case in sets.iter().flat_map(|set| set.lines()) {
        let case: Value = serde_json::from_str(case).unwrap();
        let logs = case["logs"].as_object().into_iter().flat_map(|logs| logs.values());
        let lines = logs.flat_map(|lines| lines.as_array().unwrap().iter().map(|line| line.as_str().unwrap()));
        let input: Vec<&str> = case["input"].as_str().into_iter().chain(lines).collect();
        for bytes in input.iter().flat_map(|text| text.lines()).map(str::as_bytes) {
            let facts = match parse_line(bytes, &Formats::default()).content {
                LineContent::Facts(facts, _) => facts.into_owned(),
                LineContent::Record(record, _) => record.facts,
                _ => continue,
            };
            all.push((case["id"].as_str().unwrap().to_owned(), facts));
        }
    }
    all
}

/// Whether the hop made the reply itself, so that a member of it was there.
fn has_header(facts: &Facts<'_>) -> bool {
    let own = match facts.parsed_details() {
        Some(Details::Word(Word::ViaUpstream) | Details::ResetAfterResponse { .. }) => false,
        Some(_) => true,
        None => facts.flags.is_some_and(|flags| !flags.is_empty()),
    };
    own && facts.status.is_some_and(|status| status >= 200) && facts.relayed_from.is_none()
}

#[test]
fn the_header_says_what_the_line_says() {
    let mut compared = 0;
    let mut differ = Vec::new();
    for (id, facts) in recorded().into_iter().filter(|(_, facts)| has_header(facts)) {
        // The line's own code is what the header is compared with, not a help.
        let facts = Facts { decisive: Decisive { annotated_code: None, ..facts.decisive }, ..facts };
        let line = slug(judge(&facts));
        let header = slug(verdict(&lean(&facts), facts.status));
        compared += 1;
        if line != header {
            differ.push((line, header, id));
        }
    }
    let unlisted: Vec<_> = differ
        .iter()
        .filter(|(line, header, _)| !LESS_KNOWN.iter().any(|known| (known.0, known.1) == (*line, *header)))
        .collect();
    assert!(unlisted.is_empty(), "of {compared}: {unlisted:#?}");
    let needless = |known: &&(&str, &str, &str)| !differ.iter().any(|(line, header, _)| (known.0, known.1) == (*line, *header));
    let needless: Vec<_> = LESS_KNOWN.iter().filter(needless).collect();
    assert!(needless.is_empty(), "the list is stale: {needless:?}");
    assert!(compared > 400, "only {compared} lines were compared");
}

#[test]
fn a_forged_cause_never_wins_over_the_facts() {
    let codes = REGISTRY.iter().map(|cause| cause.code).chain(["MW9999", "0", ""]);
    let codes: Vec<&str> = codes.collect();
    for (details, word) in Word::ALL {
        for flags in [ResponseFlags::default(), ResponseFlags(Flag::UF.mask()), ResponseFlags(Flag::NR.mask())] {
            let facts = read_back(&lean(&Facts::from(Decisive {
                details: Some((*details).into()),
                flags: Some(flags),
                ..Decisive::default()
            })));
            for status in [None, Some(200), Some(503)] {
                let facts = Decisive { status, ..facts.decisive.clone() };
                let honest = judge(&facts);
                for code in &codes {
                    let forged = judge(&Decisive { annotated_code: Some((*code).into()), ..facts.clone() });
                    let refines = |one: Verdict, other: Verdict| one.cause.refines(other.cause);
                    let agrees = match (honest, forged) {
                        (Some(honest), Some(forged)) => {
                            (forged.cause.code == honest.cause.code || refines(forged, honest))
                                && forged.confidence == honest.confidence
                        }
                        (None, None) => true,
                        _ => false,
                    };
                    assert!(agrees, "{word:?} {flags} {status:?} {code}: {} became {}", slug(honest), slug(forged));
                }
            }
        }
    }
}

#[test]
fn a_code_alone_is_likely_and_an_unknown_one_says_nothing() {
    for cause in REGISTRY.iter().filter(|cause| !matches!(cause.slug, "unknown" | "none-success")) {
        let read = verdict(&format!("a.b; mw-cause={}", cause.code), None).unwrap();
        assert_eq!((read.cause.slug, read.confidence), (cause.slug, Confidence::Likely));
    }
    assert!(verdict("a.b; mw-cause=MW9999; mw-side=inbound", None).is_none());
}

#[test]
fn a_member_gives_every_fact() {
    let member = concat!(
        r#""reviews-v1.default"; error=destination_not_found; mw-cause=MW2001; mw-side=outbound; mw-flags="NR"; "#,
        r#"mw-route="block_all"; details="a b; NR", "gateway.edge"; received-status=404"#
    );
    let facts = read_back(member);
    assert_eq!((facts.context.pod.as_deref(), facts.context.namespace.as_deref()), (Some("reviews-v1"), Some("default")));
    assert_eq!((facts.side, facts.flags), (Some(Side::Outbound), Some(ResponseFlags(Flag::NR.mask()))));
    // Ours are whole texts; `; NR` at their end is no flag.
    assert_eq!((facts.details.as_deref(), facts.route.as_deref()), (Some("a b; NR"), Some("block_all")));
    assert_eq!(facts.annotated_code.as_deref(), Some("MW2001"));
    assert_eq!(read_back(r#"a.b; mw-side=inbound; mw-flags="-"; details="low_version""#).flags, None);
}

/// The only item of a transcript.
fn item(transcript: &str) -> Facts<'static> {
    let formats = Formats::default();
    let mut reader = Items::over(transcript.as_bytes(), &[], &formats);
    let item = reader.next_item().unwrap();
    match item.line.content {
        LineContent::Facts(facts, _) => facts.into_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_status_of_a_transcript_stands_beside_its_header() {
    let head = |status: &str, member: &str| {
        format!(
            "HTTP/1.1 {status}\nproxy-status: {member}\ncontent-length: 0\nserver: envoy\ndate: Thu, 26 Nov 2026 13:00:00 GMT\n\n"
        )
    };
    let blocked =
        item(&head("502 Bad Gateway", r#""web.shop"; mw-side=outbound; mw-route="block_all"; details="direct_response""#));
    assert_eq!((blocked.status, slug(judge(&blocked))), (Some(502), "passthrough-blackhole"));
    let verbose = item(
        "> GET / HTTP/1.1\n> Host: shop\n>\n< HTTP/1.1 403 Forbidden\n< proxy-status: \"a.b\"; mw-side=inbound; details=\"rbac_access_denied_matched_policy[none]\"\n< server: istio-envoy\n<\nRBAC: access denied\n",
    );
    assert_eq!(
        (verbose.status, text(verbose.context.authority.as_ref()), slug(judge(&verbose))),
        (Some(403), Some("shop"), "rbac-denied")
    );
}

#[test]
fn a_grpc_call_that_was_refused_has_status_200() {
    for (flags, details, cause) in [
        ("; mw-flags=\"UT\"", "response_timeout", "request-timeout"),
        ("", "rbac_access_denied_matched_policy[none]", "rbac-denied"),
        ("; mw-flags=\"NR\"", "route_not_found", "no-route"),
    ] {
        let head = format!(
            "HTTP/2 200\ncontent-type: application/grpc\nproxy-status: \"a.b\"; mw-side=outbound{flags}; details=\"{details}\"\ngrpc-status: 14\nserver: envoy\n"
        );
        assert_eq!(slug(judge(&item(&head))), cause);
        assert_eq!(slug(verdict(&format!("a.b; mw-side=outbound{flags}; details=\"{details}\""), Some(200))), cause);
    }
}
