//! The access log that a waypoint is given without a module, as rendered: Envoy takes its format, and its lines are understood.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use meshwhy_diagnose::Analysis;
use meshwhy_envoyfilter::{Install, Mode, Proxies};
use meshwhy_integration::tail::wait_for;
use meshwhy_integration::{RunDirectory, Scenario, Session, Setup, load_all};
use serde_json::{Value, json};

/// How long a line of a log may take; Envoy flushes its files every 50 milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

const WAYPOINTS: Proxies = Proxies { sidecars: false, gateways: false, waypoints: true };

/// The fields of the provider's format, for an Istio whose Envoy knows CEL in access logs.
fn labels() -> Result<Value> {
    let rendering = Install { istio_minor: Some(29), ..Install::new(Mode::Native, WAYPOINTS) }.render()?;
    let (_, text) = rendering.snippets.iter().find(|(name, _)| *name == "mesh-config.yaml").context("no mesh configuration")?;
    let values: Value = serde_saphyr::from_str(text)?;
    let labels = values.pointer("/meshConfig/extensionProviders/0/envoyFileAccessLog/logFormat/labels");
    labels.cloned().context("no labels")
}

/// What istiod makes of the provider.
fn logger(labels: &Value, log: &Path) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": "log", "namespace": "istio-system"},
        "spec": {"configPatches": [{
            "applyTo": "NETWORK_FILTER",
            "match": {"context": "ANY", "listener": {"filterChain": {"filter": {"name": "envoy.filters.network.http_connection_manager"}}}},
            "patch": {"operation": "MERGE", "value": {"typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                "access_log": [{
                    "name": "envoy.access_loggers.file",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                        "path": log,
                        "log_format": {"json_format": labels},
                    },
                }],
            }}},
        }]},
    })
}

#[test]
fn its_lines_say_which_filter_answered() -> Result<()> {
    let directory = RunDirectory::new("waypoint-log")?;
    let log = directory.path().join("waypoint.log");
    let scenarios = load_all()?;
    let scenario = scenarios.iter().flat_map(Scenario::cases).find(|scenario| scenario.slug == "fault-injected");
    let scenario = scenario.context("no scenario of a fault")?;
    let setup = Setup::new(None).beside(vec![logger(&labels()?, &log)]);
    Session::start(std::slice::from_ref(&scenario), &setup)?.check(|session| {
        session.send(&scenario.id(), &scenario.request)?;
        let line = wait_for(PATIENCE, || fs::read_to_string(&log).ok().filter(|text| text.ends_with('\n')));
        let line = line.context("no line")?;
        let analysis = Analysis::of(line.as_bytes());
        let group = analysis.groups.first().with_context(|| line.clone())?;
        ensure!(group.verdict.cause.slug == "fault-injected", "{line}");
        let context = &group.facts.context;
        ensure!(context.local_reply_owner.as_deref() == Some("envoy.filters.http.fault"), "{line}");
        ensure!(context.mtls == Some(false), "{line}");
        Ok(())
    })
}
