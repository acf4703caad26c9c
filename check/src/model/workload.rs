//! What makes pods.

use super::{Labels, Resource, ResourceKind};
use crate::document::Node;

/// The name of the proxy's container.
pub const PROXY_CONTAINER: &str = "istio-proxy";

/// A pod, or what makes pods from a template.
#[derive(Debug, Clone, Copy)]
pub struct Workload<'a> {
    /// The manifest.
    pub resource: Resource<'a>,
    /// The mapping with the pod's `metadata` and `spec`: the manifest itself for a Pod.
    pub pod: Node<'a>,
    labels: Labels<'a>,
    annotations: Labels<'a>,
}

/// A container of a pod.
#[derive(Debug, Clone, Copy)]
pub struct Container<'a>(pub Node<'a>);

impl<'a> Workload<'a> {
    /// The workload of a manifest; `None` when it makes no pods.
    #[must_use]
    pub fn of(resource: Resource<'a>) -> Option<Self> {
        if !resource.kind.is_workload() {
            return None;
        }
        let spec = resource.root.get("spec");
        let pod = match resource.kind {
            ResourceKind::Pod => resource.root,
            ResourceKind::CronJob => spec?.at(&["jobTemplate", "spec", "template"])?,
            _ => spec?.get("template")?,
        };
        let metadata = pod.get("metadata");
        Some(Self {
            resource,
            pod,
            labels: Labels::under(metadata, "labels"),
            annotations: Labels::under(metadata, "annotations"),
        })
    }

    /// The labels of its pods.
    #[must_use]
    pub fn labels(&self) -> Labels<'a> {
        self.labels
    }

    /// The annotations of its pods.
    #[must_use]
    pub fn annotations(&self) -> Labels<'a> {
        self.annotations
    }

    /// Its containers, without those that only start it.
    pub fn containers(&self) -> impl Iterator<Item = Container<'a>> + Clone + use<'a> {
        self.pod.get("spec").into_iter().flat_map(|spec| spec.list("containers")).map(Container)
    }

    /// The containers that start it, native sidecars among them.
    pub fn init_containers(&self) -> impl Iterator<Item = Container<'a>> + Clone + use<'a> {
        self.pod.get("spec").into_iter().flat_map(|spec| spec.list("initContainers")).map(Container)
    }

    /// Whether its pods want a proxy from the webhook; `None` where they leave it to the namespace.
    ///
    /// Labels of the pod count before those of the namespace, and a label before an annotation, as the webhook decides: see
    /// `pkg/kube/inject/webhook.go`, 1.30.
    #[must_use]
    pub fn asks_for_proxy(&self) -> Option<bool> {
        if self.pod.at(&["spec", "hostNetwork"]).and_then(Node::as_bool) == Some(true) {
            return Some(false);
        }
        let key = "sidecar.istio.io/inject";
        match self.labels().get(key).or_else(|| self.annotations().get(key)) {
            Some("false") => Some(false),
            Some("true") => Some(true),
            _ => self.labels().get("istio.io/rev").map(|_| true),
        }
    }

    /// The proxy's container, where it is written in the manifest.
    #[must_use]
    pub fn proxy(&self) -> Option<Container<'a>> {
        self.containers().chain(self.init_containers()).find(|container| container.name() == Some(PROXY_CONTAINER))
    }

    /// Whether a volume of the proxy's container holds this path, or may: a template of the user mounts anything.
    #[must_use]
    pub fn mounts_into_proxy(&self, path: &str) -> bool {
        let holds = |mount: &str| {
            path.strip_prefix(mount.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let annotated = self.annotations().get("sidecar.istio.io/userVolumeMount");
        let listed = annotated.is_some_and(|json| json.split('"').any(|piece| piece.starts_with('/') && holds(piece)));
        let own = self.proxy().is_some_and(|proxy| {
            let mut paths = proxy.0.list("volumeMounts").filter_map(|mount| mount.get("mountPath")?.text());
            paths.any(holds)
        });
        listed || own || self.annotations().get("inject.istio.io/templates").is_some()
    }
}

impl<'a> Container<'a> {
    /// Its name.
    #[must_use]
    pub fn name(self) -> Option<&'a str> {
        self.0.get("name")?.text()
    }

    /// Its image.
    #[must_use]
    pub fn image(self) -> Option<&'a str> {
        self.0.get("image")?.text()
    }

    /// The numbers of its ports.
    pub fn ports(self) -> impl Iterator<Item = Node<'a>> + Clone {
        self.0.list("ports").filter_map(|port| port.get("containerPort"))
    }

    /// Its ports, with names and protocols.
    pub fn port_nodes(self) -> impl Iterator<Item = Node<'a>> + Clone {
        self.0.list("ports")
    }

    /// The words that it is started with, as far as they are written.
    pub fn words(self) -> impl Iterator<Item = Node<'a>> + Clone {
        self.0.list("command").chain(self.0.list("args"))
    }
}
