//! Runs the fuzz targets, seeded with what the tests are made of.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::shell::{run, tool, workspace};

/// Every target in `fuzz/targets`.
pub const TARGETS: [&str; 9] =
    ["line", "log_format", "mesh_config", "module_config", "paste", "proxy_status", "record", "trace", "vocabulary"];
/// Longest input that is tried, in bytes; a line is read up to 64 KiB.
const MAX_INPUT: u32 = 4096;

/// Runs one target, or all of them one after the other, each for so many seconds.
///
/// # Errors
/// There is no nightly compiler, the tool cannot be installed, or a target found an input that breaks it.
pub fn run_targets(target: Option<&str>, seconds: u64) -> Result<()> {
    let program = cargo_fuzz()?;
    for target in TARGETS.iter().filter(|name| target.is_none_or(|wanted| wanted == **name)) {
        let corpus = workspace().join("fuzz/corpus").join(target);
        fs::create_dir_all(&corpus)?;
        for (number, seed) in seeds(target)?.iter().enumerate() {
            fs::write(corpus.join(format!("seed-{number}")), seed)?;
        }
        eprintln!("fuzzing {target} for {seconds} s");
        run(Command::new(&program)
            .args(["run", "--fuzz-dir", "fuzz", target, "--"])
            .args([format!("-max_total_time={seconds}"), format!("-max_len={MAX_INPUT}")])
            .args(["-timeout=5", "-rss_limit_mb=1024", "-print_final_stats=1", "-verbosity=0"])
            .env("RUSTUP_TOOLCHAIN", "nightly"))?;
    }
    Ok(())
}

/// The tool that drives libFuzzer.
fn cargo_fuzz() -> Result<PathBuf> {
    let listed =
        Command::new("rustup").args(["toolchain", "list"]).output().context("rustup is needed: see https://rustup.rs")?;
    let nightly = String::from_utf8_lossy(&listed.stdout).lines().any(|line| line.starts_with("nightly"));
    ensure!(nightly, "libFuzzer needs a nightly compiler: `rustup toolchain install nightly`");
    tool("cargo-fuzz", "0.13.2")
}

fn seeds(target: &str) -> Result<Vec<Vec<u8>>> {
    Ok(match target {
        "line" | "paste" => pastes()?.into_iter().map(String::into_bytes).collect(),
        "record" => cases()?.into_iter().map(String::into_bytes).collect(),
        "vocabulary" => {
            let folder = workspace().join("core/tests/vocabulary");
            let tables = ["code_details.tsv", "codec_errors.tsv", "transport_failures.tsv", "response_flags.tsv"];
            let texts = tables.iter().map(|table| fs::read_to_string(folder.join(table))).collect::<Result<Vec<_>, _>>()?;
            texts.iter().flat_map(|text| text.lines()).filter_map(|line| Some(line.split('\t').next()?.into())).collect()
        }
        "log_format" => vec![
            b"[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% %RESPONSE_FLAGS%\n\
              [2026-11-21T06:42:14.013Z] \"POST /reserve HTTP/1.1\" 503 UC"
                .to_vec(),
        ],
        "mesh_config" => vec![b"accessLogFile: /dev/stdout\naccessLogFormat: \"%RESPONSE_CODE% %RESPONSE_FLAGS%\"\n".to_vec()],
        "module_config" => vec![br#"{"visibility":"always","trace_check":{"sample_per_10k":1}}"#.to_vec()],
        "proxy_status" => {
            vec![br#"cart-1.shop; error=destination_not_found; mw-cause=MW2002; details="route_not_found""#.to_vec()]
        }
        _ => Vec::new(),
    })
}

/// What people pasted, and the lines of a real mesh.
fn pastes() -> Result<Vec<String>> {
    let data = workspace().join("diagnose/tests/data");
    let mut pastes = Vec::new();
    for line in fs::read_to_string(data.join("realworld.jsonl"))?.lines() {
        let case: Value = serde_json::from_str(line)?;
        pastes.extend(case.get("input").and_then(Value::as_str).map(str::to_owned));
    }
    for line in fs::read_to_string(data.join("istio-lab.jsonl"))?.lines() {
        let case: Value = serde_json::from_str(line)?;
        let proxies = case.get("logs").and_then(Value::as_object).into_iter().flat_map(serde_json::Map::values);
        let lines = proxies.filter_map(Value::as_array).flatten().filter_map(Value::as_str);
        pastes.extend(lines.map(str::to_owned));
    }
    Ok(pastes)
}

/// The facts of every `cases.md`.
fn cases() -> Result<Vec<String>> {
    let mut cases = Vec::new();
    for folder in fs::read_dir(workspace().join("core/src/causes"))? {
        let Ok(text) = fs::read_to_string(folder?.path().join("cases.md")) else { continue };
        let facts = text.lines().filter_map(|line| line.strip_prefix('{'));
        cases.extend(facts.map(|facts| format!("{{\"meshwhy.record\":\"1\",{facts}")));
    }
    Ok(cases)
}
