//! From facts of a failed request to the line of the manifests: each case marks the line with `# here`, or none.
//!
//! Whole cases of a recorded mesh are in `cli/tests/join.rs`, since it takes log lines to get there.

#![allow(clippy::unwrap_used, reason = "a broken case must fail loudly")]

mod routing;
mod security;
mod settings;

use meshwhy_check::join::{explain, hidden_failure};
use meshwhy_check::mesh::Settings;
use meshwhy_check::report::{location, with_mesh};
use meshwhy_check::rules::run;
use meshwhy_check::source::Source;
use meshwhy_core::facts::Fact;
use meshwhy_core::{Cause, Facts};

const REVIEWS: &str = "
apiVersion: v1
kind: Service
metadata: {name: reviews, namespace: shop}
spec:
  selector: {app: reviews}
  ports:
  - {name: http, port: 9080}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: reviews, namespace: shop}
spec:
  template:
    metadata: {labels: {app: reviews, version: v1}}
    spec: {containers: [{name: reviews, ports: [{containerPort: 9080}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template: {metadata: {labels: {app: web}}}
---
";

/// The facts of a request from `web` to `reviews`, and others as `key=value` by their names in `docs/facts.md`.
fn facts<'a>(more: &[&'a str]) -> Facts<'a> {
    let usual = ["pod=web-5d8f7-abcde", "side=outbound", "method=GET", "path=/list", "authority=reviews:9080", "status=503"];
    let mut facts = Facts::default();
    for pair in usual.iter().chain(more) {
        let (name, value) = pair.split_once('=').unwrap();
        let fact = Fact::ALL.iter().find(|fact| fact.name() == name).unwrap();
        facts.put(*fact, value.into());
    }
    facts
}

/// The line that is named, beside the one that is marked.
fn lines(slug: &str, more: &[&str], manifests: &str) -> (Option<u32>, Option<u32>) {
    let cause = Cause::find(slug).unwrap();
    let text = format!("{REVIEWS}{manifests}");
    let marked = text.lines().zip(1..).find(|(line, _)| line.ends_with("# here")).map(|(_, number)| number);
    let files = [Source { name: "all.yaml".to_owned(), text }];
    let named = with_mesh(&files, None, &Settings::default(), |mesh, sources| {
        explain(mesh, cause, &facts(more), &run(mesh)).map(|cause| location(sources, cause.place).line)
    });
    (named, marked)
}

#[track_caller]
fn named(slug: &str, more: &[&str], manifests: &str) {
    let (named, marked) = lines(slug, more, manifests);
    assert!(marked.is_some(), "nothing is marked");
    assert_eq!(named, marked, "{slug}: {more:?}");
}

#[track_caller]
fn silent(slug: &str, more: &[&str], manifests: &str) {
    assert_eq!(lines(slug, more, manifests).0, None, "{slug}: {more:?}");
}

/// A manifest of `shop` with a spec in flow style or block.
fn manifest(kind: &str, name: &str, spec: &str) -> String {
    let group = match kind {
        "AuthorizationPolicy" | "PeerAuthentication" | "RequestAuthentication" => "security.istio.io/v1",
        "EnvoyFilter" => "networking.istio.io/v1alpha3",
        "HTTPRoute" => "gateway.networking.k8s.io/v1",
        _ => "networking.istio.io/v1",
    };
    format!("apiVersion: {group}\nkind: {kind}\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n{spec}\n---\n")
}

fn routes(http: &str) -> String {
    manifest("VirtualService", "reviews", &format!("  hosts: [reviews]\n  http:\n{http}"))
}

fn policy(traffic: &str) -> String {
    manifest("DestinationRule", "reviews", &format!("  host: reviews\n  trafficPolicy:\n{traffic}"))
}

const CLUSTER: &str = "cluster=outbound|9080||reviews.shop.svc.cluster.local";
