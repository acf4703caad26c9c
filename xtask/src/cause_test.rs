//! The test of one cause, for whoever writes it: its scenario needs few of the libraries of the whole harness, and no optimised build.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, anyhow, bail, ensure};
use meshwhy_core::Cause;
use meshwhy_core::cause_cases::{self, CauseCases};
use meshwhy_core::cause_laws;
use serde_json::Value;

use crate::catalogue::folder;
use crate::shell::{TARGET, cargo_program, ensure_target, run, workspace};

/// Words of a scenario, and the feature of the harness that such a scenario needs. What is missed fails and names the feature.
const FEATURES: [(&str, &[&str]); 2] = [
    ("http2", &["h2", "h2-reset", "h2-refuse", "h2-cut", "grpc-error", "over-limit"]),
    ("tls", &["tls", "tls-untrusted", "tls-expired", "tls-mtls", "tls-h2-only", "ca", "server_cert", "client_cert"]),
];

/// Runs the cases and laws of the whole catalogue, since a new condition may take the facts of another cause; then the cause's scenario.
///
/// # Errors
/// There is no such cause, a case or law is broken, or the scenario fails.
pub fn test(slug: &str, without_envoy: bool) -> Result<()> {
    let cause = Cause::find(slug).with_context(|| format!("no cause {slug}"))?;
    cases_and_laws()?;
    if without_envoy {
        return Ok(());
    }
    if let Some((_, why)) = cause_laws::NO_SCENARIO.iter().find(|(slug, _)| *slug == cause.slug) {
        println!("no scenario: {why}");
        return Ok(());
    }
    scenario(cause.slug)
}

fn cases_and_laws() -> Result<()> {
    let cases = cause_cases::read_all(|cause| fs::read_to_string(folder(cause.slug).join("cases.md")));
    let cases = cases.map_err(|error| anyhow!(error))?;
    let glossary = fs::read_to_string(workspace().join("docs/contributing/glossary.md"))?;
    let mut broken = cause_cases::broken(&cases);
    broken.extend(cause_laws::broken(|cause| folder(cause.slug).join("scenario.yaml").is_file(), &glossary));
    ensure!(broken.is_empty(), "cases and laws:\n{}", broken.join("\n"));
    let total: usize = cases.iter().map(|CauseCases { cases, .. }| cases.len()).sum();
    println!("cases and laws: {total} cases of {} causes get their verdict, and the catalogue keeps its laws", cases.len());
    Ok(())
}

/// Builds what the scenario needs and runs it, and every other one whose name contains the slug.
fn scenario(slug: &str) -> Result<()> {
    ensure_target(TARGET)?;
    println!("building the module and the harness for the scenario");
    let features = features(slug)?.join(",");
    // With the features that this program has of the crates, so that none of them is built twice.
    let mut harness = Command::new(cargo_program());
    harness.args(["build", "--package", "meshwhy-integration", "--package", "xtask", "--test", "scenarios"]);
    harness.args(["--no-default-features", "--features", &features]);
    // Cargo lets one build at a time into a directory.
    let mut module = Command::new(cargo_program());
    module.args(["build", "--package", "meshwhy-filter", "--target", TARGET, "--target-dir", "target/scenario"]);
    let (built, module) = thread::scope(|scope| {
        let module = scope.spawn(|| artifacts(&mut module));
        (artifacts(&mut harness), module.join())
    });
    let (built, module) = (built?, module.map_err(|_| anyhow!("the build of the module panicked"))??);
    let take = |built: &BTreeMap<String, PathBuf>, name: &str| {
        built.get(name).cloned().with_context(|| format!("cargo built no {name}"))
    };
    run(Command::new(take(&built, "scenarios")?).arg(slug).env("MESHWHY_WASM", take(&module, "meshwhy_filter")?))
}

/// The features of the harness that the scenarios need whose name contains the slug.
fn features(slug: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    for cause in meshwhy_core::causes::REGISTRY.iter().filter(|cause| cause.slug.contains(slug)) {
        let path = folder(cause.slug).join("scenario.yaml");
        let text = if path.is_file() { fs::read_to_string(&path)? } else { String::new() };
        words.extend(text.split(|letter: char| !letter.is_alphanumeric() && !"-_".contains(letter)).map(str::to_owned));
    }
    let needed = FEATURES.iter().filter(|(_, signs)| words.iter().any(|word| signs.contains(&&**word)));
    Ok(needed.map(|(feature, _)| format!("meshwhy-integration/{feature}")).collect())
}

/// Builds, and returns the programs and modules by the name of their target.
fn artifacts(cargo: &mut Command) -> Result<BTreeMap<String, PathBuf>> {
    cargo.args(["--quiet", "--message-format", "json-render-diagnostics"]).current_dir(workspace());
    let output = cargo.stderr(Stdio::inherit()).output().with_context(|| format!("starting {cargo:?}"))?;
    if !output.status.success() {
        bail!("{cargo:?} failed ({})", output.status);
    }
    let messages = output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let artifact = |message: Value| {
        let module = |path: &&Value| path.as_str().is_some_and(|path| path.ends_with(".wasm"));
        let modules = message.get("filenames").and_then(Value::as_array).and_then(|paths| paths.iter().find(module));
        let path = message.get("executable").filter(|path| path.is_string()).or(modules)?.as_str()?;
        Some((message.pointer("/target/name")?.as_str()?.to_owned(), PathBuf::from(path)))
    };
    Ok(messages.filter_map(artifact).collect())
}
