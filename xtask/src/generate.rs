//! Generated files are checked in; this writes them, or says which are stale.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use meshwhy_envoyfilter::{NO_MODULE, manifests};

use crate::shell::workspace;
use crate::{catalogue, coverage_page, facts_page, prometheus_rules, schemas};

/// Writes all generated files, or with `check` compares them.
///
/// # Errors
/// With `check`, some file is not what would be written; the message names it and says what to run.
pub fn run(check: bool) -> Result<()> {
    let mut stale = Vec::new();
    let mut put = |path: String, text: String| -> Result<()> {
        let file = workspace().join(&path);
        if fs::read_to_string(&file).is_ok_and(|present| present == text) {
            return Ok(());
        }
        if check {
            stale.push(path);
            return Ok(());
        }
        fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
        fs::write(&file, text).with_context(|| format!("writing {path}"))?;
        eprintln!("wrote {path}");
        Ok(())
    };
    for catalogue in [catalogue::CAUSES, catalogue::RULES] {
        put(catalogue.registry(), catalogue.text()?)?;
    }
    put("docs/facts.md".to_owned(), facts_page::page())?;
    put("docs/coverage.md".to_owned(), coverage_page::page())?;
    put("deploy/prometheus/causes.rules.yaml".to_owned(), prometheus_rules::page())?;
    for manifest in manifests(NO_MODULE) {
        put(format!("envoyfilter/{}", manifest.path), manifest.text)?;
    }
    for (name, text) in schemas::all() {
        put(format!("docs/schemas/{name}.json"), text)?;
    }
    if !stale.is_empty() {
        bail!("stale: {}; run `cargo xtask gen` and look at the difference", stale.join(", "));
    }
    Ok(())
}
