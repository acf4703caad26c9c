//! Lines of many proxies in, failures out: who failed, why, and how often, each counted once.
//!
//! Pure: no files, no terminal, no clock. Judging a line is `meshwhy-core`'s, reading one is `meshwhy-logs`'s; here what several lines
//! tell of one failure is put together.

mod analysis;
mod blocks;
mod coverage;
mod failure;
mod group;
mod hops;
mod kind;
mod sighting;
mod sources;
mod summary;
mod totals;
mod window;

pub use analysis::{Analysis, Collector, Pod};
pub use group::{Class, Example, Group};
pub use totals::{Tally, Totals};
pub use window::Window;
