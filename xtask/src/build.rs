//! Builds the artifacts and runs the tests on them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use meshwhy_core::Cause;
use meshwhy_envoyfilter::manifests;
use meshwhy_integration::artifacts::target;
use meshwhy_integration::envoy::locate;
use meshwhy_integration::module_server::sha256;
use meshwhy_integration::not_run::NotRun;

use crate::generate;
use crate::prune::prune;
use crate::shell::{cargo, cargo_program, run, tool, workspace};

const TARGET: &str = "wasm32-wasip1";

/// The manifests for the module that was built, and the module beside them.
const DEPLOY: &str = "deploy";

/// What was built.
pub struct Built {
    /// The module.
    pub module: PathBuf,
    /// The command line.
    pub cli: PathBuf,
}

/// Builds the module and the command line. The module is built alone, so that no feature of another crate gets into it.
///
/// # Errors
/// The target cannot be added, or something does not compile.
pub fn artifacts() -> Result<Built> {
    Ok(Built { module: module()?, cli: command_line("release", "release")? })
}

/// Builds the command line in a profile, which cargo puts into a folder.
fn command_line(profile: &str, folder: &str) -> Result<PathBuf> {
    cargo(&["build", "--quiet", "--package", "meshwhy", "--profile", profile])?;
    let cli = target().join(folder).join(format!("meshwhy{}", std::env::consts::EXE_SUFFIX));
    ensure!(cli.is_file(), "cargo built no {}", cli.display());
    Ok(cli)
}

/// Builds the module and the command line, and puts what is to be installed into a folder: the module, and the manifests with its hash.
///
/// # Errors
/// As [`artifacts`], or the folder cannot be written.
pub fn deploy() -> Result<()> {
    let built = artifacts()?;
    let folder = target().join(DEPLOY);
    let put = |path: &str, bytes: &[u8]| {
        let file = folder.join(path);
        let parent = file.parent().unwrap_or(&folder);
        fs::create_dir_all(parent).and_then(|()| fs::write(&file, bytes)).with_context(|| format!("writing {}", file.display()))
    };
    let module = fs::read(&built.module)?;
    manifests(&sha256(&module)).iter().try_for_each(|manifest| put(manifest.path, manifest.text.as_bytes()))?;
    put("meshwhy.wasm", &module)?;
    eprintln!("module and manifests: {}", folder.display());
    Ok(())
}

/// Builds the module.
///
/// # Errors
/// As [`artifacts`].
pub fn module() -> Result<PathBuf> {
    build_module("meshwhy.wasm", &[])
}

/// Builds the module that traps on demand and counts its host calls, for tests alone.
fn testing_module() -> Result<PathBuf> {
    build_module("meshwhy-testing.wasm", &["--features", "testing"])
}

/// Builds a module with every function of the ABI, as the SDK declares it: the linker would leave out those that the filter does not call.
fn sdk_module() -> Result<PathBuf> {
    run(Command::new(cargo_program())
        .args(["build", "--quiet", "--package", "meshwhy-empty-filter", "--target", TARGET])
        .env("CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS", "-Clink-arg=--no-gc-sections"))?;
    Ok(target().join(TARGET).join("debug/meshwhy_empty_filter.wasm"))
}

fn build_module(name: &str, features: &[&str]) -> Result<PathBuf> {
    ensure_target()?;
    run(Command::new(cargo_program())
        .args(["build", "--quiet", "--package", "meshwhy-filter", "--target", TARGET, "--profile", "module"])
        .args(features)
        .env("CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS", without_paths()))?;
    let built = target().join(TARGET).join("module/meshwhy_filter.wasm");
    ensure!(built.is_file(), "cargo built no {}", built.display());
    let module = built.with_file_name(name);
    prune(&built, &module)?;
    Ok(module)
}

/// Builds the module that does nothing, as meshwhy's is built but with all of the SDK's exports.
///
/// # Errors
/// It does not compile.
pub fn empty_filter() -> Result<PathBuf> {
    cargo(&["build", "--quiet", "--package", "meshwhy-empty-filter", "--target", TARGET, "--profile", "module"])?;
    let built = target().join(TARGET).join("module/meshwhy_empty_filter.wasm");
    ensure!(built.is_file(), "cargo built no {}", built.display());
    Ok(built)
}

/// Compiler flags that keep the paths of the builder's machine out of the module: they tell of the machine and make every build differ.
fn without_paths() -> String {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo"))).unwrap_or_default();
    format!("--remap-path-prefix={}=cargo --remap-path-prefix={}=meshwhy", home.display(), workspace().display())
}

/// Adds the Rust target of the module when it is missing.
fn ensure_target() -> Result<()> {
    let output = Command::new("rustup").args(["target", "list", "--installed"]).current_dir(workspace()).output();
    let output = output.context("rustup is needed to add the target wasm32-wasip1: see https://rustup.rs")?;
    if String::from_utf8_lossy(&output.stdout).lines().any(|line| line.trim() == TARGET) {
        return Ok(());
    }
    run(Command::new("rustup").args(["target", "add", TARGET]))
}

/// Runs every test, those under a real Envoy included; for one cause, the cases and laws and its scenario. What this machine cannot run is
/// listed in the end.
///
/// # Errors
/// A test fails, there is no Envoy, or with `CI=true` a test was not run.
pub fn test(slug: Option<&str>) -> Result<()> {
    let envoy = locate()?;
    let mut tests = Command::new(cargo_program());
    let cli = if let Some(slug) = slug {
        ensure!(Cause::find(slug).is_some(), "no cause {slug}");
        cargo(&["test", "--quiet", "--package", "meshwhy-core", "--test", "cases", "--test", "laws"])?;
        tests.args(["test", "--quiet", "--package", "meshwhy-integration", "--test", "scenarios", "--", slug]);
        command_line("dev", "debug")?
    } else {
        generate::run(true)?;
        tests.args(["test", "--workspace", "--quiet"]);
        tests.env("MESHWHY_TESTING_WASM", testing_module()?).env("MESHWHY_SDK_WASM", sdk_module()?);
        command_line("release", "release")?
    };
    eprintln!("testing with {envoy}");
    NotRun::here().clear()?;
    let tested = run(tests.env("MESHWHY_WASM", module()?).env("MESHWHY_CLI", cli).env("INSTA_UPDATE", "no"));
    tested.and(NotRun::here().report(std::env::var_os("CI").is_some_and(|ci| ci == "true")))
}

/// Checks format and lints, for the host and for the module's target, and what is linked in.
///
/// # Errors
/// Something is not as it should be.
pub fn lint() -> Result<()> {
    ensure_target()?;
    cargo(&["fmt", "--all", "--check"])?;
    cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"])?;
    cargo(&["clippy", "--quiet", "--package", "meshwhy-filter", "--target", TARGET, "--", "--deny", "warnings"])?;
    dependencies()
}

/// Checks licences, sources and versions of what is linked in against `deny.toml`, and advisories where their database can be fetched.
fn dependencies() -> Result<()> {
    let program = tool("cargo-deny", "0.20.2")?;
    let deny = |arguments: &[&str]| run(Command::new(&program).args(["--log-level", "error"]).args(arguments));
    deny(&["check", "bans", "licenses", "sources"])?;
    if deny(&["fetch", "db"]).is_err() {
        eprintln!("NOT CHECKED: advisories, because their database cannot be fetched");
        return Ok(());
    }
    deny(&["check", "advisories"])
}
