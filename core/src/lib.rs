//! Facts about one failed request in, a verdict out: the vocabulary, the conditions and the catalogue of causes.
//!
//! Pure: no I/O, no clock, no logging. The module and the CLI judge with the same code, Envoy with the same conditions
//! compiled to CEL. Long texts sit behind the feature `texts`, so that none of them is in the module.

pub mod catalogue;
pub mod causes;
pub mod cluster_name;
pub mod codec;
pub mod condition;
pub mod details;
pub mod event;
pub mod facts;
pub mod flags;
pub mod judge;
pub mod node_id;
pub mod proxy_status;
pub mod record;
pub mod redact;
mod spelling;
pub mod trace;
pub mod transport;

#[cfg(feature = "texts")]
pub use catalogue::texts::Lang;
pub use causes::{Cause, Confidence, Nature, Stage};
pub use facts::{Context, Decisive, Facts, Side};
pub use flags::{Flag, ResponseFlags};
pub use judge::{Verdict, judge};
