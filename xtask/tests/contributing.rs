//! The commands of `CONTRIBUTING.md`, one after the other, in a copy of this checkout.

#![allow(clippy::unwrap_used, reason = "a broken test must fail loudly")]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

const PAGE: &str = include_str!("../../CONTRIBUTING.md");
/// What is left out, since it needs an Envoy. An entry that is no longer needed fails.
const UNDER_ENVOY: [&str; 2] = ["cargo xtask record upstream-sent-goaway", "cargo xtask test"];
/// The same in full, by the tests' own names.
const CASES_AND_LAWS: &str = "cargo test --quiet --package meshwhy-core --test cases --test laws";

#[test]
fn a_contributor_adds_renames_and_retires_a_cause() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("contributing");
    mirror(root, &copy);
    for command in commands().into_iter().filter(|command| !UNDER_ENVOY.contains(command)) {
        if command.starts_with("cargo xtask test ") {
            run(&format!("{command} --without-envoy"), &copy);
        } else {
            run(command, &copy);
        }
        if let Some(rest) = command.strip_prefix("cargo xtask new-cause ") {
            fill_in(&copy.join("core/src/causes").join(rest.split(' ').next().unwrap().replace('-', "_")));
        }
    }
    run(CASES_AND_LAWS, &copy);
}

#[test]
fn only_what_needs_an_envoy_is_left_out() {
    let commands = commands();
    assert!(UNDER_ENVOY.iter().all(|command| commands.contains(command)), "{commands:?}");
    for task in ["new-cause", "gen", "bless-translation", "test", "rename-cause", "retire-cause"] {
        let task = format!("cargo xtask {task}");
        assert!(commands.iter().any(|command| command.starts_with(&task) && !UNDER_ENVOY.contains(command)), "{task}");
    }
}

/// The commands in fences, in the order of the page.
fn commands() -> Vec<&'static str> {
    let fenced = PAGE.split("```").skip(1).step_by(2);
    fenced.flat_map(str::lines).map(str::trim).filter(|line| line.starts_with("cargo ")).collect()
}

/// Makes `to` what `from` is. What is equal stays untouched, so that cargo takes it for built.
fn mirror(from: &Path, to: &Path) {
    let names = |folder: &Path| -> BTreeSet<OsString> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name != "target" && name != ".git").collect()
    };
    fs::create_dir_all(to).unwrap();
    for name in names(to).difference(&names(from)) {
        let path = to.join(name);
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
    }
    for name in names(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            mirror(&from, &to);
        } else if fs::read(&from).unwrap() != fs::read(&to).unwrap_or_default() {
            fs::copy(&from, &to).unwrap();
        }
    }
}

/// Runs a command in the copy.
fn run(command: &str, copy: &Path) {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(copy);
    // A folder of its own: cargo takes crates of two copies of one workspace for the same, and would build neither anew.
    shell.env("CARGO_TARGET_DIR", copy.with_extension("target"));
    shell.env_remove("CARGO_BUILD_BUILD_DIR");
    let output = shell.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command}: {}\n{out}{err}", output.status);
}

/// What the contributor writes.
fn fill_in(folder: &Path) {
    let edit = |name: &str, replacements: &[(&str, &str)]| {
        let mut text = fs::read_to_string(folder.join(name)).unwrap();
        for (from, to) in replacements {
            assert!(text.contains(from), "{name} has no {from}");
            text = text.replace(from, to);
        }
        fs::write(folder.join(name), text).unwrap();
    };
    let conditions =
        "refines: upstream_closed_connection,\n    conditions: &[(Certain, All(&[Flag(ResponseFlag::UC), Status(597)]))],";
    edit(
        "mod.rs",
        &[
            ("conditions: &[],", conditions),
            ("confirm: &[]", "confirm: &[Confirm { id: \"look\", steps: &[Note(\"Look.\", \"看。\")] }]"),
            ("fixes: &[]", "fixes: &[Fix { id: \"mend\", applicability: Manual, steps: &[NOTE], verify: &[NOTE] }]"),
            ("NOTE", "Note(\"Mend it.\", \"改。\")"),
            ("sources: &[]", "sources: &[\"https://www.rfc-editor.org/rfc/rfc9113\"]"),
        ],
    );
    edit(
        "en.md",
        &[
            ("What\n", "What\nIt went away\n"),
            ("Why\n", "Why\nIt does.\n"),
            ("Confirm\n", "Confirm\n{confirm: look}\n"),
            ("Fix\n", "Fix\n{fix: mend}\n"),
        ],
    );
    edit(
        "zh.md",
        &[
            ("现象\n", "现象\n走了\n"),
            ("原因\n", "原因\n走了。\n"),
            ("确认\n", "确认\n{confirm: look}\n"),
            ("修复\n", "修复\n{fix: mend}\n"),
        ],
    );
    let case = |heading: &str, verdict: &str, status: u16| {
        format!(
            "## {heading}\n```json {verdict}\n{{\"http.response.status_code\":{status},\"envoy.response_flags\":\"UC\"}}\n```\n"
        )
    };
    let own = case("By hand", "verdict=upstream-sent-goaway confidence=certain", 597);
    let other = case("By hand: another status", "near-miss verdict=upstream-closed-connection", 503);
    edit("cases.md", &[("# Cases\n", &format!("# Cases\n\n{own}\n{other}"))]);
}
