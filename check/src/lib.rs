//! Manifests and mesh configuration in, findings with file, line and column out. No files, no terminal, no network.

pub mod coverage;
pub mod document;
pub mod edit;
pub mod finding;
pub mod gateway_api;
pub mod gateways;
pub mod join;
pub mod kept;
pub mod kustomize;
pub mod mesh;
pub mod model;
pub mod plan;
pub mod preflight;
pub mod report;
pub mod rules;
pub mod schema;
pub mod scope;
pub mod source;
pub mod spelling;
pub mod suppression;
pub mod vocabulary;
