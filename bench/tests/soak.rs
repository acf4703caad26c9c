//! A short soak; `cargo xtask soak` is the long one.

use std::time::Duration;

use anyhow::{Context, Result};
use meshwhy_bench::soak::Soak;

#[test]
fn memory_stays_within_its_bounds() -> Result<()> {
    // The allocators are still settling, and machines differ by some pages of Envoy's own program: the long run is stricter.
    let pause = Duration::from_millis(5);
    let soak = Soak { time: Duration::from_secs(12), kinds: 1_500, pause, allowance: 34 * 1024, growth: 4 * 1024 };
    let report = soak.run()?;
    println!("{report}");
    report.verify().with_context(|| report.to_string())
}
