//! The resources as what other tools apply: a folder of files.

mod helm;
mod kustomize;

pub use helm::helm;
pub use kustomize::kustomize;

/// A file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where it is in the folder, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
}
