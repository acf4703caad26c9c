//! Facts about one failed request in, a verdict out: the vocabulary, the conditions and the catalogue of causes.
//!
//! Pure: no I/O, no clock, no logging. The module and the CLI judge with the same code, Envoy with the same conditions
//! compiled to CEL. Long texts sit behind the feature `texts`, so that none of them is in the module.

pub mod catalogue;
#[cfg(feature = "laws")]
pub mod cause_cases;
#[cfg(feature = "laws")]
pub mod cause_laws;
pub mod causes;
pub mod condition;
#[cfg(feature = "texts")]
mod explain;
pub mod facts;
pub mod judge;
pub mod redact;
mod vocabulary;
mod wire;

#[cfg(feature = "texts")]
pub use catalogue::texts::Lang;
pub use causes::{Cause, Confidence, Nature, Stage};
pub use facts::{Context, Decisive, Facts, Side};
pub use flags::{Flag, ResponseFlags};
pub use judge::{Verdict, judge};
pub(crate) use vocabulary::spelling;
pub use vocabulary::{cluster_name, codec, control_plane, details, event, flags, node_id, trace, transport};
pub use wire::{proxy_status, record};
