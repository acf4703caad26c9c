//! One real Envoy per variant under the same traffic, measured by what the kernel says each process used.
//!
//! Everything is on 127.0.0.1 and on one CPU. Behind all of them is one more Envoy that answers; it and the load generators have processes
//! of their own, so that the CPU time of the measured process is the proxy's alone. The variants take turns that are short against the
//! paces of a shared machine, see [`Stage::round`].

mod bootstrap;
mod drift;
mod h2load;
mod process;
mod stage;
#[cfg_attr(not(target_os = "linux"), path = "elsewhere.rs")]
mod system;
mod traffic;
mod turns;
mod variant;

pub use process::resident;
pub use stage::{Sample, Stage};
pub use traffic::{Failing, Protocol, Traffic};
pub use variant::{Modules, Variant};
