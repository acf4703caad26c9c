//! The long soak: Envoys with and without the module side by side under ever new paths, hosts and clusters.

use std::time::Duration;

use anyhow::Result;
use meshwhy_bench::soak::Soak;
use meshwhy_integration::stop_all;

use crate::build;

/// Builds the module, runs the soak and prints its table.
///
/// # Errors
/// Memory is not within its bounds, or something does not build or start.
pub fn run(seconds: u64) -> Result<()> {
    ctrlc::set_handler(|| {
        stop_all();
        std::process::exit(130);
    })?;
    let module = build::module()?;
    eprintln!("soaking {} for {seconds} s", module.display());
    let report = Soak::long(Duration::from_secs(seconds)).run()?;
    println!("{report}");
    report.verify()
}
