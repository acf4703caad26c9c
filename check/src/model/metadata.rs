//! The `metadata` of a manifest, and of what it makes.

use super::{Labels, Resource, ResourceKind, Workload};
use crate::document::Node;

/// A `metadata` with labels and annotations.
#[derive(Debug, Clone, Copy)]
pub struct Metadata<'a> {
    /// The manifest that it stands in.
    pub resource: Resource<'a>,
    /// The kind of what gets its labels and annotations: `Pod` for those of a template.
    pub kind: ResourceKind,
    /// The mapping.
    pub node: Node<'a>,
    labels: Labels<'a>,
    annotations: Labels<'a>,
}

impl<'a> Metadata<'a> {
    /// All of a manifest: its own first, then those of the templates in it.
    pub fn all(resource: Resource<'a>) -> impl Iterator<Item = Self> + Clone {
        let of = move |kind, node: Option<Node<'a>>| {
            let node = node?.get("metadata")?;
            let [labels, annotations] = ["labels", "annotations"].map(|key| Labels(node.get(key)));
            Some(Self { resource, kind, node, labels, annotations })
        };
        let job = (resource.kind == ResourceKind::CronJob).then(|| resource.spec().get("jobTemplate")).flatten();
        let pod = Workload::of(resource).filter(|_| resource.kind != ResourceKind::Pod).map(|workload| workload.pod);
        let own = of(resource.kind, Some(resource.root));
        own.into_iter().chain(of(ResourceKind::Job, job)).chain(of(ResourceKind::Pod, pod))
    }

    /// Its labels.
    #[must_use]
    pub const fn labels(&self) -> Labels<'a> {
        self.labels
    }

    /// Its annotations.
    #[must_use]
    pub const fn annotations(&self) -> Labels<'a> {
        self.annotations
    }
}
