//! What meshwhy costs a real Envoy: CPU time per request, memory, configuration. The README has the method.

mod drift;
pub mod filter;
mod h2load;
pub mod mesh;
mod page;
mod proxies;
pub mod soak;
mod statistics;
#[cfg_attr(not(target_os = "linux"), path = "elsewhere.rs")]
mod system;
mod targets;
mod traffic;
mod turns;
mod variant;
