//! func-e, the launcher that many people use for Envoy, pinned and built from source where Go is.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use super::locate::{Launcher, binary, on_path, run};
use crate::artifacts::target;

/// The func-e that is installed.
pub const VERSION: &str = "1.6.0";

/// A launcher that runs our Envoy under func-e; `None` where there is no Go to build it with.
///
/// func-e fetches an Envoy of its own unless `ENVOY_PATH` names one.
///
/// # Errors
/// Go is there and the installation failed, or there is no Envoy.
pub fn func_e() -> Result<Option<Launcher>> {
    let Some(go) = on_path("go") else { return Ok(None) };
    let tools = target().join("tools").join(format!("func-e-{VERSION}"));
    let program = tools.join("func-e");
    if !program.is_file() {
        fs::create_dir_all(&tools)?;
        let package = format!("github.com/tetratelabs/func-e/cmd/func-e@v{VERSION}");
        run(Command::new(go).args(["install", &package]).env("GOBIN", &tools)).context("installing func-e")?;
    }
    let environment = vec![
        ("ENVOY_PATH".to_owned(), binary()?),
        ("FUNC_E_DATA_HOME".to_owned(), tools.join("data")),
        ("FUNC_E_STATE_HOME".to_owned(), tools.join("state")),
        ("FUNC_E_RUNTIME_DIR".to_owned(), tools.join("runtime")),
    ];
    Ok(Some(Launcher { program, arguments: vec!["run".to_owned()], environment }))
}
