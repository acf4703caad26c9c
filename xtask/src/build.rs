//! Builds the artifacts and runs the tests on them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use meshwhy_envoyfilter::manifests;
use meshwhy_integration::artifacts::target;
use meshwhy_integration::envoy::locate;
use meshwhy_integration::module_server::sha256;
use meshwhy_integration::not_run::NotRun;

use crate::generate;
use crate::prune::prune;
use crate::shell::{TARGET, WEB_TARGET, cargo, cargo_program, ensure_target, run, tool, workspace};
use crate::web;

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
    Ok(Built { module: module()?, cli: command_line()? })
}

fn command_line() -> Result<PathBuf> {
    run(Command::new(cargo_program())
        .args(["build", "--quiet", "--package", "meshwhy", "--release"])
        .env(web::EMBEDDED, web::build()?))?;
    let cli = target().join("release").join(format!("meshwhy{}", std::env::consts::EXE_SUFFIX));
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
    ensure_target(TARGET)?;
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
pub fn without_paths() -> String {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo"))).unwrap_or_default();
    format!("--remap-path-prefix={}=cargo --remap-path-prefix={}=meshwhy", home.display(), workspace().display())
}

/// Runs every test, those under a real Envoy included. What this machine cannot run is listed in the end.
///
/// # Errors
/// A test fails, there is no Envoy, or with `CI=true` a test was not run.
pub fn test() -> Result<()> {
    let envoy = locate()?;
    generate::run(true)?;
    let mut tests = Command::new(cargo_program());
    tests.args(["test", "--workspace", "--quiet"]).env("INSTA_UPDATE", "no");
    tests.env("MESHWHY_TESTING_WASM", testing_module()?).env("MESHWHY_SDK_WASM", sdk_module()?);
    tests.env("MESHWHY_WASM", module()?).env(web::EMBEDDED, web::build()?);
    eprintln!("testing with {envoy}");
    NotRun::here().clear()?;
    let tested = run(&mut tests);
    tested.and(NotRun::here().report(std::env::var_os("CI").is_some_and(|ci| ci == "true")))
}

/// Checks format and lints, for the host and for the targets of the module and the page, and what is linked in.
///
/// # Errors
/// Something is not as it should be.
pub fn lint() -> Result<()> {
    ensure_target(TARGET)?;
    cargo(&["fmt", "--all", "--check"])?;
    cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"])?;
    cargo(&["clippy", "--quiet", "--package", "meshwhy-filter", "--target", TARGET, "--", "--deny", "warnings"])?;
    ensure_target(WEB_TARGET)?;
    cargo(&["clippy", "--quiet", "--package", "meshwhy-web", "--target", WEB_TARGET, "--", "--deny", "warnings"])?;
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
