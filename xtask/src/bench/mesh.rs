//! `cargo xtask bench mesh`: what meshwhy adds to a sidecar of a mesh with fifty services.

use anyhow::Result;
use meshwhy_integration::mesh::{table, weigh};

use crate::build;

/// Outbound ports beyond the first.
const PORTS: usize = 50;

/// Builds the module, measures, and prints the table that `docs/performance.md` shows.
///
/// # Errors
/// Something does not build, or an Envoy does not start.
pub fn run() -> Result<()> {
    build::module()?;
    print!("{}", table(PORTS, &weigh(PORTS)?));
    Ok(())
}
