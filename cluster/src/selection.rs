//! Which pods are meant.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{ContainerState, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::api::{DynamicObject, ListParams, ObjectList};
use kube::core::{ApiResource, GroupVersionKind, Selector};
use kube::{Api, Client, Error};
use serde_json::json;
use tokio::time::timeout;

use crate::client::ANSWER;
use crate::gap::{Gap, GapReason};
use crate::proxies::{ProxyContainer, ProxyKind};

/// How many objects come in one answer.
const PAGE: u32 = 500;
/// How often a list is begun anew that has grown too old while it was read (410).
const ANEW: u32 = 2;

/// Which pods.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// What owns them, or they themselves; all pods where empty.
    pub subjects: Vec<Subject>,
    /// Where they are.
    pub namespaces: Namespaces,
    /// Their labels, as `kubectl -l` takes them.
    pub labels: Option<String>,
}

/// Where to look.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Namespaces {
    /// The namespace of the context.
    #[default]
    Current,
    /// This one.
    One(String),
    /// All of them.
    All,
}

/// What `kubectl` calls `TYPE/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its type.
    pub kind: SubjectKind,
    /// Its name.
    pub name: String,
}

/// A type that pods belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectKind {
    /// The pod itself.
    Pod,
    /// A Deployment.
    Deployment,
    /// A StatefulSet.
    StatefulSet,
    /// A DaemonSet.
    DaemonSet,
    /// A ReplicaSet.
    ReplicaSet,
    /// A Job.
    Job,
    /// A Service.
    Service,
    /// A Gateway of the Gateway API; a waypoint is one.
    Gateway,
}

impl SubjectKind {
    const ALL: [(Self, &'static [&'static str]); 8] = [
        (Self::Pod, &["pod", "pods", "po"]),
        (Self::Deployment, &["deployment", "deployments", "deploy", "deployment.apps", "deployments.apps"]),
        (Self::StatefulSet, &["statefulset", "statefulsets", "sts", "statefulset.apps", "statefulsets.apps"]),
        (Self::DaemonSet, &["daemonset", "daemonsets", "ds", "daemonset.apps", "daemonsets.apps"]),
        (Self::ReplicaSet, &["replicaset", "replicasets", "rs", "replicaset.apps", "replicasets.apps"]),
        (Self::Job, &["job", "jobs", "job.batch", "jobs.batch"]),
        (Self::Service, &["service", "services", "svc"]),
        (
            Self::Gateway,
            &["gateway", "gateways", "gtw", "gateway.gateway.networking.k8s.io", "gateways.gateway.networking.k8s.io"],
        ),
    ];

    /// Group, version and kind, and the plural in addresses.
    const fn resource(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::Pod => ("", "v1", "Pod", "pods"),
            Self::Deployment => ("apps", "v1", "Deployment", "deployments"),
            Self::StatefulSet => ("apps", "v1", "StatefulSet", "statefulsets"),
            Self::DaemonSet => ("apps", "v1", "DaemonSet", "daemonsets"),
            Self::ReplicaSet => ("apps", "v1", "ReplicaSet", "replicasets"),
            Self::Job => ("batch", "v1", "Job", "jobs"),
            Self::Service => ("", "v1", "Service", "services"),
            Self::Gateway => ("gateway.networking.k8s.io", "v1", "Gateway", "gateways"),
        }
    }

    fn api_resource(self) -> ApiResource {
        let (group, version, kind, plural) = self.resource();
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
    }
}

impl Subject {
    /// Reads `TYPE/NAME`, with the types and short names of `kubectl`; `None` where it is nothing of the kind.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once('/')?;
        let kind = kind.to_ascii_lowercase();
        let (kind, _) = SubjectKind::ALL.into_iter().find(|(_, names)| names.contains(&kind.as_str()))?;
        is_name(name).then(|| Self { kind, name: name.to_owned() })
    }
}

/// Whether a text can be the name of an object: lower-case letters, digits, `-` and `.`, at most 253 bytes.
///
/// Source: Kubernetes, "Object Names and IDs", DNS subdomain names.
pub(crate) fn is_name(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let ends_well = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = text.as_bytes();
    bytes.len() <= 253 && bytes.iter().copied().all(is_inner) && ends_well(bytes.first()) && ends_well(bytes.last())
}

/// The proxies that are to be read.
#[derive(Debug, Default)]
pub struct Selected {
    /// The containers, by namespace, pod and name.
    pub containers: Vec<ProxyContainer>,
    /// Whether the traffic of any pod that was meant goes through a proxy: the control plane alone says nothing of requests.
    pub has_proxy: bool,
    /// How many of the pods that were meant have no proxy.
    pub without: usize,
    /// Of each pod that was meant and has a container that does not run, or ended before: the states of all of them, as a JSON object of kind
    /// Pod with nothing else.
    pub statuses: Vec<String>,
    /// What of the pods that were meant could not be found out.
    pub gaps: Vec<Gap>,
    /// What could not be found out of the control plane, and of the ztunnels around them.
    pub gaps_around: Vec<Gap>,
}

impl Selection {
    /// The namespace, `None` for all of them.
    pub(crate) fn namespace<'s>(&'s self, current: &'s str) -> Option<&'s str> {
        match &self.namespaces {
            Namespaces::Current => Some(current),
            Namespaces::One(name) => Some(name),
            Namespaces::All => None,
        }
    }

    /// Finds the pods; for those of the ambient mesh also the ztunnels of their nodes, and in any case istiod.
    pub(crate) async fn resolve(&self, client: &Client, current: &str, root: &str) -> Selected {
        let namespace = self.namespace(current);
        let mut selected = Selected::default();
        let mut pods: Vec<Pod> = Vec::new();
        for labels in self.selectors(client, current, &mut selected.gaps).await {
            match labels {
                Wanted::Labels(labels) => match pods_of(client, namespace, labels.as_deref()).await {
                    Ok(found) => pods.extend(found),
                    Err(gap) => selected.gaps.push(gap),
                },
                Wanted::Pod(pod) => pods.push(*pod),
            }
        }
        let mut containers: BTreeSet<ProxyContainer> = BTreeSet::new();
        let mut nodes: BTreeSet<&str> = BTreeSet::new();
        for pod in &pods {
            let found = ProxyContainer::of(pod);
            let is_ambient = ProxyContainer::is_ambient(pod);
            let has_proxy = !found.is_empty() || is_ambient;
            selected.without += usize::from(!has_proxy);
            selected.has_proxy |= has_proxy;
            nodes.extend(pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).filter(|_| is_ambient));
            containers.extend(found);
            selected.statuses.extend(status(pod));
        }
        if namespace.is_some_and(|namespace| namespace != root) {
            let around = self.around(client, root, &nodes, &mut selected.gaps_around).await;
            containers.extend(around);
        }
        selected.containers = containers.into_iter().collect();
        selected
    }

    /// istiod, and the ztunnels of some nodes.
    async fn around(&self, client: &Client, root: &str, nodes: &BTreeSet<&str>, gaps: &mut Vec<Gap>) -> Vec<ProxyContainer> {
        let wanted: &[&str] = if nodes.is_empty() { &["app=istiod"] } else { &["app=istiod", "app=ztunnel"] };
        let mut found = Vec::new();
        for labels in wanted {
            match pods_of(client, Some(root), Some(labels)).await {
                Ok(pods) => found.extend(pods.iter().flat_map(ProxyContainer::of)),
                Err(gap) => gaps.push(Gap { what: format!("{} ({labels})", gap.what), ..gap }),
            }
        }
        found.retain(|it| it.kind != ProxyKind::Ztunnel || it.node.as_deref().is_some_and(|node| nodes.contains(node)));
        found
    }

    /// The label selectors of the pods that are meant.
    async fn selectors(&self, client: &Client, current: &str, gaps: &mut Vec<Gap>) -> Vec<Wanted> {
        if self.subjects.is_empty() {
            return vec![Wanted::Labels(self.labels.clone())];
        }
        let namespace = self.namespace(current).unwrap_or(current);
        let mut wanted = Vec::new();
        for subject in &self.subjects {
            match subject.selector(client, namespace).await {
                Ok(Wanted::Labels(Some(labels))) => {
                    let both = self.labels.iter().map(String::as_str).chain([labels.as_str()]).collect::<Vec<_>>().join(",");
                    wanted.push(Wanted::Labels(Some(both)));
                }
                Ok(other) => wanted.push(other),
                Err(gap) => gaps.push(gap),
            }
        }
        wanted
    }
}

/// The states of a pod's containers, where there is anything to say of them.
fn status(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let mut all = status.container_statuses.iter().chain(&status.init_container_statuses).flatten();
    let stands = |state: &ContainerState| state.waiting.is_some() || state.terminated.is_some();
    all.find(|container| [&container.state, &container.last_state].into_iter().flatten().any(stands))?;
    let object = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": pod.metadata.name, "namespace": pod.metadata.namespace},
        "status": {"containerStatuses": status.container_statuses, "initContainerStatuses": status.init_container_statuses},
    });
    Some(object.to_string())
}

enum Wanted {
    Labels(Option<String>),
    Pod(Box<Pod>),
}

impl Subject {
    /// How its pods are selected.
    async fn selector(&self, client: &Client, namespace: &str) -> Result<Wanted, Gap> {
        let (_, _, _, plural) = self.kind.resource();
        let what = format!("{plural} {}.{namespace}", self.name);
        let none = |why: &str| Gap { what: what.clone(), reason: GapReason::Failed(why.to_owned()) };
        if self.kind == SubjectKind::Pod {
            let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
            return Ok(Wanted::Pod(Box::new(answered(&what, api.get(&self.name)).await?)));
        }
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &self.kind.api_resource());
        let object = answered(&what, api.get(&self.name)).await?;
        let selector = match self.kind {
            SubjectKind::Gateway => {
                return Ok(Wanted::Labels(Some(format!("gateway.networking.k8s.io/gateway-name={}", self.name))));
            }
            SubjectKind::Service => {
                let labels = object.data.pointer("/spec/selector").cloned().unwrap_or_default();
                LabelSelector { match_labels: serde_json::from_value(labels).ok(), ..LabelSelector::default() }
            }
            _ => serde_json::from_value(object.data.pointer("/spec/selector").cloned().unwrap_or_default()).unwrap_or_default(),
        };
        let selector = Selector::try_from(selector).map_err(|error| none(&error.to_string()))?;
        // One that selects everything is no selector, but a Service without one.
        if selector.selects_all() { Err(none("it selects no pods")) } else { Ok(Wanted::Labels(Some(selector.to_string()))) }
    }
}

/// Waits for an answer, but not for ever.
pub(crate) async fn answered<T>(what: &str, request: impl Future<Output = Result<T, Error>>) -> Result<T, Gap> {
    match timeout(ANSWER, request).await {
        Err(_) => Err(Gap { what: what.to_owned(), reason: GapReason::Silent(ANSWER.as_secs()) }),
        Ok(Err(error)) => Err(Gap::of(what, &error)),
        Ok(Ok(answer)) => Ok(answer),
    }
}

async fn pods_of(client: &Client, namespace: Option<&str>, labels: Option<&str>) -> Result<Vec<Pod>, Gap> {
    let (api, what): (Api<Pod>, String) = match namespace {
        Some(namespace) => (Api::namespaced(client.clone(), namespace), format!("pods of {namespace}")),
        None => (Api::all(client.clone()), "pods of all namespaces".to_owned()),
    };
    all(&api, &what, labels).await
}

/// All objects of a list, page by page.
pub(crate) async fn all<K>(api: &Api<K>, what: &str, labels: Option<&str>) -> Result<Vec<K>, Gap>
where
    K: Clone + serde::de::DeserializeOwned + std::fmt::Debug,
{
    let first = ListParams { label_selector: labels.map(str::to_owned), limit: Some(PAGE), ..ListParams::default() };
    let (mut parameters, mut found, mut anew) = (first.clone(), Vec::new(), 0);
    loop {
        let page: ObjectList<K> = match answered(what, api.list(&parameters)).await {
            // The rest of a list is kept for some minutes only.
            Err(Gap { reason: GapReason::Failed(_), .. }) if parameters.continue_token.is_some() && anew < ANEW => {
                anew += 1;
                found.clear();
                parameters = first.clone();
                continue;
            }
            page => page?,
        };
        found.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters.continue_token = Some(token),
            None => return Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_of_which_all_containers_run_have_no_status() {
        let pod = |state: &str| -> Pod {
            let text = format!(
                r#"{{"metadata":{{"name":"pay-1"}},"status":{{"containerStatuses":[
                    {{"name":"istio-proxy","image":"","imageID":"","ready":true,"restartCount":0,{state}}}]}}}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        assert_eq!(status(&pod(r#""state":{"running":{}}"#)), None);
        for state in [
            r#""state":{"waiting":{"reason":"CrashLoopBackOff"}}"#,
            r#""state":{"running":{}},"lastState":{"terminated":{"reason":"OOMKilled","exitCode":137}}"#,
        ] {
            assert!(status(&pod(state)).is_some_and(|text| text.contains("pay-1")), "{state}");
        }
    }

    #[test]
    fn subjects_are_written_as_for_kubectl() {
        let kind = |text: &str| Subject::parse(text).map(|subject| subject.kind);
        assert_eq!(kind("deploy/pay"), Some(SubjectKind::Deployment));
        assert_eq!(kind("Deployment.apps/pay"), Some(SubjectKind::Deployment));
        assert_eq!(kind("po/pay-7d9f-x2"), Some(SubjectKind::Pod));
        assert_eq!(kind("svc/pay"), Some(SubjectKind::Service));
        for no_subject in
            ["pay", "logs/pay.log", "deploy/", "deploy/../../etc/passwd", "deploy/Pay", "deploy/a/b", "pod/-a", "/var/log"]
        {
            assert_eq!(kind(no_subject), None, "{no_subject}");
        }
    }
}
