//! The laws of this catalogue, beside those that every catalogue has. Each failure says what to do.

use crate::Cause;
use crate::catalogue::{Status, laws};
use crate::causes::REGISTRY;

/// Causes without a scenario, and why. An entry that is no longer needed fails.
pub const NO_SCENARIO: &[(&str, &str)] = &[
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

/// How the catalogue breaks the laws. Whether a cause has a scenario, and the glossary's text, are given.
#[must_use]
pub fn broken(has_scenario: impl Fn(&Cause) -> bool, glossary: &str) -> Vec<String> {
    let mut broken = laws::broken(&REGISTRY);
    for cause in REGISTRY.iter().copied() {
        let complaints = [
            code(cause),
            refinement(cause),
            retirement(cause),
            scenario(cause, has_scenario(cause)),
            translation(cause),
            terms(cause, glossary),
        ];
        broken.extend(complaints.into_iter().flatten().map(|complaint| format!("{}: {complaint}", cause.slug)));
    }
    broken
}

fn code(cause: &Cause) -> Option<String> {
    let digits = cause.code.strip_prefix("MW").filter(|digits| digits.len() == 4);
    let is_sound = digits.is_some_and(|digits| digits.parse::<u16>().is_ok());
    (!is_sound).then(|| format!("{}: a code is MW and four digits", cause.code))
}

fn refinement(cause: &Cause) -> Option<String> {
    let general = cause.refines?;
    let place = |wanted: &Cause| REGISTRY.by_precision().position(|cause| cause == wanted);
    let is_sound = !general.refines(cause) && place(cause) < place(general);
    (!is_sound).then(|| format!("it and {} refine each other", general.slug))
}

fn retirement(cause: &Cause) -> Option<String> {
    if cause.status == Status::Stable {
        None
    } else if !cause.conditions.is_empty() {
        Some("it is retired, and no condition may name it".to_owned())
    } else {
        REGISTRY.iter().any(|other| other.refines == Some(cause)).then(|| "it is retired, and nothing may refine it".to_owned())
    }
}

fn scenario(cause: &Cause, exists: bool) -> Option<String> {
    let is_exempt = NO_SCENARIO.iter().any(|(slug, _)| *slug == cause.slug);
    (cause.status == Status::Stable && exists == is_exempt)
        .then(|| "a scenario, or an exemption in `core/src/cause_laws.rs`, not both".to_owned())
}

fn translation(cause: &Cause) -> Option<String> {
    let is_due = !env!("CARGO_PKG_VERSION").contains('-') && cause.files.zh.starts_with(laws::UNTRANSLATED);
    is_due.then(|| "it is not translated, which only a pre-release may be".to_owned())
}

fn terms(cause: &Cause, glossary: &str) -> Option<String> {
    let lost = |term: &&str| cause.files.en.contains(term) && !cause.files.zh.contains(term);
    laws::kept_terms(glossary).find(lost).map(|term| format!("{term} must appear in zh.md, too"))
}
