//! Runs other programs.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
#[cfg(not(feature = "envoy"))]
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

/// The Rust target of the module.
pub const TARGET: &str = "wasm32-wasip1";
/// The Rust target of the page.
#[cfg(feature = "envoy")]
pub const WEB_TARGET: &str = "wasm32-unknown-unknown";

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Runs cargo in the workspace.
///
/// # Errors
/// It fails; its own output has said why.
#[cfg(feature = "envoy")]
pub fn cargo(arguments: &[&str]) -> Result<()> {
    run(Command::new(cargo_program()).args(arguments))
}

/// Cargo as it was called.
pub fn cargo_program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Runs the command that was asked for with the build that has it.
#[cfg(not(feature = "envoy"))]
pub fn hand_over() -> ExitCode {
    let mut cargo = Command::new(cargo_program());
    cargo.args(["run", "--quiet", "--package", "xtask"]);
    if env::args().nth(1).is_some_and(|task| task == "gen" || task == "new-rule") {
        cargo.args(["--no-default-features", "--features", "generate"]);
    }
    cargo.arg("--").args(env::args_os().skip(1));
    match cargo.status() {
        Ok(status) => status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from),
        Err(error) => {
            eprintln!("error: starting {cargo:?}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command in the workspace, its output shown.
///
/// # Errors
/// It cannot be started or fails.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.current_dir(workspace()).status().with_context(|| format!("starting {command:?}"))?;
    ensure!(status.success(), "{command:?} failed ({status})");
    Ok(())
}

/// Adds a Rust target when it is missing.
///
/// # Errors
/// There is no rustup, or the target cannot be had.
pub fn ensure_target(target: &str) -> Result<()> {
    let output = Command::new("rustup").args(["target", "list", "--installed"]).current_dir(workspace()).output();
    let output = output.with_context(|| format!("rustup is needed to add the target {target}: see https://rustup.rs"))?;
    if String::from_utf8_lossy(&output.stdout).lines().any(|line| line.trim() == target) {
        return Ok(());
    }
    run(Command::new("rustup").args(["target", "add", target]))
}

/// A tool from crates.io in the version given, installed under `target/` where it is not there yet.
///
/// # Errors
/// It cannot be installed.
pub fn tool(name: &str, version: &str) -> Result<PathBuf> {
    let root = workspace().join("target/tools").join(format!("{name}-{version}"));
    let program = root.join("bin").join(format!("{name}{}", env::consts::EXE_SUFFIX));
    if !program.is_file() {
        eprintln!("installing {name} {version}");
        let package = format!("{name}@{version}");
        run(Command::new(cargo_program()).args(["install", "--quiet", &package, "--locked", "--root"]).arg(&root))?;
    }
    Ok(program)
}
