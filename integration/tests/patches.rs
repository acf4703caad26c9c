//! Every Envoy configuration that a fix prints, as a fragment or inside an EnvoyFilter, is accepted by the real Envoy.
//!
//! `MESHWHY_VERBOSE=1 cargo test -p meshwhy-integration --test patches -- --nocapture` lists the place that each fragment fits.

#![expect(clippy::unwrap_used, reason = "a broken schema or template must fail loudly")]

use anyhow::{Context, Result, bail, ensure};
use meshwhy_core::catalogue::fix::{PatchKind, Step};
use meshwhy_core::catalogue::slot::{Piece, pieces};
use meshwhy_core::causes::REGISTRY;
use meshwhy_integration::RunDirectory;
use meshwhy_integration::envoy::{Launcher, locate};
use meshwhy_integration::proxy::Proxy;
use serde_json::Value;

/// The patches of the catalogue: where they stand, their kind, their text with example values in the slots.
fn patches() -> impl Iterator<Item = (String, PatchKind, String)> {
    REGISTRY.iter().flat_map(|cause| {
        let confirms = cause.confirm.iter().map(|confirm| (confirm.id, confirm.steps));
        let fixes = cause.fixes.iter().flat_map(|fix| [(fix.id, fix.steps), (fix.id, fix.verify)]);
        confirms.chain(fixes).flat_map(move |(id, steps)| {
            steps.iter().filter_map(move |step| match step {
                Step::Patch(kind, template) => Some((format!("{} {id}", cause.slug), *kind, filled(template))),
                Step::Command(_) | Step::Note(..) => None,
            })
        })
    })
}

fn filled(template: &str) -> String {
    let piece = |piece| match piece {
        Piece::Text(text) => text,
        Piece::Slot(slot) => slot.example(),
    };
    pieces(template).unwrap().into_iter().map(piece).collect()
}

/// A sidecar, and the Envoy to ask.
struct Judge {
    launcher: Launcher,
    directory: RunDirectory,
    proxy: Proxy,
}

impl Judge {
    fn new() -> Result<Self> {
        let directory = RunDirectory::new("patches")?;
        let judge = Self { launcher: locate()?, proxy: Proxy::sidecar(directory.path())?, directory };
        judge.ask(&judge.proxy).context("the sidecar without a patch")?;
        Ok(judge)
    }

    fn ask(&self, proxy: &Proxy) -> Result<()> {
        proxy.validate(&self.launcher, self.directory.path())
    }

    /// Judges a patch; says what it was taken for, and nothing when it is none of Envoy's.
    fn judge(&self, kind: PatchKind, yaml: &str) -> Result<Option<&'static str>> {
        let documents: Vec<Value> = serde_saphyr::from_multiple(yaml)?;
        let mut taken = None;
        for document in documents.iter().filter(|document| !document.is_null()) {
            if document.pointer("/spec/configPatches").is_some() {
                self.ask(&self.proxy.with_envoy_filter(document)?)?;
                taken = Some("EnvoyFilter");
            } else if kind == PatchKind::Envoy {
                taken = Some(self.fragment(yaml, document)?);
            }
        }
        Ok(taken)
    }

    fn fragment(&self, yaml: &str, fragment: &Value) -> Result<&'static str> {
        ensure!(fragment.as_object().is_some_and(|fields| !fields.is_empty()), "a fragment is a mapping that is not empty");
        let comment: String = yaml.lines().map_while(|line| line.trim().strip_prefix('#')).collect();
        let mut reasons = Vec::new();
        for (place, proxy) in self.proxy.with_fragment(&comment, fragment) {
            match self.ask(&proxy) {
                Ok(()) => return Ok(place),
                Err(error) => reasons.push(format!("as part of {place}: {error:#}")),
            }
        }
        bail!("{}", reasons.join("\n"))
    }
}

#[test]
fn every_envoy_patch_is_accepted_by_envoy() -> Result<()> {
    let judge = Judge::new()?;
    let (mut checked, mut failures) = (0, Vec::new());
    for (place, kind, yaml) in patches() {
        match judge.judge(kind, &yaml) {
            Ok(None) => continue,
            Ok(Some(taken)) if std::env::var_os("MESHWHY_VERBOSE").is_some() => eprintln!("{place}: {taken}"),
            Ok(Some(_)) => {}
            Err(error) => failures.push(format!("{place}: {error:#}\n{yaml}")),
        }
        checked += 1;
    }
    ensure!(checked > 0, "the catalogue has no patch for Envoy");
    ensure!(failures.is_empty(), "{} of {checked} patches are refused\n\n{}", failures.len(), failures.join("\n\n"));
    Ok(())
}

#[test]
fn envoy_refuses_a_slip_in_an_envoy_filter() -> Result<()> {
    let judge = Judge::new()?;
    let filter = |target: &str, operation: &str, value: &str| {
        let yaml = format!("spec: {{configPatches: [{{applyTo: {target}, patch: {{operation: {operation}, value: {value}}}}}]}}");
        judge.judge(PatchKind::Resource, &yaml)
    };
    assert_eq!(filter("CLUSTER", "MERGE", "{connect_timeout: 3s}")?, Some("EnvoyFilter"));
    assert_eq!(filter("HTTP_ROUTE", "MERGE", "{route: {timeout: 3s}}")?, Some("EnvoyFilter"));
    for context in ["ANY", "SIDECAR_INBOUND", "SIDECAR_OUTBOUND", "GATEWAY", "WAYPOINT"] {
        let value = "{route: {timeouts: 3s}}";
        let yaml = format!(
            "spec: {{configPatches: [{{applyTo: HTTP_ROUTE, match: {{context: {context}}}, patch: {{operation: MERGE, value: {value}}}}}]}}"
        );
        assert!(judge.judge(PatchKind::Resource, &yaml).is_err_and(|error| error.to_string().contains("timeouts")), "{context}");
    }
    for (target, operation, value) in [
        ("CLUSTER", "MERGE", "{connect_timeouts: 3s}"),
        ("HTTP_ROUTE", "MERGE", "{route: {timeout: 3}}"),
        ("LISTENER", "MERGE", "{per_connection_buffer_limit_bytes: -1}"),
        ("HTTP_FILTER", "INSERT_FIRST", "{name: envoy.filters.http.nothing}"),
        ("GATEWAY", "MERGE", "{}"),
    ] {
        assert!(filter(target, operation, value).is_err(), "{target} {operation} {value}");
    }
    Ok(())
}

#[test]
fn a_fragment_is_tried_where_its_comment_says() -> Result<()> {
    let judge = Judge::new()?;
    for (yaml, expected) in [
        ("max_request_headers_kb: 96\n", "HttpConnectionManager"),
        ("# Cluster: of the upstream\nconnect_timeout: 1s\n", "cluster"),
        ("# virtual host\nrequire_tls: ALL\n", "virtual_host"),
        ("per_connection_buffer_limit_bytes: 1000\n", "cluster"),
        ("# listener\nper_connection_buffer_limit_bytes: 1000\n", "listener"),
        ("layered_runtime: {layers: [{name: more, static_layer: {a: 1}}]}\n", "bootstrap"),
    ] {
        assert_eq!(judge.judge(PatchKind::Envoy, yaml)?, Some(expected), "{yaml}");
    }
    for refused in ["# cluster\nmax_request_headers_kb: 96\n", "max_request_header_kb: 96\n", "just text\n"] {
        assert!(judge.judge(PatchKind::Envoy, refused).is_err(), "{refused}");
    }
    Ok(())
}
