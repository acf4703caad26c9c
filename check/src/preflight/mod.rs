//! What is proved before a deployment of meshwhy is applied: what is there already, against what was rendered.
//!
//! Both are meshes, whoever read them: files, or an API server's answers.

mod cluster;
mod filters;
mod remark;
mod size;
mod workloads;

pub use remark::{Remark, Standing};
pub use size::{Attachment, PatchSize, sizes};

use crate::mesh::Mesh;

/// Looks at everything that may keep the rendered resources from working, or from leaving others alone.
///
/// What was not given is no failure: it is said to be unknown. The resources of the root namespace hold for all others.
#[must_use]
pub fn preflight<'a>(given: &Mesh<'a>, rendered: &Mesh<'_>, root_namespace: &str) -> Vec<Remark<'a>> {
    let mut remarks = Vec::new();
    cluster::kinds(given, rendered, &mut remarks);
    cluster::versions(given, rendered, &mut remarks);
    workloads::selected(given, rendered, root_namespace, &mut remarks);
    workloads::targets(given, rendered, &mut remarks);
    filters::compare(given, rendered, root_namespace, &mut remarks);
    remarks
}
