//! The machinery of a catalogue: entries with their texts, steps and history, how they are found, explained and kept sound.
//!
//! It knows neither causes nor facts: whatever a folder describes, it serves.

mod declare;
mod entry;
#[cfg(feature = "texts")]
pub mod explanation;
pub mod fix;
#[cfg(feature = "laws")]
pub mod laws;
mod registry;
pub mod slot;
#[cfg(feature = "texts")]
pub mod texts;

pub use entry::Entry;
#[cfg(feature = "texts")]
pub use entry::{Files, SITE, Status, address};
pub use registry::Registry;
