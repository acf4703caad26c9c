//! Events of the cluster: tables of `kubectl get events` and `describe`, the kubelet's own lines, errors of the API server.

use meshwhy_core::event::Event;
use meshwhy_core::{Context, Facts};

use super::phrase::{Phrase, PhraseHit, event, happened, read};
use super::seen::Seen;
use super::words::{first, holds, holds_any};
use super::{certificate, client};

pub(super) const PHRASES: &[Phrase] = &[
    read("failed calling webhook", webhook),
    read("failed calling admission webhook", webhook),
    read("failed to call webhook", webhook),
    event("configmap \"istio-ca-root-cert\" not found", Event::RootCertificateMissing),
    read("unmounted volumes=[", unmounted),
    read("MountVolume.SetUp failed for volume", mount),
    event("the API server does not have TokenRequest endpoints enabled", Event::TokenMountFailed),
    read("tokens/istio-token", token_file),
    read("Readiness probe failed", probe),
    read("Readiness probe errored", probe),
    read("Startup probe failed", probe),
    read("Startup probe errored", probe),
    read("probeType=\"Readiness\"", kubelet),
    read("probeType=\"Startup\"", kubelet),
    read("Readiness probe for", kubelet_old),
    read("lifecycle hook ([pilot-agent wait])", wait),
    event("denied the request: configuration is invalid", Event::ConfigurationRefused),
    read("admission webhook \"", refused_by),
    read("Warning [", analysed),
    read("Error [", analysed),
    event("plugin type=\"istio-cni\"", Event::RedirectionFailed),
    event("istio-cni binary not found", Event::RedirectionFailed),
    event("unable to initialize table 'nat'", Event::RedirectionFailed),
    event("unable to initialize table 'mangle'", Event::RedirectionFailed),
    event("can't initialize iptables table", Event::RedirectionFailed),
    event("xtables parameter problem", Event::RedirectionFailed),
    event("Could not fetch rule set generation id", Event::RedirectionFailed),
    event("FATAL: Module ip_tables not found", Event::RedirectionFailed),
    event("FATAL: Module iptable_nat not found", Event::RedirectionFailed),
    event("FATAL: Module nf_tables not found", Event::RedirectionFailed),
    event("Failed to execute: iptables-restore", Event::RedirectionFailed),
    event("Failed to execute: ip6tables-restore", Event::RedirectionFailed),
    event("Failed to execute: nft", Event::RedirectionFailed),
    event("iptables validation failed", Event::RedirectionFailed),
    event("Error connecting to 127.0.0.6:15002", Event::RedirectionFailed),
    read("OOMKilled", out_of_memory),
    read("Back-off restarting failed container", back_off),
    event("no port available", Event::PlatformMessage),
    event("proxy request failed(data)", Event::PlatformMessage),
    event("fd_ != -1", Event::FileDescriptorsExhausted),
    event("socket: too many open files", Event::FileDescriptorsExhausted),
    event("accept4: too many open files", Event::FileDescriptorsExhausted),
];

/// A webhook of Istio that the API server does not trust, or does not reach.
fn webhook(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    const UNREACHED: &[&str] = &[
        "deadline exceeded",
        "connection refused",
        "connection reset",
        "no endpoints available",
        "no service port",
        "no route to host",
        "i/o timeout",
        "timed out",
        "Client.Timeout",
        "Service Unavailable",
        "Bad Gateway",
        "Address is not allowed",
        "EOF",
    ];
    let ours = holds_any(hit.line.message, &["istio", "sidecar-injector", "/inject"]);
    if !ours {
        return None;
    }
    if certificate::fault(hit.after).is_some() {
        return Some(happened(Event::WebhookUntrusted));
    }
    // YAML folds the message at its width.
    let is_cut = hit.after.trim_end().ends_with(": context");
    (is_cut || holds_any(hit.after, UNREACHED)).then(|| happened(Event::WebhookUnreachable))
}

/// `admission webhook "validation.istio.io" denied the request: …`; older ones are named after Pilot.
fn refused_by(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let (name, rest) = hit.after.split_once('"')?;
    let ours = name.ends_with(".istio.io") && holds_any(name, &["validation", "pilot"]);
    (ours && holds(rest, "denied the request")).then(|| happened(Event::ConfigurationRefused))
}

/// A message of Istio's analyzers, as `istioctl analyze` prints it, and istiod 1.30 and later behind `Configuration analysis:`.
fn analysed(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let (code, _) = hit.after.split_once(']')?;
    let is_code =
        code.strip_prefix("IST").is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()));
    is_code.then(|| happened(Event::AnalysisMessage))
}

/// A container that was killed; only the proxy's is certainly the mesh's.
fn out_of_memory(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let is_proxy = holds(hit.line.message, "istio-proxy");
    Some(happened(if is_proxy { Event::ProxyOutOfMemory } else { Event::ContainerOutOfMemory }))
}

const TOKEN: &str = "istio-token";
const ROOT: &str = "istiod-ca-cert";

fn unmounted(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let volumes = hit.after.split(']').next()?;
    volume(|name| volumes.split([' ', ',']).any(|volume| volume == name))
}

fn mount(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let name = hit.after.trim_start().strip_prefix('"')?.split('"').next()?;
    volume(|wanted| wanted == name)
}

fn volume<'a>(is: impl Fn(&str) -> bool) -> Option<Facts<'a>> {
    if is(TOKEN) {
        return Some(happened(Event::TokenMountFailed));
    }
    is(ROOT).then(|| happened(Event::RootCertificateMissing))
}

fn token_file(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    holds(hit.after, "no such file").then(|| happened(Event::TokenMountFailed))
}

fn probe(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let pod = hit.before.split_whitespace().find_map(|word| word.strip_prefix("pod/"));
    let pod = pod.filter(|pod| !pod.is_empty()).map(Into::into);
    Some(Facts { context: Context { pod, ..Context::default() }, ..probed(&hit) })
}

/// What a probe that failed says: once, as at every start, or for so long that it is none. The kubelet names the address only where it
/// got no answer; at the ports of Istio it is the proxy's.
fn probed(hit: &PhraseHit<'_>) -> Facts<'static> {
    if !hit.line.seen().is_some_and(Seen::goes_on) {
        return happened(Event::ProbeFailed);
    }
    let why = hit.after;
    let asked = |ports: &[&str]| ports.iter().any(|port| holds(why, port));
    let refused = holds(why, "connection refused");
    match () {
        () if asked(&[":15020", ":15021"]) && refused => happened(Event::ProxyNotStarted),
        () if asked(&[":15021"]) => happened(Event::ProxyNotReady),
        () if refused && holds_any(why, &["://", "dial tcp"]) => client::refused(),
        () => happened(Event::ProbeKeepsFailing),
    }
}

/// A container that ends and is started again; only those of Istio are the mesh's. Up to Kubernetes 1.25 the object alone names it.
fn back_off(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let named = |container: &str| holds(hit.line.message, container);
    if named("istio-proxy") {
        return Some(happened(Event::ProxyBackOff));
    }
    (named("istio-init") || named("istio-validation")).then(|| happened(Event::RedirectionFailed))
}

/// The kubelet's structured line: `"Probe failed" probeType="Readiness" pod="ns/name" … probeResult="failure"`.
fn kubelet(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let pod = hit.after.split_once("pod=\"").and_then(|(_, rest)| rest.split('"').next());
    let (namespace, name) = pod.and_then(|pod| pod.split_once('/')).unzip();
    let failed = holds_any(hit.line.message, &["Probe failed", "Probe errored", "probeResult=\"failure\""]);
    let context = Context { pod: name.map(Into::into), namespace: namespace.map(Into::into), ..Context::default() };
    failed.then(|| Facts { context, ..happened(Event::ProbeFailed) })
}

/// `Readiness probe for "pod_ns(uid):container" failed (failure): …`.
fn kubelet_old(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    holds(hit.after, "failed").then(|| happened(Event::ProbeFailed))
}

/// The hook that holds the application back until the proxy is ready.
fn wait(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let failed = first(hit.after).is_some() && holds_any(hit.after, &["failed", "timeout", "error"]);
    failed.then(|| happened(Event::ProxyNotReady))
}
