//! What programs read is as `docs/schemas` says: the JSON of every command, and records, those of a real mesh among them.

#![allow(clippy::unwrap_used, reason = "a broken test must fail loudly")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use jsonschema::Validator;
use meshwhy_core::causes::REGISTRY;
use meshwhy_core::record;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn schema(name: &str) -> Validator {
    let text = fs::read_to_string(root().join("docs/schemas").join(name).with_extension("json")).unwrap();
    jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
}

fn check(schema: &Validator, json: &str, place: &str) {
    let value: Value = serde_json::from_str(json).unwrap();
    let wrong: Vec<String> = schema.iter_errors(&value).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "{place}: {}\n{json}", wrong.join("\n"));
}

fn output(command: &mut Command, input: &str) -> String {
    // As the transcripts are run.
    command.current_dir(root());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

fn meshwhy(arguments: &[&str], input: &str) -> String {
    output(Command::new(env!("CARGO_BIN_EXE_meshwhy")).args(["--lang", "en"]).args(arguments), input)
}

/// The facts of every case of the catalogue, as records.
fn recorded() -> Vec<String> {
    let folders = fs::read_dir(root().join("core/src/causes")).unwrap().map(|folder| folder.unwrap().path().join("cases.md"));
    let texts = folders.filter_map(|cases| fs::read_to_string(cases).ok()).collect::<Vec<_>>().join("\n");
    let facts = texts.lines().filter_map(|line| line.strip_prefix('{'));
    facts.map(|facts| format!("{{\"meshwhy.record\":\"1\",{}", facts.replace("\"meshwhy.record\":\"1\",", ""))).collect()
}

/// Lines of every proxy of a real mesh, in all deployments.
fn observed() -> Vec<String> {
    let cases = include_str!("../../diagnose/tests/data/istio-live.jsonl")
        .lines()
        .map(|case| serde_json::from_str::<Value>(case).unwrap());
    cases
        .flat_map(|case| case.get("input").and_then(Value::as_str).unwrap().lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[test]
fn every_session_of_the_transcripts() {
    let paths = fs::read_dir(root().join("cli/tests/cmd")).unwrap().map(|page| page.unwrap().path());
    let pages = paths.filter(|path| path.is_file()).map(|path| fs::read_to_string(path).unwrap());
    let pages = pages.collect::<Vec<_>>().join("\n");
    let sessions: Vec<&str> =
        pages.lines().filter_map(|line| line.strip_prefix("$ meshwhy ")).filter(|line| line.contains("--format json")).collect();
    assert!(sessions.len() >= 5, "{sessions:?}");
    for session in sessions {
        let name = match session.split(' ').next().unwrap() {
            "causes" if !session.ends_with("json") => "cause",
            command => command,
        };
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("'{}' {session}", env!("CARGO_BIN_EXE_meshwhy"))]);
        check(&schema(name), &output(&mut shell, ""), session);
    }
}

#[test]
fn reports_beside_manifests() {
    let folder = root().join("cli/tests/cmd/configuration.in/shop");
    let explained = fs::read_to_string(folder.join("access.log")).unwrap();
    for (input, is_explained) in [(explained.as_str(), true), ("426", false)] {
        for command in ["explain", "diagnose"] {
            let report = meshwhy(&[command, "--manifests", folder.to_str().unwrap(), "--format", "json"], input);
            check(&schema(command), &report, command);
            let report: Value = serde_json::from_str(&report).unwrap();
            let entries = report.get("verdicts").or_else(|| report.get("findings")).unwrap();
            assert_eq!(entries[0].get("configuration").map(Value::is_object), Some(is_explained), "{report}");
        }
    }
}

#[test]
fn reports_on_everything_that_was_recorded() {
    let lines = [recorded(), observed()].concat();
    assert!(lines.len() > 1000, "{} lines", lines.len());
    let input = lines.join("\n");
    check(&schema("explain"), &meshwhy(&["explain", "--why-not", "--format", "json", "-"], &input), "explain");
    check(&schema("diagnose"), &meshwhy(&["diagnose", "--format", "json", "-"], &input), "diagnose");
}

#[test]
fn a_probe_that_reaches_nobody() {
    let closed = "http://127.0.0.1:1/?token=s3cr3t";
    check(&schema("probe"), &meshwhy(&["probe", closed, "--format", "json"], ""), "probe");
    let matrix = meshwhy(&["probe", closed, "--matrix", "--format", "json"], "");
    check(&schema("probe-matrix"), &matrix, "probe --matrix");
    assert!(matrix.contains("upstream-connection-refused") && !matrix.contains("s3cr3t"), "{matrix}");
}

#[test]
fn a_probe_that_is_answered() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", server.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let member = r#""cart-1.shop"; error=destination_not_found; mw-cause=MW2001; mw-side=inbound; mw-flags="NR"; details="route_not_found""#;
        let head = format!("HTTP/1.1 404 No\r\nserver: istio-envoy\r\nproxy-status: {member}\r\ncontent-length: 0\r\n\r\n");
        let _begin = std::io::Read::read(&mut stream, &mut [0; 1024]).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
    });
    let answer = meshwhy(&["probe", &url, "--format", "json"], "");
    answering.join().unwrap();
    check(&schema("probe"), &answer, "probe");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer.pointer("/verdicts/0/code").and_then(Value::as_str), Some("MW2001"), "{answer}");
    assert_eq!(answer.pointer("/trail/0/name").and_then(Value::as_str), Some("cart-1.shop"), "{answer}");
}

#[test]
fn every_cause() {
    check(&schema("causes"), &meshwhy(&["causes", "--format", "json"], ""), "causes");
    let cause = schema("cause");
    REGISTRY.iter().for_each(|entry| check(&cause, &meshwhy(&["causes", "--format", "json", entry.slug], ""), entry.slug));
}

#[test]
fn every_record() {
    let schema = schema("record");
    let written = recorded().into_iter().map(|line| {
        let facts = record::decode(&line).unwrap().facts;
        record::encode(&facts, meshwhy_core::judge(&facts).as_ref(), 7, 6)
    });
    let observed = observed().into_iter().filter(|line| line.contains("\"meshwhy.record\""));
    let observed: Vec<String> =
        observed.map(|line| line[line.find("{\"").unwrap()..=line.rfind('}').unwrap()].to_owned()).collect();
    assert!(observed.len() > 200, "{} records", observed.len());
    written.chain(observed).for_each(|record| check(&schema, &record, "record"));
}
