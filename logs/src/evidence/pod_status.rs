//! The status of a pod as the API server has it: why a container of the mesh does not run.
//!
//! Source: Kubernetes `PodStatus`, `ContainerStatus` and `ContainerState`, API reference 1.34.

use meshwhy_core::event::Event;
use meshwhy_core::{Context, Facts};
use serde_json::{Map, Value};

use super::phrase::happened;

/// Why a container waits that always ends, as it stands in an object.
pub(super) const MARK: &str = "\"CrashLoopBackOff\"";

/// Containers that set up the redirection of traffic, or test it.
const OF_REDIRECTION: [&str; 2] = ["istio-init", "istio-validation"];
const PROXY: &str = "istio-proxy";

/// Reads an object of kind Pod; `None` where it is another, or nothing keeps its containers from running.
pub(super) fn read(object: &Map<String, Value>) -> Option<Facts<'_>> {
    let text = |value: Option<&'_ Value>| value.and_then(Value::as_str).map(str::to_owned);
    if object.get("kind").and_then(Value::as_str) != Some("Pod") {
        return None;
    }
    let status = object.get("status")?;
    let statuses =
        ["initContainerStatuses", "containerStatuses"].into_iter().filter_map(|list| status.get(list)?.as_array()).flatten();
    let (event, status) = statuses.filter_map(|status| Some((event(status)?, status))).max_by_key(|(event, _)| weight(*event))?;
    let metadata = object.get("metadata");
    let ended = ["/state/terminated/finishedAt", "/lastState/terminated/finishedAt"].iter().find_map(|at| status.pointer(at));
    let context = Context {
        pod: text(metadata.and_then(|it| it.get("name"))).map(Into::into),
        namespace: text(metadata.and_then(|it| it.get("namespace"))).map(Into::into),
        start_time: text(ended).map(Into::into),
        ..Context::default()
    };
    Some(Facts { context, ..happened(event) })
}

/// What the status of one container says.
fn event(status: &Value) -> Option<Event> {
    let name = status.get("name")?.as_str()?;
    let reason = |at: &str| status.pointer(at).and_then(Value::as_str);
    let ended = ["/state/terminated/reason", "/lastState/terminated/reason"].map(reason);
    let is_backing_off = reason("/state/waiting/reason") == Some("CrashLoopBackOff");
    match name {
        PROXY if ended.contains(&Some("OOMKilled")) => Some(Event::ProxyOutOfMemory),
        PROXY if is_backing_off => Some(Event::ProxyBackOff),
        _ if OF_REDIRECTION.contains(&name) && is_backing_off => Some(Event::RedirectionFailed),
        _ if ended.contains(&Some("OOMKilled")) => Some(Event::ContainerOutOfMemory),
        _ => None,
    }
}

/// Without redirection no proxy starts, and a proxy that was killed says more than that it is started anew.
const fn weight(event: Event) -> u8 {
    match event {
        Event::RedirectionFailed => 3,
        Event::ProxyOutOfMemory => 2,
        Event::ProxyBackOff => 1,
        _ => 0,
    }
}
