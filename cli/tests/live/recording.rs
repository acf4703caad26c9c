//! Writes down what an API server answers, for the tests of the crate `cluster`, which have no server of that version:
//! `MESHWHY_KUBE_APISERVER=… MESHWHY_RECORD_ANSWERS=cluster/tests/fixtures/recorded/kubernetes-1.29.json.gz cargo test -p meshwhy --test live`.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use meshwhy_integration::kubernetes::ApiServer;
use serde_json::Value;

use crate::LOGS;

/// The groups whose resources are read, beside the core.
const GROUPS: [&str; 9] = [
    "admissionregistration.k8s.io",
    "apps",
    "batch",
    "extensions.istio.io",
    "gateway.networking.k8s.io",
    "networking.istio.io",
    "networking.k8s.io",
    "security.istio.io",
    "telemetry.istio.io",
];

/// Writes the answers to everything that may be asked of the mesh of the tests: paths without queries, and the bodies.
pub(crate) fn record(server: &ApiServer, file: &Path) -> Result<()> {
    let mut answers = BTreeMap::new();
    let mut asked = |path: String| -> Option<Value> {
        let body = server.answer(&path)?;
        let value = serde_json::from_str(&body).ok();
        answers.insert(path, body);
        value
    };
    asked("/version".to_owned());
    asked("/api".to_owned());
    let groups = asked("/apis".to_owned()).context("the API groups")?;
    let list = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let wanted = list(&groups, "/groups").into_iter().filter(|group| GROUPS.contains(&text(group, "name").as_str()));
    let versions =
        wanted.flat_map(|group| list(&group, "/versions")).map(|version| format!("/apis/{}", text(&version, "groupVersion")));
    for root in versions.chain(["/api/v1".to_owned()]) {
        let resources = asked(root.clone()).with_context(|| root.clone())?;
        for resource in list(&resources, "/resources") {
            let (name, is_listed) = (text(&resource, "name"), list(&resource, "/verbs").iter().any(|verb| verb == "list"));
            if is_listed && name != "secrets" {
                asked(format!("{root}/{name}"));
            }
        }
    }
    for namespace in ["shop", "istio-system"] {
        asked(format!("/api/v1/namespaces/{namespace}/pods"));
        asked(format!("/api/v1/namespaces/{namespace}/events"));
        asked(format!("/api/v1/namespaces/{namespace}/configmaps/istio"));
    }
    for log in LOGS {
        asked(format!("/api/v1/namespaces/{}/pods/{}/log?container={}&timestamps=true", log.namespace, log.pod, log.container));
    }
    let file = File::create(file).with_context(|| format!("writing {}", file.display()))?;
    let mut file = GzEncoder::new(file, Compression::best());
    serde_json::to_writer(&mut file, &answers)?;
    file.finish()?;
    Ok(())
}
