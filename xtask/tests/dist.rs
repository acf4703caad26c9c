//! What a release holds, from a program that is already there: nothing is compiled.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken test must fail loudly")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::Command;

use flate2::read::GzDecoder;
use meshwhy_integration::artifacts::cli;
use meshwhy_integration::module_server::sha256;
use serde_json::Value;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const COMMANDS: [&str; 18] = [
    "explain",
    "diagnose",
    "causes",
    "search",
    "check",
    "rules",
    "plan",
    "install",
    "install-rbac",
    "probe",
    "route",
    "doctor",
    "web",
    "sql",
    "config",
    "config-check",
    "completions",
    "man",
];

/// What `dist` wrote for a platform, by the file's name.
fn released(triple: &str, folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (program, module) = (folder.join("program"), folder.join("module"));
    fs::write(&program, b"#!/bin/sh\n").unwrap();
    fs::write(&module, b"\0asm").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["dist", "--target", triple, "--binary"]).arg(&program).arg("--module").arg(&module);
    let output = command.arg("--out").arg(folder.join("out")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let files = fs::read_dir(folder.join("out")).unwrap().map(|file| file.unwrap());
    files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect()
}

/// The mode of each entry, by its path without the folder that all have.
fn entries(tar_gz: &[u8]) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut archive = tar::Archive::new(GzDecoder::new(tar_gz));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let (header, mut bytes) = (entry.header().clone(), Vec::new());
        assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, 315_532_800));
        entry.read_to_end(&mut bytes).unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        (path.split_once('/').unwrap().1.to_owned(), (header.mode().unwrap(), bytes))
    });
    entries.collect()
}

#[test]
fn an_archive_holds_the_program_and_what_belongs_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let released = released("x86_64-unknown-linux-musl", folder.path());
    let held = entries(&released[&format!("meshwhy-{VERSION}-x86_64-unknown-linux-musl.tar.gz")]);
    let pages = COMMANDS.map(|command| format!("man/meshwhy-{command}.1"));
    let names = ["LICENSE", "README.md", "README.zh-CN.md", "meshwhy", "kubectl_complete-meshwhy", "man/meshwhy.1"];
    let shells = ["meshwhy.bash", "_meshwhy", "meshwhy.fish", "_meshwhy.ps1"].map(|file| format!("completions/{file}"));
    let mut expected: Vec<String> = names.map(str::to_owned).into_iter().chain(shells).chain(pages).collect();
    expected.sort();
    assert_eq!(held.keys().cloned().collect::<Vec<_>>(), expected);
    let programs: Vec<&str> = held.iter().filter(|(_, (mode, _))| *mode == 0o755).map(|(name, _)| name.as_str()).collect();
    assert_eq!(programs, ["kubectl_complete-meshwhy", "meshwhy"]);
    let man = String::from_utf8(held["man/meshwhy-probe.1"].1.clone()).unwrap();
    assert!(man.contains(".SH NAME") && man.contains("matrix"), "{man}");

    let module = entries(&released[&format!("meshwhy-{VERSION}-module.tar.gz")]);
    let hash = sha256(&module["meshwhy.wasm"].1);
    let observe = String::from_utf8(module["sidecar/observe.yaml"].1.clone()).unwrap();
    assert!(observe.contains(&hash), "the manifests are of another module than {hash}");
}

#[test]
fn every_byte_follows_from_what_is_in_it() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let triple = "aarch64-unknown-linux-musl";
    let (one, other) = (released(triple, one.path()), released(triple, other.path()));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    assert!(one == other, "two builds of one commit differ");
    let sums = String::from_utf8(one["SHA256SUMS"].clone()).unwrap();
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").unwrap();
        assert_eq!(sum, sha256(&one[name]), "{name}");
    }
    assert_eq!(sums.lines().count(), one.len() - 1);
}

#[test]
fn krew_takes_the_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let released = released("x86_64-pc-windows-gnu", folder.path());
    let archive = format!("meshwhy-{VERSION}-x86_64-pc-windows-gnu.zip");
    let manifest: Value = serde_saphyr::from_str(&String::from_utf8(released["meshwhy.yaml"].clone()).unwrap()).unwrap();
    let text = |pointer: &str| manifest.pointer(pointer).and_then(Value::as_str).unwrap();
    assert_eq!(text("/apiVersion"), "krew.googlecontainertools.github.com/v1alpha2");
    assert_eq!((text("/kind"), text("/metadata/name")), ("Plugin", "meshwhy"));
    assert_eq!(text("/spec/version"), format!("v{VERSION}"));
    // The limit of krew's index.
    assert!(text("/spec/shortDescription").len() <= 50, "{}", text("/spec/shortDescription"));
    assert!(!text("/spec/description").is_empty() && text("/spec/homepage").starts_with("https://"));
    assert_eq!(text("/spec/platforms/0/selector/matchLabels/os"), "windows");
    assert_eq!(text("/spec/platforms/0/selector/matchLabels/arch"), "amd64");
    assert!(text("/spec/platforms/0/uri").ends_with(&format!("/v{VERSION}/{archive}")));
    assert_eq!(text("/spec/platforms/0/sha256"), sha256(&released[&archive]));

    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(&released[&archive])).unwrap();
    let folder = text("/spec/platforms/0/files/0/from").strip_suffix("/*").unwrap().to_owned();
    for file in [text("/spec/platforms/0/bin"), "LICENSE", "kubectl_complete-meshwhy.cmd"] {
        zip.by_name(&format!("{folder}/{file}")).unwrap();
    }
}

/// As kubectl does when Tab is pressed behind `kubectl meshwhy diagnose --fo`.
#[cfg(unix)]
#[test]
fn kubectl_completes_the_plugin() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let folder = tempfile::tempdir().unwrap();
    let released = released("x86_64-unknown-linux-musl", folder.path());
    let held = entries(&released[&format!("meshwhy-{VERSION}-x86_64-unknown-linux-musl.tar.gz")]);
    let (mode, script) = &held["kubectl_complete-meshwhy"];
    let program = folder.path().join("kubectl_complete-meshwhy");
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(*mode)).unwrap();
    symlink(cli().unwrap(), folder.path().join("kubectl-meshwhy")).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let output = Command::new(program).args(["diagnose", "--fo"]).env("PATH", path).output().unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    let words: Vec<&str> = answer.lines().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(words, ["--follow", "--format", ":4"], "{answer}");
}
