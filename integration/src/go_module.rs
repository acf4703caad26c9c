//! Programs built from Go modules of this folder, whose `go.sum` pins all of them: once, in the user's cache.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::artifacts::workspace;
use crate::debian::moved;
use crate::envoy::func_e::go;
use crate::envoy::locate::run;
use crate::envoy::wheel::cache;
use crate::run_directory::RunDirectory;

/// The program of a package, built in the Go module `integration/MODULE`; `name` has the version.
///
/// # Errors
/// There is no Go and none can be fetched, or it cannot fetch what it builds.
pub fn built(module: &str, name: &str, package: &str) -> Result<PathBuf> {
    let tools = cache().context("there is no cache to put tools into")?;
    let program = tools.join(name);
    if program.is_file() {
        return Ok(program);
    }
    let go = go().context("there is no `go`, and none could be fetched")?;
    eprintln!("building {name}: some minutes, once");
    let work = RunDirectory::within(&tools, "building")?;
    let output = work.path().join(name);
    run(Command::new(go)
        .current_dir(workspace().join("integration").join(module))
        .args(["build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o"])
        .arg(&output)
        .arg(package))?;
    moved(&output, &program)?;
    Ok(program)
}
