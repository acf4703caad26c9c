//! What only Linux does for us, on other systems: nothing.

use std::process::Child;

use anyhow::{Result, bail};

/// As on Linux; there are none here.
#[derive(Debug)]
pub struct Cpus;

impl Cpus {
    /// As on Linux.
    ///
    /// # Errors
    /// Always.
    pub fn divide() -> Result<Self> {
        bail!("the benchmark needs Linux")
    }

    /// As on Linux.
    ///
    /// # Errors
    /// It does not start.
    pub fn measured<T>(&self, start: impl FnOnce() -> Result<T>) -> Result<T> {
        start()
    }
}

/// As on Linux.
///
/// # Errors
/// Always.
pub fn pause(_: &Child) -> Result<()> {
    bail!("the benchmark needs Linux")
}

/// As on Linux.
///
/// # Errors
/// Always.
pub fn resume(_: &Child) -> Result<()> {
    bail!("the benchmark needs Linux")
}
