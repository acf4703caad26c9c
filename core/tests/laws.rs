//! The laws of the catalogue. Each failure says what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use meshwhy_core::causes::{BY_PRECISION, REGISTRY};
use meshwhy_core::condition::Observed;
use meshwhy_core::details::Word;
use meshwhy_core::event::Event;
use meshwhy_core::facts::Side;
use meshwhy_core::fix::{PatchKind, Step, pieces};
use meshwhy_core::texts::{Block, Lang, TRANSLATION_MARK};
use meshwhy_core::{Cause, Confidence, Facts, ResponseFlags, judge, record, redact};
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

const LANGS: [Lang; 2] = [Lang::En, Lang::Zh];
/// Causes without a scenario, and why. An entry that is no longer needed fails.
const NO_SCENARIO: &[(&str, &str)] = &[
    ("config-rejected", "a static configuration with this fault stops Envoy from starting"),
    ("duplicate-domain", "a static configuration with this fault stops Envoy from starting"),
    ("injector-webhook-tls", "it is an event of Kubernetes"),
    ("istio-token-mount", "it is an event of Kubernetes"),
    ("listener-conflict", "a static configuration with this fault stops Envoy from starting"),
    ("listener-drain", "it takes a listener that changes while a request is open, and the harness has no control plane"),
    ("local-reset", "it takes a filter of Envoy that resets its own stream, and none does so when asked"),
    ("policy-check-unavailable", "the Mixer client was last part of the proxy of Istio 1.7"),
    ("probe-startup-benign", "it is an event of Kubernetes"),
    ("proxy-not-ready", "it is an event of Istio's agent, which the harness does not run"),
    ("proxy-not-started", "it is an event of Istio's agent, and there is no Envoy to ask"),
    ("redirect-loop", "only the client that follows the redirects can see the loop; each answer of the proxy is healthy"),
    (
        "response-headers-too-large",
        "variants of protocol-error-upstream provoke it, but no log format of Istio, no attribute of the module and no field of native has the codec's reason",
    ),
    ("trace-not-sampled", "it is read from the headers that somebody shows; the proxy writes nothing about it"),
    ("unknown", "it is what no scenario provokes"),
    ("xds-benign-warning", "it takes a control plane, and the harness has none"),
    ("xds-control-plane-error", "it takes a control plane, and the harness has none"),
    ("xds-disconnect-benign", "it takes a control plane, and the harness has none"),
    ("xds-unreachable", "it is an event of the control-plane stream, which no request shows"),
    ("ztunnel-benign-log", "it is a log line of ztunnel, not of Envoy"),
];

fn folder(cause: &Cause) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/causes").join(cause.slug.replace('-', "_"))
}

#[test]
fn codes_and_slugs_are_unique_and_sorted() {
    assert!(REGISTRY.is_sorted_by(|one, other| one.code < other.code), "run `cargo xtask gen`");
    let slugs: BTreeSet<&str> = REGISTRY.iter().map(|cause| cause.slug).collect();
    assert_eq!(slugs.len(), REGISTRY.len());
}

#[test]
fn codes_are_mw_and_four_digits() {
    for cause in REGISTRY {
        let digits = cause.code.strip_prefix("MW").filter(|digits| digits.len() == 4);
        assert!(digits.is_some_and(|digits| digits.parse::<u16>().is_ok()), "{}: a code is MW and four digits", cause.slug);
    }
}

#[test]
fn slugs_name_the_folder_and_never_the_remedy() {
    for cause in REGISTRY {
        assert!(folder(cause).join("mod.rs").is_file(), "{}: the folder must carry the slug", cause.slug);
        for remedy in ["set-", "use-", "add-", "fix-", "enable-", "disable-", "increase-", "configure-"] {
            assert!(!cause.slug.starts_with(remedy), "{}: name the problem, not the remedy", cause.slug);
        }
    }
}

#[test]
fn texts_have_their_four_parts_and_a_short_headline() {
    for cause in REGISTRY {
        for lang in LANGS {
            let text = cause
                .text(lang)
                .unwrap_or_else(|heading| panic!("{} {lang:?}: heading {heading} is missing or empty", cause.slug));
            assert!(
                text.what.width() <= 80 && !text.what.contains('\n'),
                "{} {lang:?}: headline over 80 columns: {}",
                cause.slug,
                text.what
            );
        }
    }
}

#[test]
fn anchors_and_steps_are_the_same_in_both_languages() {
    for cause in REGISTRY {
        for lang in LANGS {
            let text = cause.text(lang).unwrap();
            let blocks = || text.why.iter().chain(&text.confirm).chain(&text.fix);
            let confirms: Vec<_> =
                blocks().filter_map(|block| if let Block::Confirm(id) = block { Some(*id) } else { None }).collect();
            let fixes: Vec<_> = blocks().filter_map(|block| if let Block::Fix(id) = block { Some(*id) } else { None }).collect();
            let sorted = |mut ids: Vec<&'static str>| {
                ids.sort_unstable();
                ids
            };
            let slug = cause.slug;
            assert_eq!(
                sorted(confirms),
                sorted(cause.confirm.iter().map(|confirm| confirm.id).collect()),
                "{slug} {lang:?}: confirm anchors"
            );
            assert_eq!(sorted(fixes), sorted(cause.fixes.iter().map(|fix| fix.id).collect()), "{slug} {lang:?}: fix anchors");
            assert!(
                !cause.files.en.contains("```") && !cause.files.zh.contains("```"),
                "{slug}: commands and YAML are data in mod.rs"
            );
        }
    }
}

#[test]
fn every_cause_can_be_confirmed_and_fixed_and_every_fix_verified() {
    for cause in REGISTRY {
        assert!(!cause.confirm.is_empty(), "{}: how can the reader be sure?", cause.slug);
        assert!(!cause.fixes.is_empty(), "{}: what should the reader change?", cause.slug);
        for fix in cause.fixes {
            assert!(!fix.steps.is_empty() && !fix.verify.is_empty(), "{} {}: steps and verify", cause.slug, fix.id);
        }
    }
}

#[test]
fn templates_use_known_slots_and_quote_clusters() {
    for cause in REGISTRY {
        let confirms = cause.confirm.iter().flat_map(|confirm| confirm.steps);
        let fixes = cause.fixes.iter().flat_map(|fix| fix.steps.iter().chain(fix.verify));
        for step in confirms.chain(fixes) {
            let (Step::Command(template) | Step::Patch(_, template)) = step else { continue };
            if let Err(name) = pieces(template) {
                panic!("{}: {{{name}}} is no slot in {template}", cause.slug);
            }
            if matches!(step, Step::Command(_)) {
                let bare = template.replace("'{cluster}'", "").contains("{cluster}");
                assert!(!bare, "{}: put {{cluster}} in single quotes: {template}", cause.slug);
            }
            if let Step::Patch(PatchKind::Resource, yaml) = step {
                assert!(yaml.contains("apiVersion:") && yaml.contains("kind:"), "{}: a resource is complete", cause.slug);
            }
        }
    }
}

#[test]
fn refinements_point_to_causes_and_come_first() {
    for cause in REGISTRY {
        let Some(parent) = cause.refines else { continue };
        assert!(!parent.refines(cause), "{} and {} refine each other", cause.slug, parent.slug);
        let place = |wanted: &Cause| BY_PRECISION.iter().position(|cause| *cause == wanted);
        assert!(place(cause) < place(parent), "run `cargo xtask gen`");
    }
    assert_eq!(BY_PRECISION.len(), REGISTRY.len(), "run `cargo xtask gen`");
}

#[test]
fn scenarios_exist_or_are_exempt() {
    let exempt: BTreeMap<&str, &str> = NO_SCENARIO.iter().copied().collect();
    for cause in REGISTRY {
        let exists = folder(cause).join("scenario.yaml").is_file();
        assert_ne!(exists, exempt.contains_key(cause.slug), "{}: a scenario or an exemption, not both", cause.slug);
    }
}

#[test]
fn translations_are_of_todays_english() {
    for cause in REGISTRY {
        let marked = cause.files.zh.strip_prefix(TRANSLATION_MARK).and_then(|rest| rest.split(' ').next());
        let hash = cause.translation_hash();
        assert_eq!(
            marked,
            Some(hash.as_str()),
            "read zh.md against en.md, then run `cargo xtask bless-translation {}`",
            cause.slug
        );
    }
}

#[test]
fn product_terms_stay_as_they_are_in_chinese() {
    let glossary =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/contributing/glossary.md")).unwrap();
    let kept: Vec<&str> = glossary
        .lines()
        .filter_map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            (cells.len() == 3 && cells[2] == "yes").then(|| cells[0].trim_matches('`'))
        })
        .collect();
    assert!(kept.len() > 5, "the glossary has lost its rows");
    for cause in REGISTRY {
        for term in kept.iter().filter(|term| cause.files.en.contains(**term)) {
            assert!(cause.files.zh.contains(*term), "{}: {term} must appear in zh.md, too", cause.slug);
        }
    }
}

#[test]
fn every_cause_names_its_sources() {
    for cause in REGISTRY {
        assert!(!cause.sources.is_empty(), "{}: on what does it rest?", cause.slug);
        for source in cause.sources {
            let link = source.starts_with("https://");
            let version = source.bytes().any(|byte| byte.is_ascii_digit());
            assert!(link || version, "{}: {source}: a link, or a path with a version", cause.slug);
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
        Facts {
            status,
            flags: flags.map(|bits| ResponseFlags(bits & 0x3fff_ffff)),
            details: details.map(Into::into),
            upstream_transport_failure: transport.map(Into::into),
            virtual_host: texts.next().flatten(),
            authority: texts.next().flatten(),
            path: texts.next().flatten(),
            cluster: texts.next().flatten(),
            event,
            side,
            ..Facts::default()
        }
    }
}

/// Judges by trying every condition of the catalogue.
fn slowly(facts: &Facts<'_>) -> Option<&'static str> {
    let observed = Observed::new(facts);
    let first = |wanted: Confidence| {
        BY_PRECISION.iter().find(|cause| {
            cause.conditions.iter().any(|(confidence, condition)| *confidence == wanted && condition.holds(&observed))
        })
    };
    let found = first(Confidence::Certain).or_else(|| first(Confidence::Likely));
    facts.shows_failure().then(|| found.map_or("unknown", |cause| cause.slug))
}

proptest! {
    #[test]
    fn the_index_changes_no_verdict(facts in any_facts(), word in proptest::sample::select(Word::ALL), event in proptest::sample::select(Event::ALL)) {
        let worded = Facts { details: Some(word.0.into()), ..facts.clone() };
        let noticed = Facts { event: Some(event), ..facts.clone() };
        let ended = Facts { termination_details: facts.details.clone(), details: None, ..facts.clone() };
        for facts in [facts, worded, noticed, ended] {
            prop_assert_eq!(judge(&facts).map(|verdict| verdict.cause.slug), slowly(&facts));
        }
    }

    #[test]
    fn whatever_shows_a_failure_gets_a_verdict(facts in any_facts()) {
        let verdict = judge(&facts);
        prop_assert_eq!(verdict.is_some(), facts.shows_failure());
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
        let again = read.as_ref().and_then(judge).map(|verdict| verdict.cause.code);
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
