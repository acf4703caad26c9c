//! Where a run keeps its files.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

use crate::artifacts::target;

/// A directory of its own for one run, removed with it unless it is kept.
///
/// Ours, since `tempfile` takes a seventh of the minute that `cargo xtask test SLUG` has from a fresh checkout.
#[derive(Debug)]
pub struct RunDirectory {
    path: PathBuf,
    kept: bool,
}

impl RunDirectory {
    /// One in the build directory, whose name begins with `name`.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn new(name: &str) -> Result<Self> {
        Self::within(&target().join("integration"), name)
    }

    /// One in another directory.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn within(parent: &Path, name: &str) -> Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        fs::create_dir_all(parent)?;
        loop {
            let path = parent.join(format!("{name}-{}-{}", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed)));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path, kept: false }),
                // An earlier process of this number has left it.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| format!("creating {}", path.display())),
            }
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves it for whoever looks for what went wrong.
    pub fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
