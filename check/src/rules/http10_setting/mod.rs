//! A setting for HTTP/1.0 stands where it is not read, or has an unknown value.

use std::borrow::Cow;

use crate::document::{self, Node};
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{PROXY_CONTAINER, Resource, Workload};
use crate::rules::declare_rule;
use crate::vocabulary::formats::Format;

declare_rule! {
    code: "MWC729",
    slug: "http10-setting",
    since: "0.1.0",
    severity: Warning,
    explains: [http10_rejected],
    equivalent: &[],
    kinds: [Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob, ProxyConfig],
    each: Resource,
    message: "{setting}={value} has no effect on {object}",
    message_zh: "{setting}={value} 在 {object} 上不起作用",
    confirm: &[
Confirm { id: "log", steps: &[Command("kubectl -n {namespace} logs {pod} -c istio-proxy"), Note("The access log shows 426 and low_version.", "访问日志里有 426 和 low_version。")] },
    ],
    fixes: &[
Fix { id: "proxy", applicability: Review, steps: &[Patch(PatchKind::Fragment, "# pod template\nmetadata:\n  annotations:\n    proxy.istio.io/config: |\n      proxyMetadata:\n        ISTIO_META_HTTP10: \"1\"\n"), Patch(PatchKind::Fragment, "# istiod\nspec:\n  template:\n    spec:\n      containers:\n        - name: discovery\n          env:\n            - name: PILOT_HTTP10\n              value: \"true\"\n")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/reference/commands/pilot-discovery/#envvars",
"https://istio.io/latest/docs/reference/config/networking/proxy-config/",
"Istio pilot/pkg/networking/core/listener.go, 1.30",
    ],
}

/// The setting of istiod.
const OF_ISTIOD: &str = "PILOT_HTTP10";
/// The setting of a proxy.
const OF_PROXY: &str = "ISTIO_META_HTTP10";
/// The container of istiod.
const ISTIOD_CONTAINER: &str = "discovery";

fn check<'a>(_: &Mesh<'a>, resource: Resource<'a>, findings: &mut Findings<'a>) {
    if let Some(workload) = Workload::of(resource) {
        check_workload(&workload, findings);
        return;
    }
    let variables = resource.spec().get("environmentVariables");
    let Some((key, value)) = variables.and_then(unread) else { return };
    let place = variables.and_then(|variables| variables.get(key)).unwrap_or(resource.root);
    findings.add(finding(&resource, place, key, value, "environmentVariables"));
}

fn check_workload<'a>(workload: &Workload<'a>, findings: &mut Findings<'a>) {
    for container in workload.containers().chain(workload.init_containers()) {
        let name = container.name().unwrap_or_default();
        for variable in container.0.list("env") {
            let key = [OF_ISTIOD, OF_PROXY].into_iter().find(|key| variable.str_at(&["name"]) == Some(key));
            let (Some(key), Some(value)) = (key, variable.get("value")) else { continue };
            let is_read = match key {
                OF_ISTIOD => name == ISTIOD_CONTAINER && Format::Boolean.refused(value.text().unwrap_or_default()).is_none(),
                _ => name == PROXY_CONTAINER && is_of_proxy(value),
            };
            if !is_read {
                findings.add(finding(&workload.resource, value, key, value.text(), name));
            }
        }
    }
    let Some(annotation) = workload.annotations().node("proxy.istio.io/config") else { return };
    let Some(text) = annotation.text().filter(|text| text.contains("HTTP10")) else { return };
    let config = document::parse(0, text);
    let metadata = config.documents.first().and_then(|document| document.root().get("proxyMetadata"));
    if let Some((key, value)) = metadata.and_then(unread) {
        findings.add(finding(&workload.resource, annotation, key, value.map(str::to_owned), "proxyMetadata"));
    }
}

fn finding<'a>(
    resource: &Resource<'a>,
    place: Node<'a>,
    setting: &'static str,
    value: Option<impl Into<Cow<'a, str>>>,
    object: &'a str,
) -> Finding<'a> {
    let value = value.map_or(Cow::Borrowed(""), Into::into);
    Finding::new(resource, place).with("setting", setting).with("value", value).with("object", object)
}

/// The first setting in a proxy's metadata that is not read there, with its value.
fn unread(metadata: Node<'_>) -> Option<(&'static str, Option<&str>)> {
    if let Some(value) = metadata.get(OF_ISTIOD) {
        return Some((OF_ISTIOD, value.text()));
    }
    // What is no text is refused as a whole, for which there is a rule on annotations.
    let value = metadata.get(OF_PROXY).filter(|value| value.as_str().is_some() && !is_of_proxy(*value))?;
    Some((OF_PROXY, value.text()))
}

/// Whether a proxy understands a value. What says no is understood as well as nothing.
fn is_of_proxy(value: Node<'_>) -> bool {
    matches!(value.text(), Some("1" | "0" | "" | "false"))
}
