//! A command line and a module of different versions: what `docs/reliability.md` states, on record lines that are checked in and stay.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use meshwhy_diagnose::Analysis;
use meshwhy_integration::record_json;
use serde_json::Value;

/// The lines of a golden file.
fn lines(name: &str) -> Result<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/records").join(name);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// For how many occurrences of each cause these lines stand, and how many of them are not understood.
fn diagnosed(lines: &[String]) -> (BTreeMap<&'static str, u64>, u64) {
    let analysis = Analysis::of(lines.join("\n").as_bytes());
    let mut counts = BTreeMap::new();
    for group in analysis.groups {
        *counts.entry(group.verdict.cause.code).or_default() += group.count;
    }
    (counts, analysis.tally.unreadable)
}

#[test]
fn records_of_an_older_module_are_read_and_judged_as_they_were() -> Result<()> {
    let lines = lines("format-1.log")?;
    ensure!(lines.len() >= 15, "{} records", lines.len());
    for line in lines {
        let record = record_json(&line).with_context(|| format!("no record: {line}"))?;
        let code = record.get("meshwhy.code").and_then(Value::as_str).context("no code")?;
        let count = record.get("count").and_then(Value::as_u64).context("no count")?;
        let (counts, unreadable) = diagnosed(std::slice::from_ref(&line));
        ensure!(counts == [(code, count)].into() && unreadable == 0, "{code}: {counts:?} of {line}");
    }
    Ok(())
}

#[test]
fn records_of_a_newer_module_are_judged_by_what_is_known() -> Result<()> {
    let lines = lines("format-1-newer.log")?;
    // Unknown attributes and words are ignored, an unknown code gives way to the facts, and every occurrence is counted.
    let expected = [("MW3002", 7), ("MW2001", 4), ("MW0000", 3), ("MW2001", 1)];
    ensure!(lines.len() == expected.len(), "{} lines", lines.len());
    for (line, (code, count)) in lines.iter().zip(expected) {
        let (counts, unreadable) = diagnosed(std::slice::from_ref(line));
        ensure!(counts == [(code, count)].into() && unreadable == 0, "{counts:?} of {line}");
    }
    Ok(())
}

#[test]
fn no_record_of_a_newer_module_is_dropped() -> Result<()> {
    let (counts, unreadable) = diagnosed(&lines("format-1-unnamed.log")?);
    ensure!(counts == [("MW0000", 7)].into() && unreadable == 0, "{counts:?}, {unreadable} unreadable");
    Ok(())
}
