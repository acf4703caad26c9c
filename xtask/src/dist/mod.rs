//! What a release has: an archive per platform, one with the module and its manifests, their hashes, and the manifest for krew.
//!
//! Built twice from one commit with one compiler, every byte is the same: entries are sorted, have one time and no owner, and no path of
//! the builder's machine is in a program.

mod archive;
mod krew;
mod target;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use meshwhy_envoyfilter::manifests;
use meshwhy_integration::artifacts;
use meshwhy_integration::module_server::sha256;

use crate::build;
use crate::shell::{cargo_program, run as run_command, workspace};
use crate::web;
use archive::{Entry, tar_gz, zip};
use target::{Platform, host};

/// The version of the workspace.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What `cargo xtask dist` was asked for.
#[derive(clap::Args)]
pub struct Arguments {
    /// Platform to build for, such as aarch64-unknown-linux-musl; may be repeated [default: this machine's]
    #[arg(long = "target", value_name = "TARGET", value_parser = target::TRIPLES)]
    targets: Vec<String>,
    /// Take this program instead of building one; for one platform
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Take this module instead of building one
    #[arg(long, value_name = "FILE")]
    module: Option<PathBuf>,
    /// Folder to write to [default: target/dist]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Writes the release.
///
/// # Errors
/// Something does not compile, or a file cannot be written.
pub fn run(arguments: &Arguments) -> Result<()> {
    let platforms = arguments.platforms()?;
    ensure!(arguments.binary.is_none() || platforms.len() == 1, "--binary is the program of one platform: name it with --target");
    let out = arguments.out.clone().unwrap_or_else(|| artifacts::target().join("dist"));
    fs::create_dir_all(&out).with_context(|| format!("making {}", out.display()))?;
    let beside = beside()?;
    let mut sums = Vec::new();
    let mut put = |name: String, bytes: &[u8]| {
        fs::write(out.join(&name), bytes).with_context(|| format!("writing {name}"))?;
        let sum = sha256(bytes);
        eprintln!("{name}: {} KiB", bytes.len() / 1024);
        sums.push((sum.clone(), name));
        Ok::<_, anyhow::Error>(sum)
    };
    let (mut released, mut page) = (Vec::new(), None);
    for platform in platforms {
        let program = match &arguments.binary {
            Some(program) => program.clone(),
            None => {
                let page = match &page {
                    Some(page) => page,
                    None => page.insert(web::build()?),
                };
                compile(platform, page)?
            }
        };
        let program = fs::read(&program).with_context(|| format!("reading {}", program.display()))?;
        let entries = contents(platform, program, &beside);
        let bytes = if platform.is_windows() { zip(&entries)? } else { tar_gz(&entries)? };
        let name = platform.archive(VERSION);
        let sum = put(name, &bytes)?;
        released.push((platform, sum));
    }
    let module = arguments.module.clone().map_or_else(build::module, Ok)?;
    put(format!("meshwhy-{VERSION}-module.tar.gz"), &tar_gz(&deployment(&fs::read(&module)?))?)?;
    put("meshwhy.yaml".to_owned(), krew::manifest(VERSION, &released).as_bytes())?;
    sums.sort_by(|one, other| one.1.cmp(&other.1));
    let sums: String = sums.iter().map(|(sum, name)| format!("{sum}  {name}\n")).collect();
    fs::write(out.join("SHA256SUMS"), sums).context("writing SHA256SUMS")?;
    eprintln!("release: {}", out.display());
    Ok(())
}

impl Arguments {
    fn platforms(&self) -> Result<Vec<&'static Platform>> {
        if self.targets.is_empty() {
            return Ok(vec![host()?]);
        }
        // In the table's order, each once.
        Ok(target::PLATFORMS.iter().filter(|platform| self.targets.iter().any(|triple| triple == platform.triple)).collect())
    }
}

/// The files beside the program that every platform has: licence, pages, completions and manual.
fn beside() -> Result<Vec<Entry>> {
    let folder = tempfile::tempdir()?;
    meshwhy::write_release_files(folder.path()).with_context(|| format!("writing to {}", folder.path().display()))?;
    let mut entries = Vec::new();
    for name in ["LICENSE", "README.md", "README.zh-CN.md"] {
        entries.push(Entry::file(name, fs::read(workspace().join(name)).with_context(|| format!("reading {name}"))?));
    }
    for part in ["completions", "man"] {
        for file in fs::read_dir(folder.path().join(part))? {
            let file = file?;
            entries.push(Entry::file(&format!("{part}/{}", file.file_name().to_string_lossy()), fs::read(file.path())?));
        }
    }
    Ok(entries)
}

/// What the archive of a platform holds, in a folder of its own.
fn contents(platform: &Platform, program: Vec<u8>, beside: &[Entry]) -> Vec<Entry> {
    // kubectl runs this program when Tab is pressed behind `kubectl meshwhy`.
    const SCRIPT: &str = "#!/bin/sh\nexec kubectl-meshwhy __complete \"$@\"\n";
    const BATCH: &str = "@kubectl-meshwhy.exe __complete %*\r\n";
    let (script, text) =
        if platform.is_windows() { ("kubectl_complete-meshwhy.cmd", BATCH) } else { ("kubectl_complete-meshwhy", SCRIPT) };
    let own = [Entry::program(platform.program(), program), Entry::program(script, text.as_bytes().to_vec())];
    let folder = format!("meshwhy-{VERSION}-{}", platform.triple);
    own.iter().chain(beside).map(|entry| entry.within(&folder)).collect()
}

/// The module, and the manifests with its hash.
fn deployment(module: &[u8]) -> Vec<Entry> {
    let manifests = manifests(&sha256(module));
    let files = manifests.iter().map(|manifest| Entry::file(manifest.path, manifest.text.as_bytes().to_vec()));
    let folder = format!("meshwhy-{VERSION}-module");
    files.chain([Entry::file("meshwhy.wasm", module.to_vec())]).map(|entry| entry.within(&folder)).collect()
}

/// Builds the command line for a platform: with cargo where that is this machine's, else with zig as linker and C compiler.
fn compile(platform: &Platform, page: &Path) -> Result<PathBuf> {
    let mut build = match platform.triple == host()?.triple {
        true => Command::new(cargo_program()),
        false => {
            run_command(Command::new("rustup").args(["target", "add", platform.triple]))?;
            zigbuild()?
        }
    };
    build.args(["build", "--quiet", "--locked", "--release", "--package", "meshwhy", "--target", platform.triple]);
    build.env("CARGO_PROFILE_RELEASE_STRIP", "symbols").env("RUSTFLAGS", build::without_paths());
    build.env(web::EMBEDDED, page);
    run_command(&mut build).with_context(|| format!("building for {}; docs/releasing.md says what it needs", platform.triple))?;
    let program = artifacts::target().join(platform.triple).join("release").join(platform.program());
    ensure!(program.is_file(), "cargo built no {}", program.display());
    Ok(program)
}

/// `cargo-zigbuild`, which takes cargo's own arguments, with its zig, from PyPI, under `target/tools`.
fn zigbuild() -> Result<Command> {
    const REQUIREMENTS: [&str; 2] = ["ziglang==0.17.1", "cargo-zigbuild==0.24.1"];
    let home = workspace().join("target/tools/zig");
    let programs = home.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let program = programs.join(format!("cargo-zigbuild{}", std::env::consts::EXE_SUFFIX));
    if !program.is_file() {
        eprintln!("installing {}", REQUIREMENTS.join(", "));
        run_command(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
        run_command(Command::new(programs.join("python")).args(["-m", "pip", "install", "--quiet"]).args(REQUIREMENTS))?;
    }
    let mut command = Command::new(program);
    command.env("PATH", path_with(&programs)?);
    Ok(command)
}

fn path_with(programs: &Path) -> Result<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(programs.to_path_buf()).chain(std::env::split_paths(&path));
    std::env::join_paths(all).context("PATH")
}
