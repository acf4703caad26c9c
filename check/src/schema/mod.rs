//! What the fields of a manifest may be: the official schemas, carried in `check/schemas`, against nodes.
//!
//! A validator of our own, since a finding needs the place of a field, one finding per mistake and the word that was meant, and since it
//! has to look at millions of nodes a second; what the schemas use of JSON Schema is little.

mod compile;
mod validate;

use std::sync::LazyLock;

pub use compile::{Schema, Schemas};
pub use validate::{Problem, ProblemKind, validate};

use crate::model::ResourceKind;

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(Schemas::load);

/// The schema of a kind in a version, if that version is known.
#[must_use]
pub fn of(kind: ResourceKind, api_version: &str) -> Option<&'static Schema> {
    // What `istioctl install` takes has no schema that is complete.
    (kind != ResourceKind::IstioOperator).then(|| SCHEMAS.find(kind.name(), |version| version == api_version)).flatten()
}

/// The versions of a kind that have a schema, the stable one first.
#[must_use]
pub fn versions(kind: ResourceKind) -> &'static [String] {
    SCHEMAS.versions(kind.name(), kind.group())
}

/// The schema of `MeshConfig`.
#[must_use]
pub fn mesh_config() -> Option<&'static Schema> {
    SCHEMAS.configuration("MeshConfig")
}
