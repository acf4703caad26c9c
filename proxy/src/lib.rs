//! What one Envoy holds, read from its admin interface, and what follows from it for a request: where it would go, and what it just missed.
//!
//! Pure: no files, no network, no terminal. What cannot be known from the admin interface is said to be unknown.

pub mod admin;
pub mod config;
pub mod doctor;
pub mod matching;
pub mod policy;
pub mod proto_json;
pub mod route;
mod words;

pub use admin::{AdminData, Clusters, ConfigDump};
