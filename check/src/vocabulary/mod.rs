//! Closed lists of what Istio reads, and what the values must look like.

pub mod annotations;
pub mod formats;
pub mod labels;
mod quantity;

pub use quantity::quantity;
