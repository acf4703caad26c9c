//! Events of the cluster: tables of `kubectl get events` and `describe`, the kubelet's own lines, errors of the API server.

use meshwhy_core::event::Event;
use meshwhy_core::{Context, Facts};

use super::certificate;
use super::phrase::{Phrase, Said, event, happened, read};
use super::words::{first, holds, holds_any};

pub(super) const PHRASES: &[Phrase] = &[
    read("failed calling webhook", webhook),
    read("failed calling admission webhook", webhook),
    read("failed to call webhook", webhook),
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
];

/// A webhook of Istio that the API server calls and does not trust; why else a call fails is another matter.
fn webhook(said: Said<'_>) -> Option<Facts<'_>> {
    let ours = holds_any(said.line.message, &["istio", "sidecar-injector", "/inject"]);
    (ours && certificate::fault(said.after).is_some()).then(|| happened(Event::WebhookUntrusted))
}

const TOKEN: &str = "istio-token";
const ROOT: &str = "istiod-ca-cert";

fn unmounted(said: Said<'_>) -> Option<Facts<'_>> {
    let volumes = said.after.split(']').next()?;
    volume(|name| volumes.split([' ', ',']).any(|volume| volume == name))
}

fn mount(said: Said<'_>) -> Option<Facts<'_>> {
    let name = said.after.trim_start().strip_prefix('"')?.split('"').next()?;
    volume(|wanted| wanted == name)
}

fn volume<'a>(is: impl Fn(&str) -> bool) -> Option<Facts<'a>> {
    if is(TOKEN) {
        return Some(happened(Event::TokenMountFailed));
    }
    is(ROOT).then(|| happened(Event::SecretMissing))
}

fn token_file(said: Said<'_>) -> Option<Facts<'_>> {
    holds(said.after, "no such file").then(|| happened(Event::TokenMountFailed))
}

fn probe(said: Said<'_>) -> Option<Facts<'_>> {
    let pod = said.before.split_whitespace().find_map(|word| word.strip_prefix("pod/"));
    let pod = pod.filter(|pod| !pod.is_empty()).map(Into::into);
    let event = match (goes_on(said.before), holds(said.after, "connection refused")) {
        (false, _) => Event::ProbeFailed,
        (true, true) => Event::ProxyNotStarted,
        (true, false) => Event::ProxyNotReady,
    };
    Some(Facts { context: Context { pod, ..Context::default() }, ..happened(event) })
}

/// Whether the row of an event says that it was seen again for hours: `2m (x130 over 4d1h)`.
fn goes_on(before: &str) -> bool {
    const OFTEN: u64 = 10;
    let Some((_, rest)) = before.rsplit_once("(x") else { return false };
    let Some((count, rest)) = rest.split_once(" over ") else { return false };
    let age = rest.split(')').next().unwrap_or_default();
    count.parse().is_ok_and(|count: u64| count >= OFTEN) && age.contains(['h', 'd'])
}

/// The kubelet's structured line: `"Probe failed" probeType="Readiness" pod="ns/name" … probeResult="failure"`.
fn kubelet(said: Said<'_>) -> Option<Facts<'_>> {
    let pod = said.after.split_once("pod=\"").and_then(|(_, rest)| rest.split('"').next());
    let (namespace, name) = pod.and_then(|pod| pod.split_once('/')).unzip();
    let failed = holds_any(said.line.message, &["Probe failed", "Probe errored", "probeResult=\"failure\""]);
    let context = Context { pod: name.map(Into::into), namespace: namespace.map(Into::into), ..Context::default() };
    failed.then(|| Facts { context, ..happened(Event::ProbeFailed) })
}

/// `Readiness probe for "pod_ns(uid):container" failed (failure): …`.
fn kubelet_old(said: Said<'_>) -> Option<Facts<'_>> {
    holds(said.after, "failed").then(|| happened(Event::ProbeFailed))
}

/// The hook that holds the application back until the proxy is ready.
fn wait(said: Said<'_>) -> Option<Facts<'_>> {
    let failed = first(said.after).is_some() && holds_any(said.after, &["failed", "timeout", "error"]);
    failed.then(|| happened(Event::ProxyNotReady))
}
