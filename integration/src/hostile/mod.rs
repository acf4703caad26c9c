//! Hostile clients and upstreams: the same exchanges through Envoys with and without meshwhy.
//!
//! A [`Stage`] is one Envoy in front of one [`Upstream`]; two stages of the same [`Plan`] differ only in what meshwhy adds. An [`Exchange`]
//! is what a client does on one connection, and a [`Transcript`] what it got to see, less what differs between any two runs. A [`Ledger`]
//! holds Envoy's own access log against meshwhy's records.

pub mod corpus;
mod exchange;
mod ledger;
pub mod load;
mod plan;
pub mod soak;
mod stage;

pub use exchange::{Comparison, Exchange, Transcript};
pub use ledger::{Ledger, Line};
pub use plan::Plan;
pub use stage::{Stage, StageSetup};
