//! What only Linux does for us, on other systems: nothing.

use std::process::Child;
use std::time::Duration;

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

/// As on Linux.
///
/// # Errors
/// Always.
pub fn cpu_time(_: u32) -> Result<Duration> {
    bail!("the benchmark needs Linux")
}

/// As on Linux.
///
/// # Errors
/// Always.
pub fn settle(_: &[u32]) -> Result<()> {
    bail!("the benchmark needs Linux")
}

/// As on Linux.
///
/// # Errors
/// Always.
pub fn memory(_: u32) -> Result<[u64; 2]> {
    bail!("the benchmark needs Linux")
}
