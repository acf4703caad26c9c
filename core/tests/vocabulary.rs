//! Every word of Envoy's vocabulary is understood and judged to a cause that says something.
//!
//! `vocabulary/*.tsv`: the response flags, code details, codec errors, transport failures and BoringSSL reasons of Envoy
//! 1.24–1.40, as patterns; dynamic parts stand in braces.

use meshwhy_core::details::{self, Details, Word};
use meshwhy_core::event::Event;
use meshwhy_core::judge::Decider;
use meshwhy_core::transport::TransportKind;
use meshwhy_core::{Cause, Confidence, Decisive, Facts, Flag, ResponseFlags, codec, judge, transport};

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

const LEFT_TO_THE_STATUS: [&str; 25] = [
    "via_upstream",
    "direct_response",
    "internal_redirect",
    "admin_filter_response",
    "http2.remote_reset",
    "http3.remote_reset",
    "cors_response",
    "lua_response",
    "health_check_ok",
    "health_check_cached",
    "health_check_ok_cluster_healthy",
    "cache.response_from_cache_filter",
    "cache.insert_via_upstream",
    "oauth.missing_credentials",
    "oauth.logged_in",
    "oauth.race_redirect",
    "oauth.sign_out",
    "mcp_router",
    "mcp_json_rest_bridge_ok",
    "mcp_json_rest_bridge_internal_tools_list_passthrough",
    "mcp_json_rest_bridge_filter_initialize",
    "mcp_json_rest_bridge_filter_initialize_ack",
    "mcp_json_rest_bridge_filter_server_discover",
    "mcp_json_rest_bridge_tools_list",
    "file_server",
];

/// Words that leave it to status and flags whether anything failed: the upstream answered, or a filter did as it was told.
fn leaves_it_to_the_status(details: Details<'_>) -> bool {
    !details.refuses() || matches!(details, Details::Word(Word::Http2RemoteReset | Word::Http3RemoteReset))
}

#[test]
fn details_of_a_failure_outweigh_any_status() {
    let mut healthy = Vec::new();
    for row in rows(include_str!("vocabulary/code_details.tsv")) {
        let text = example(row[0]);
        for status in [Some(200), Some(0), None, Some(503)] {
            let facts = Facts::from(Decisive { details: Some(text.clone().into()), status, ..Decisive::default() });
            if judge(&facts).is_none() && (status == Some(503) || !leaves_it_to_the_status(details::parse(&text))) {
                healthy.push((text.clone(), status));
            }
        }
    }
    assert!(healthy.is_empty(), "{healthy:?}");
    let left: Vec<&str> = rows(include_str!("vocabulary/code_details.tsv"))
        .map(|row| row[0])
        .filter(|pattern| leaves_it_to_the_status(details::parse(&example(pattern))))
        .collect();
    assert_eq!(left, LEFT_TO_THE_STATUS);
}

/// What Envoy before 1.14 wrote for every failure before the headers: a flag beside it decides, and alone it proves nothing.
#[test]
fn a_text_that_fits_many_causes_decides_none() {
    let bare = || Some("upstream_reset_before_response_started".into());
    for flag in ["UF", "UC", "UO", "UT", "UR", "LR"] {
        let flags = ResponseFlags::parse(flag);
        let with = Facts::from(Decisive { status: Some(503), flags, details: bare(), ..Decisive::default() });
        let without = Facts::from(Decisive { status: Some(503), flags, ..Decisive::default() });
        assert_eq!(slug(&with), slug(&without), "{flag}");
    }
    let alone = judge(&Facts::from(Decisive { details: bare(), ..Decisive::default() })).unwrap();
    assert_eq!((alone.cause.slug, alone.confidence), ("upstream-stream-reset", Confidence::Likely));
}

/// What a lone status or flag leaves possible, in this order.
#[test]
fn what_facts_leave_open_is_listed_with_what_would_decide() {
    let possible = |status: u16, flags: &str| {
        let flags = ResponseFlags::parse(flags).filter(|flags| !flags.is_empty());
        let facts = Facts::from(Decisive { status: Some(status), flags, ..Decisive::default() });
        let verdict = judge(&facts).unwrap();
        let alternatives = verdict.alternatives(&facts);
        std::iter::once(verdict.cause.slug).chain(alternatives.into_iter().map(|other| other.cause.slug)).collect::<Vec<_>>()
    };
    for (status, flags, expected) in [
        (503, "UC", &["upstream-closed-connection", "plaintext-to-tls-port", "keepalive-race"][..]),
        (
            503,
            "UF",
            &["upstream-connection-refused", "upstream-connection-timeout", "upstream-host-unreachable", "tls-handshake-failed"],
        ),
        (404, "-", &["unknown", "no-route", "app-error"]),
        (403, "-", &["unknown", "app-error", "rbac-denied", "jwt-rejected", "ext-authz-denied"]),
        (426, "-", &["http10-rejected", "upgrade-not-allowed", "app-error"]),
        (431, "-", &["headers-too-large", "too-many-headers", "app-error"]),
        (
            503,
            "-",
            &["unknown", "no-healthy-endpoints", "upstream-connection-refused", "upstream-closed-connection", "app-error"],
        ),
    ] {
        let found = possible(status, flags);
        assert!(expected.iter().all(|slug| found.contains(slug)), "{status} {flags}: {found:?}");
        assert!(found.len() <= 5, "{found:?}");
    }
    let event = |event| Facts::from(Decisive { event: Some(event), ..Decisive::default() });
    for (facts, expected) in [
        (
            event(Event::ProbeFailed),
            &["probe-startup-benign", "app-error", "xds-unreachable", "proxy-not-started", "proxy-not-ready"][..],
        ),
        (event(Event::ProbeKeepsFailing), &["proxy-not-ready", "app-error", "xds-unreachable", "proxy-not-started"]),
        (event(Event::ProxyBackOff), &["proxy-not-started", "proxy-out-of-memory"]),
        (event(Event::ProxyNotStarted), &["proxy-not-started", "proxy-out-of-memory"]),
        (event(Event::XdsReconnect), &["xds-disconnect-benign", "xds-unreachable"]),
    ] {
        let verdict = judge(&facts).unwrap();
        let others = verdict.alternatives(&facts);
        let found: Vec<_> = std::iter::once(verdict.cause.slug).chain(others.iter().map(|other| other.cause.slug)).collect();
        assert_eq!(found, expected);
    }
    let certain = Facts::from(Decisive { status: Some(404), details: Some("route_not_found".into()), ..Decisive::default() });
    assert!(judge(&certain).unwrap().alternatives(&certain).is_empty());
}

/// Whatever speaks TLS at a port closes a connection that begins otherwise, as it closes one for many other reasons.
#[test]
fn a_connection_closed_at_a_tls_port_may_have_lacked_tls() {
    const RESET: &str = "upstream_reset_before_response_started{connection_termination}";
    let judged = |details: Option<&'static str>, cluster: Option<&'static str>, host: &'static str| {
        let facts = Facts::from(Decisive {
            status: Some(503),
            flags: ResponseFlags::parse("UC"),
            details: details.map(Into::into),
            cluster: cluster.map(Into::into),
            upstream_host: Some(host.into()),
            ..Decisive::default()
        });
        let verdict = judge(&facts).unwrap();
        let others: Vec<String> = (verdict.alternatives(&facts).into_iter())
            .map(|other| match other.decide_by {
                Decider::Named(suspicion) => format!("{}: {}", other.cause.slug, suspicion.decide_by),
                Decider::Open(_) => other.cause.slug.to_owned(),
            })
            .collect();
        (verdict.cause.slug, verdict.confidence, others)
    };
    let (mesh, plain) = ("outbound|80||web.shop.svc.cluster.local", "10.0.0.1:8080");
    for (cluster, host) in [
        (Some("outbound|443||api.example.com"), "93.184.216.34:443"),
        (Some("outbound|443||web.shop.svc.cluster.local"), "10.0.0.1:9000"),
        (Some("outbound|80||api.example.com"), "93.184.216.34:80"),
        (Some("outbound|8080|v1|db.corp.internal"), plain),
        (Some("inbound|8443||"), "10.0.0.1:8443"),
        (Some(mesh), "10.0.0.1:8443"),
        (None, "93.184.216.34:443"),
    ] {
        for details in [None, Some(RESET)] {
            let (slug, confidence, others) = judged(details, cluster, host);
            assert_eq!((slug, confidence), ("upstream-closed-connection", Confidence::Likely), "{cluster:?} {host} {details:?}");
            let without_tls = others.iter().find(|other| other.starts_with("plaintext-to-tls-port")).unwrap();
            assert!(without_tls.contains("`http://`"), "{without_tls}");
        }
    }
    for cluster in [mesh, "outbound|80||web.shop.svc.corp.example", "inbound|8080||"] {
        let (slug, confidence, others) = judged(Some(RESET), Some(cluster), plain);
        assert_eq!((slug, confidence), ("upstream-closed-connection", Confidence::Certain), "{cluster}");
        assert!(others.iter().any(|other| other.contains("filter_chain_not_found")), "{others:?}");
    }
}

#[test]
fn a_missing_subset_of_older_envoys_is_no_missing_route() {
    let flagged =
        |status| Facts::from(Decisive { status: Some(status), flags: ResponseFlags::parse("NR"), ..Decisive::default() });
    assert_eq!((slug(&flagged(503)), slug(&flagged(404))), (Some("no-cluster"), Some("no-route")));
}
