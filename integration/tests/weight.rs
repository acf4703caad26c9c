//! What the manifests weigh: lines that a person reads, bytes that Kubernetes keeps, bytes that each listener gets.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use meshwhy_integration::artifacts::workspace;
use meshwhy_integration::mesh::{ListenerKind, listener};
use meshwhy_integration::{Deployment, Setup};

/// Lines of a manifest that can still be read.
const MAX_LINES: usize = 600;
/// Half of what the annotation holds in which `kubectl apply` keeps a resource.
const MAX_APPLIED: usize = 262_144 / 2;
/// Bytes that a connection manager may get.
const MAX_MANAGER: usize = 8 * 1024;

fn manifests() -> Result<Vec<(PathBuf, String)>> {
    let root = workspace().join("envoyfilter");
    let folders = ["", "sidecar", "gateway", "module"].map(|folder| root.join(folder));
    let mut manifests = Vec::new();
    for entry in folders.iter().map(fs::read_dir).collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            manifests.push((path.clone(), fs::read_to_string(&path)?));
        }
    }
    ensure!(manifests.len() >= 8, "only {} manifests", manifests.len());
    Ok(manifests)
}

#[test]
fn every_manifest_can_be_read_and_applied() -> Result<()> {
    for (path, text) in manifests()? {
        let lines = text.lines().count();
        ensure!(lines <= MAX_LINES, "{} has {lines} lines", path.display());
        let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(&text).with_context(|| path.display().to_string())?;
        for document in documents {
            let bytes = document.to_string().len();
            ensure!(bytes <= MAX_APPLIED, "{}: {bytes} bytes", path.display());
        }
    }
    Ok(())
}

/// A table of the bytes of JSON that each deployment adds to each kind of listener, and to the filters in it.
fn weights() -> Result<String> {
    let mut table = "bytes of JSON that a listener gets as shipped, and how many of them its filters\n\n".to_owned();
    let bytes = |kind, deployment| -> Result<[usize; 2]> {
        let listener = listener(kind, deployment)?;
        Ok([listener.to_string().len(), listener.get("filter_chains").map_or(0, |chains| chains.to_string().len())])
    };
    for deployment in Deployment::ALL {
        for kind in ListenerKind::ALL {
            let ([bare, bare_filters], [all, filters]) = (bytes(kind, None)?, bytes(kind, Some(deployment))?);
            let (added, in_filters) = (all.saturating_sub(bare), filters.saturating_sub(bare_filters));
            table.push_str(&format!("{deployment} {kind:?}: {added} {in_filters}\n"));
            ensure!(in_filters <= MAX_MANAGER, "{table}");
        }
    }
    Ok(table)
}

#[test]
fn every_listener_gets_as_many_bytes_as_the_golden_file_says() -> Result<()> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/weight.txt");
    let (now, then) = (weights()?, fs::read_to_string(&golden).unwrap_or_default());
    ensure!(now == then, "if this is meant, write it into {}:\n{now}", golden.display());
    Ok(())
}

#[test]
fn every_resource_comes_after_those_of_users() -> Result<()> {
    for deployment in Deployment::ALL {
        for document in Setup::new(deployment).documents()? {
            let priority = document.pointer("/spec/priority").and_then(serde_json::Value::as_i64);
            ensure!(priority.is_some_and(|priority| priority >= 1000), "{deployment}: {document}");
        }
    }
    Ok(())
}
