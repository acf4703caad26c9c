//! Where the things under test are: the built modules, the shipped manifests.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The root of the workspace, where `core/`, `envoyfilter/` and `target/` are.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The build directory: `$CARGO_TARGET_DIR`, else `target/` in the workspace.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), |directory| workspace().join(directory))
}

/// The built module: `MESHWHY_WASM`, else in the build directory.
///
/// # Errors
/// It is missing; the message says how to build it.
pub fn module() -> Result<PathBuf> {
    find("MESHWHY_WASM", &["wasm32-wasip1/module"], "meshwhy.wasm")
}

/// The module built with the feature `testing`: `MESHWHY_TESTING_WASM`, else in the build directory.
///
/// # Errors
/// As [`module`].
pub fn testing_module() -> Result<PathBuf> {
    find("MESHWHY_TESTING_WASM", &["wasm32-wasip1/module"], "meshwhy-testing.wasm")
}

/// A module of the SDK with every function of the ABI: `MESHWHY_SDK_WASM`, else in the build directory.
///
/// # Errors
/// As [`module`].
pub fn sdk_module() -> Result<PathBuf> {
    find("MESHWHY_SDK_WASM", &["wasm32-wasip1/debug"], "meshwhy_empty_filter.wasm")
}

/// The built command line: `MESHWHY_CLI`, else in the build directory, where `cargo test` builds it beside the tests.
///
/// # Errors
/// As [`module`].
pub fn cli() -> Result<PathBuf> {
    find("MESHWHY_CLI", &["debug", "release"], &format!("meshwhy{}", env::consts::EXE_SUFFIX))
}

fn find(variable: &str, directories: &[&str], name: &str) -> Result<PathBuf> {
    if let Some(path) = env::var_os(variable).map(PathBuf::from) {
        ensure!(path.is_file(), "{variable} names {}, which is not a file", path.display());
        return Ok(path);
    }
    directories
        .iter()
        .map(|directory| target().join(directory).join(name))
        .find(|path| path.is_file())
        .with_context(|| format!("no {name} in {}; `cargo xtask test` builds it, or set {variable}", target().display()))
}
