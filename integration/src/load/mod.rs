//! One real Envoy per variant under the same traffic, measured by what the kernel says each process used.
//!
//! Everything is on 127.0.0.1. Behind all of them is one more Envoy that answers; it and the load generator have processes of their own, so
//! that the CPU time of the measured process is the proxy's alone.

mod bootstrap;
mod generator;
mod h2load;
mod process;
mod stage;
mod traffic;
mod variant;

pub use stage::{Sample, Stage};
pub use traffic::{Failing, Protocol, Traffic};
pub use variant::{Modules, Variant};
