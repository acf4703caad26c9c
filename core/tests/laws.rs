//! The laws of the catalogue of causes. Each failure says what to do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use meshwhy_core::catalogue::{Status, laws};
use meshwhy_core::causes::REGISTRY;
use meshwhy_core::condition::{FAILS, Observed};
use meshwhy_core::details::Word;
use meshwhy_core::event::Event;
use meshwhy_core::facts::Side;
use meshwhy_core::{Cause, Confidence, Context, Decisive, Facts, ResponseFlags, judge, record, redact};
use proptest::prelude::*;

/// Causes without a scenario, and why. An entry that is no longer needed fails.
const NO_SCENARIO: &[(&str, &str)] = &[
    ("config-rejected", "a static configuration with this fault stops Envoy from starting"),
    ("configuration-invalid", "it is an answer of the API server"),
    ("duplicate-domain", "a static configuration with this fault stops Envoy from starting"),
    ("file-descriptors-exhausted", "an Envoy of today refuses the single connection instead of writing this line"),
    ("injector-webhook-tls", "it is an event of Kubernetes"),
    ("injector-webhook-unreachable", "it is an event of Kubernetes"),
    ("istio-token-mount", "it is an event of Kubernetes"),
    ("job-held-by-sidecar", "it is a state of Kubernetes, and no request shows it"),
    ("listener-conflict", "a static configuration with this fault stops Envoy from starting"),
    ("listener-drain", "it takes a listener that changes while a request is open, and the harness has no control plane"),
    ("local-reset", "it takes a filter of Envoy that resets its own stream, and none does so when asked"),
    ("platform-message", "what speaks is neither Istio nor Envoy"),
    ("policy-check-unavailable", "the Mixer client was last part of the proxy of Istio 1.7"),
    ("probe-startup-benign", "it is an event of Kubernetes"),
    ("proxy-not-ready", "it is an event of Istio's agent, which the harness does not run"),
    ("proxy-not-started", "it is an event of Istio's agent, and there is no Envoy to ask"),
    ("proxy-out-of-memory", "it is a state of Kubernetes, and there is no Envoy to ask"),
    ("redirect-loop", "only the client that follows the redirects can see the loop; each answer of the proxy is healthy"),
    (
        "response-headers-too-large",
        "variants of protocol-error-upstream provoke it, but no log format of Istio, no attribute of the module and no field of native has the codec's reason",
    ),
    ("root-certificate-missing", "it is an event of Kubernetes"),
    ("trace-not-sampled", "it is read from the headers that somebody shows; the proxy writes nothing about it"),
    ("traffic-redirection-failed", "it is an event of Kubernetes, or a line of an init container"),
    ("unknown", "it is what no scenario provokes"),
    ("xds-benign-warning", "it takes a control plane, and the harness has none"),
    ("xds-control-plane-error", "it takes a control plane, and the harness has none"),
    ("xds-disconnect-benign", "it takes a control plane, and the harness has none"),
    ("xds-unreachable", "it is an event of the control-plane stream, which no request shows"),
    ("ztunnel-benign-log", "it is a log line of ztunnel, not of Envoy"),
];

fn folder(cause: &Cause) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/causes").join(cause.folder())
}

#[test]
fn the_catalogue_keeps_its_laws() {
    let broken = laws::broken(&REGISTRY);
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn codes_are_mw_and_four_digits() {
    for cause in REGISTRY.iter() {
        let digits = cause.code.strip_prefix("MW").filter(|digits| digits.len() == 4);
        assert!(digits.is_some_and(|digits| digits.parse::<u16>().is_ok()), "{}: a code is MW and four digits", cause.slug);
    }
}

#[test]
fn slugs_name_the_folder() {
    for cause in REGISTRY.iter() {
        assert!(folder(cause).join("mod.rs").is_file(), "{}: the folder must carry the slug", cause.slug);
    }
}

#[test]
fn names_of_old_and_in_any_case_find_a_cause() {
    for cause in REGISTRY.iter() {
        for name in [cause.code, &cause.code.to_ascii_lowercase(), cause.slug].iter().chain(cause.former_slugs) {
            assert_eq!(Cause::find(name), Some(*cause), "{name}");
        }
    }
    assert!(["", "MW", "MW0002", "mw99999", "NO-ROUTE"].iter().all(|name| Cause::find(name).is_none()));
}

#[test]
fn refinements_come_first_and_nothing_refines_itself() {
    for cause in REGISTRY.iter() {
        let Some(general) = cause.refines else { continue };
        assert!(!general.refines(cause), "{} and {} refine each other", cause.slug, general.slug);
        let place = |wanted: &Cause| REGISTRY.by_precision().position(|cause| cause == wanted);
        assert!(place(cause) < place(general), "{}", cause.slug);
    }
    assert_eq!(REGISTRY.by_precision().count(), REGISTRY.len());
}

#[test]
fn what_is_retired_is_recognised_no_more() {
    for cause in REGISTRY.iter().filter(|cause| cause.status != Status::Stable) {
        assert!(cause.conditions.is_empty(), "{}: no condition may name it", cause.slug);
        assert!(!REGISTRY.iter().any(|other| other.refines == Some(cause)), "{}: nothing may refine it", cause.slug);
    }
}

#[test]
fn scenarios_exist_or_are_exempt() {
    let exempt: BTreeMap<&str, &str> = NO_SCENARIO.iter().copied().collect();
    for cause in REGISTRY.iter().filter(|cause| cause.status == Status::Stable) {
        let exists = folder(cause).join("scenario.yaml").is_file();
        assert_ne!(exists, exempt.contains_key(cause.slug), "{}: a scenario or an exemption, not both", cause.slug);
    }
}

#[test]
fn a_release_is_translated() {
    let untranslated = laws::untranslated(&REGISTRY);
    let is_prerelease = env!("CARGO_PKG_VERSION").contains('-');
    assert!(is_prerelease || untranslated.is_empty(), "not translated: {untranslated:?}; only a pre-release may have such texts");
}

#[test]
fn product_terms_stay_as_they_are_in_chinese() {
    let glossary =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/contributing/glossary.md")).unwrap();
    let kept = laws::kept_terms(&glossary);
    assert!(kept.clone().count() > 5, "the glossary has lost its rows");
    for cause in REGISTRY.iter() {
        for term in kept.clone().filter(|term| cause.files.en.contains(term)) {
            assert!(cause.files.zh.contains(term), "{}: {term} must appear in zh.md, too", cause.slug);
        }
    }
}

prop_compose! {
    fn any_facts()(
        status in proptest::option::of(0_u16..600),
        flags in proptest::option::of(any::<u64>()),
        details in proptest::option::of(prop_oneof![".*", "upstream_reset_before_response_started\\{.*\\}", "rbac_access_denied_matched_policy\\[.*\\]", "via_upstream|route_not_found|low_version"]),
        transport in proptest::option::of(prop_oneof![".*", "TLS_error:\\|.*", "delayed connect error: .*"]),
        texts in proptest::collection::vec(proptest::option::of(".*"), 4),
        event in proptest::option::of(Just(Event::TraceContextMissing)),
        side in proptest::option::of(Just(Side::Inbound)),
    ) -> Facts<'static> {
        let mut texts = texts.into_iter().map(|text| text.map(Into::into));
        let decisive = Decisive {
            status,
            flags: flags.map(|bits| ResponseFlags(bits & 0x3fff_ffff)),
            details: details.map(Into::into),
            upstream_transport_failure: transport.map(Into::into),
            virtual_host: texts.next().flatten(),
            cluster: texts.next().flatten(),
            event,
            side,
            ..Decisive::default()
        };
        let context = Context { authority: texts.next().flatten(), path: texts.next().flatten(), ..Context::default() };
        Facts { decisive, context }
    }
}

/// Judges by trying every condition of the catalogue.
fn slowly(facts: &Decisive<'_>) -> Option<&'static str> {
    let observed = Observed::new(facts);
    let first = |wanted: Confidence| {
        REGISTRY.by_precision().find(|cause| {
            cause.conditions.iter().any(|(confidence, condition)| *confidence == wanted && condition.holds(&observed))
        })
    };
    let found = first(Confidence::Certain).or_else(|| first(Confidence::Likely));
    facts.shows_failure().then(|| found.map_or("unknown", |cause| cause.slug))
}

proptest! {
    #[test]
    fn the_index_changes_no_verdict(facts in any_facts(), word in proptest::sample::select(Word::ALL), event in proptest::sample::select(Event::ALL)) {
        let worded = Decisive { details: Some(word.0.into()), ..facts.decisive.clone() };
        let noticed = Decisive { event: Some(event), ..facts.decisive.clone() };
        let ended = Decisive { termination_details: facts.details.clone(), details: None, ..facts.decisive.clone() };
        for facts in [facts.decisive, worded, noticed, ended] {
            prop_assert_eq!(judge(&facts).map(|verdict| verdict.cause.slug), slowly(&facts));
        }
    }

    #[test]
    fn whatever_shows_a_failure_gets_a_verdict(facts in any_facts()) {
        let verdict = judge(&facts);
        prop_assert_eq!(verdict.is_some(), FAILS.holds(&Observed::new(&facts)));
        if let Some(verdict) = verdict {
            let _ = (verdict.evidence(&facts), verdict.near_misses(&facts));
        }
    }

    #[test]
    fn a_record_keeps_the_verdict_within_its_limit(mut facts in any_facts()) {
        redact::redact(&mut facts);
        let verdict = judge(&facts);
        let line = record::encode(&facts, verdict.as_ref(), 1, 0);
        prop_assert!(line.len() <= record::MAX_BYTES);
        let read = record::decode(&line).map(|record| record.facts);
        let again = read.as_ref().and_then(|facts| judge(facts)).map(|verdict| verdict.cause.code);
        prop_assert_eq!(again, verdict.map(|verdict| verdict.cause.code));
    }
}

/// Found by the fuzz target `record`: bits of no known flag were written as none.
#[test]
fn a_record_keeps_flags_that_have_no_name() {
    let line = r#"{"meshwhy.record":"1","envoy.response_flags":"0000000000006937977277816766464"}"#;
    let read = record::decode(line).unwrap();
    let again = record::decode(&record::encode(&read.facts, judge(&read.facts).as_ref(), 1, 0)).unwrap();
    assert_eq!(again.facts.flags, read.facts.flags);
    assert_eq!(judge(&again.facts).map(|verdict| verdict.cause.slug), Some("unknown"));
}
