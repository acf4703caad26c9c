//! The laws of the catalogue of causes. Each failure says what to do.

use std::path::{Path, PathBuf};

use meshwhy_core::catalogue::laws;
use meshwhy_core::cause_laws;
use meshwhy_core::causes::REGISTRY;
use meshwhy_core::condition::{FAILS, Observed};
use meshwhy_core::details::Word;
use meshwhy_core::event::Event;
use meshwhy_core::facts::Side;
use meshwhy_core::{Cause, Confidence, Context, Decisive, Facts, ResponseFlags, judge, record, redact};
use proptest::prelude::*;

fn folder(cause: &Cause) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/causes").join(cause.folder())
}

#[test]
fn the_catalogue_keeps_its_laws() {
    let glossary = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/contributing/glossary.md");
    let glossary = std::fs::read_to_string(glossary).unwrap();
    assert!(laws::kept_terms(&glossary).count() > 5, "the glossary has lost its rows");
    let broken = cause_laws::broken(|cause| folder(cause).join("scenario.yaml").is_file(), &glossary);
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_cause_has_its_place_by_precision() {
    assert_eq!(REGISTRY.by_precision().count(), REGISTRY.len());
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
