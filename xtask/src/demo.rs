//! The demo: every scenario in all three deployments under a real Envoy, and the command line's report of what was collected.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use meshwhy_integration::{Deployment, collect, load_all, stop_all};

use crate::build::{self, Built};
use crate::shell::workspace;

/// Runs the demo.
///
/// # Errors
/// Something does not build, Envoy cannot be had, or the command line fails.
pub fn run() -> Result<()> {
    ctrlc::set_handler(|| {
        stop_all();
        std::process::exit(130);
    })?;
    let built = build::artifacts()?;
    let started = Instant::now();
    let scenarios = load_all()?;
    let directory = meshwhy_integration::artifacts::target().join("demo");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory)?;
    let mut collected = Vec::new();
    for deployment in Deployment::ALL {
        eprintln!("{deployment}: {} failing requests, one per cause, through a real Envoy", scenarios.len());
        let path = directory.join(format!("{deployment}.log"));
        fs::write(&path, collect(&scenarios, deployment)?)?;
        collected.push(path);
    }
    eprintln!("collected in {:.0} s\n", started.elapsed().as_secs_f64());
    report(&built, &directory, &collected)
}

fn report(built: &Built, directory: &Path, collected: &[std::path::PathBuf]) -> Result<()> {
    let diagnose = |format: &str| {
        let mut command = Command::new(&built.cli);
        command.arg("diagnose").args(["--format", format]).args(collected).current_dir(workspace());
        command
    };
    let json = directory.join("report.json");
    let output = diagnose("json").stderr(Stdio::inherit()).output().context("starting meshwhy")?;
    ensure!(output.status.code() == Some(1), "meshwhy diagnose ended with {}", output.status);
    fs::write(&json, &output.stdout)?;
    let status = diagnose("text").status()?;
    ensure!(status.code() == Some(1), "meshwhy diagnose ended with {status}");
    let found = causes(&output.stdout)?;
    eprintln!("\n{found} distinct causes found; the same report as JSON: {}", json.display());
    Ok(())
}

fn causes(report: &[u8]) -> Result<usize> {
    let report: serde_json::Value = serde_json::from_slice(report)?;
    let findings = report.pointer("/findings").and_then(|findings| findings.as_array()).context("the report has no findings")?;
    let codes: std::collections::BTreeSet<&str> = findings.iter().filter_map(|finding| finding.get("code")?.as_str()).collect();
    Ok(codes.len())
}
