//! The harness that puts meshwhy in front of a real Envoy.
//!
//! A [`Scenario`] says how to provoke one cause; [`Session`] boots one Envoy with the shipped manifests of a [`Deployment`], sends the
//! scenarios' requests and returns what a user would have: the responses, the access-log lines and the records. The module is an
//! artifact given by path (see [`artifacts`]); nothing here knows the catalogue, so agreement between the two is proved and not assumed.

pub mod artifacts;
pub mod bootstrap;
#[cfg(feature = "browser")]
pub mod browser;
pub mod certificates;
pub mod children;
pub mod client;
pub mod debian;
pub mod deployment;
pub mod discovery;
pub mod envoy;
pub mod go_module;
pub mod hostile;
pub mod istio;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
mod ledger;
mod manifest;
pub mod merge;
pub mod mesh;
pub mod module_server;
pub mod module_supply;
pub mod not_run;
mod observation;
mod patch;
pub mod prometheus;
pub mod proxy;
pub mod run;
mod run_directory;
pub mod scenario;
pub mod store_engines;
pub mod tail;
pub mod upstream;

pub use children::stop_all;
pub use client::Response;
pub use deployment::{AnnotationVisibility, Deployment, Setup, string_value};
pub use ledger::{Ledger, LedgerLine};
pub use observation::is_record;
pub use run::{ScenarioObservation, Session, collect, groups, record_json};
pub use run_directory::RunDirectory;
pub use scenario::{Placement, Scenario, load_all};
pub use upstream::UpstreamKind;
