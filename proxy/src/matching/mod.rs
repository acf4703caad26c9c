//! Conditions on requests, as Envoy evaluates them, and what is left open by what is not known.

mod address;
mod condition;
mod expectation;
mod pattern;
mod prose;
mod truth;
mod uri_template;

pub use self::address::{Range, parse_ip};
pub use self::condition::{Check, Condition, Subject};
pub use self::expectation::{Expectation, Value};
pub use self::truth::Truth;
