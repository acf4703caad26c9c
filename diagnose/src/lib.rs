//! Lines of many proxies in, failures out: who failed, why, and how often, each counted once.
//!
//! Pure: no files, no terminal, no clock. Judging a line is `meshwhy-core`'s, reading one is `meshwhy-logs`'s; here what several lines
//! tell of one failure is put together.

mod analysis;
mod blocks;
mod course;
mod coverage;
mod failure;
mod group;
mod hops;
mod kind;
mod observed;
mod propagation;
mod ruled_out;
mod sighting;
mod sources;
mod summary;
mod timeline;
mod totals;
mod traffic;
mod window;

pub use analysis::{Analysis, Collector, Pod};
pub use course::{BurstReason, Course};
pub use group::{Class, Example, Group};
pub use timeline::Rate;
pub use totals::{Tally, Totals};
pub use window::Window;
