//! `meshwhy check` as it is used: files, folders, archives and standard input in; every form, exit code and edit out.

#![allow(clippy::unwrap_used, reason = "a broken test must fail loudly")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

const WRONG: &str = "apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop} # kept
spec:
  mtls:
    mode: STRIKT
";
const HINT: &str = "apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec:
  ports:
    - {name: web, port: 8080}
";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn check(folder: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshwhy"));
    command.args(["--lang", "en", "check"]).args(arguments).current_dir(folder);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn codes(output: &Output) -> Vec<String> {
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |finding: &Value, key: &str| finding.get(key).and_then(Value::as_str).unwrap().to_owned();
    let line = |finding: &Value| finding.get("line").and_then(Value::as_u64).unwrap();
    let name = |finding: &Value| format!("{}:{} {}", text(finding, "file"), line(finding), text(finding, "code"));
    json.get("findings").and_then(Value::as_array).unwrap().iter().map(name).collect()
}

#[test]
fn the_exit_code_follows_the_threshold_in_every_form() {
    let shop = folder(&[("shop.yaml", HINT)]);
    for format in ["text", "json", "sarif", "markdown", "junit", "github"] {
        let code =
            |arguments: &[&str]| check(shop.path(), &[&["--format", format, "shop.yaml"], arguments].concat(), b"").status.code();
        assert_eq!(code(&[]), Some(0), "{format}: a hint is below the threshold");
        assert_eq!(code(&["--severity-threshold", "info"]), Some(1), "{format}");
        assert_eq!(check(shop.path(), &["--format", format, "missing.yaml"], b"").status.code(), Some(3), "{format}");
    }
}

#[test]
fn every_form_names_file_line_and_code() {
    let shop = folder(&[("a b/&<shop>.yaml", WRONG)]);
    for (format, place) in [
        ("text", "a b/&<shop>.yaml:6:11"),
        ("json", "\"file\": \"./a b/&<shop>.yaml\""),
        ("sarif", "./a%20b/%26%3Cshop%3E.yaml"),
        ("markdown", "./a b/&<shop>.yaml:6:11"),
        ("junit", "./a b/&amp;&lt;shop&gt;.yaml"),
        ("github", "file=./a b/&<shop>.yaml,line=6,col=11"),
    ] {
        let output = check(shop.path(), &["--format", format, "."], b"");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(place) && text.contains("MWC108"), "{format}: {text}");
    }
}

#[test]
fn an_edit_is_shown_as_a_diff_and_made_in_the_file() {
    let shop = folder(&[("shop.yaml", WRONG)]);
    let diff = String::from_utf8(check(shop.path(), &["--diff", "shop.yaml"], b"").stdout).unwrap();
    assert!(diff.contains("-    mode: STRIKT\n+    mode: STRICT\n"), "{diff}");
    assert_eq!(check(shop.path(), &["--fix", "shop.yaml"], b"").status.code(), Some(2), "nobody is there to be asked");
    assert_eq!(fs::read_to_string(shop.path().join("shop.yaml")).unwrap(), WRONG);
    assert_eq!(check(shop.path(), &["--fix", "--yes", "shop.yaml"], b"").status.code(), Some(0));
    assert_eq!(fs::read_to_string(shop.path().join("shop.yaml")).unwrap(), WRONG.replace("STRIKT", "STRICT"));
}

#[test]
fn files_folders_patterns_archives_lists_and_standard_input_are_read() {
    let shop = folder(&[("m/one.yaml", WRONG), ("m/two.yml", HINT), ("m/.hidden.yaml", WRONG), ("m/notes.txt", WRONG)]);
    let found =
        |arguments: &[&str], input: &[u8]| codes(&check(shop.path(), &[&["--format", "json"], arguments].concat(), input));
    let in_folder = ["m/one.yaml:6 MWC108", "m/two.yml:6 MWC303"];
    assert_eq!(found(&["m"], b""), in_folder);
    assert_eq!(found(&["m/*.y*ml"], b""), in_folder);
    assert_eq!(found(&["-"], WRONG.as_bytes()), ["standard input:6 MWC108"]);
    let list = r#"{"kind": "List", "apiVersion": "v1", "items": [
	{"apiVersion": "security.istio.io/v1", "kind": "PeerAuthentication", "metadata": {"name": "a", "namespace": "b"},
	 "spec": {"mtls": {"mode": "STRIKT"}}}]}"#;
    assert_eq!(found(&[], list.as_bytes()), ["standard input:3 MWC108"]);
    let archive = fs::File::create(shop.path().join("report.tgz")).unwrap();
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(archive, flate2::Compression::fast()));
    archive.append_path_with_name(shop.path().join("m/one.yaml"), "bug-report/cluster/crs").unwrap();
    archive.into_inner().unwrap().finish().unwrap();
    assert_eq!(found(&["report.tgz"], b""), ["report.tgz:bug-report/cluster/crs:6 MWC108"]);
}

/// The dump of an Envoy 1.40 that refused one listener and one cluster, without what is in every dump.
const DUMP: &str = include_str!("data/config_dump.json");

#[test]
fn the_dump_of_a_proxy_is_checked_where_a_bug_report_keeps_it() {
    let shop =
        folder(&[("dump.json", DUMP), ("quiet.json", &DUMP.replace("error_state", "active_state").replace("warming", "active"))]);
    let archive = fs::File::create(shop.path().join("report.tar")).unwrap();
    let mut archive = tar::Builder::new(archive);
    let place = "bug-report/proxies/shop/a-1/config_dump?include_eds";
    archive.append_path_with_name(shop.path().join("dump.json"), place).unwrap();
    archive.finish().unwrap();
    let found = |name: &str| codes(&check(shop.path(), &["--format", "json", name], b""));
    assert_eq!(found("dump.json"), ["dump.json:19 MWC777", "dump.json:95 MWC775"]);
    assert_eq!(found("report.tar"), [format!("report.tar:{place}:19 MWC777"), format!("report.tar:{place}:95 MWC775")]);
    assert_eq!(check(shop.path(), &["quiet.json"], b"").status.code(), Some(0));
}

#[test]
fn only_files_that_were_read_as_they_are_are_edited() {
    let shop = folder(&[("one.yaml", WRONG)]);
    let broken = [WRONG.as_bytes(), b"# \xff\n"].concat();
    fs::write(shop.path().join("broken.yaml"), &broken).unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(WRONG.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    fs::write(shop.path().join("packed.yaml.gz"), &packed).unwrap();
    let output = check(shop.path(), &["--fix", "--yes", "one.yaml", "broken.yaml", "packed.yaml.gz", "-"], WRONG.as_bytes());
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).unwrap();
    for name in ["broken.yaml", "packed.yaml.gz", "standard input"] {
        assert!(errors.contains(&format!("{name} is not edited")), "{errors}");
    }
    assert_eq!(fs::read_to_string(shop.path().join("one.yaml")).unwrap(), WRONG.replace("STRIKT", "STRICT"));
    assert_eq!(fs::read(shop.path().join("broken.yaml")).unwrap(), broken);
    assert_eq!(fs::read(shop.path().join("packed.yaml.gz")).unwrap(), packed);
    assert_eq!(fs::read_dir(shop.path()).unwrap().count(), 3);
}

#[test]
fn what_is_wrong_with_one_document_leaves_the_others() {
    let tab = format!("apiVersion: v1\nkind: ConfigMap\ndata:\n\tone: x\n---\n{WRONG}");
    let crlf = WRONG.replace('\n', "\r\n");
    let bom = format!("\u{feff}{WRONG}");
    let deep = format!("apiVersion: v1\nkind: ConfigMap\ndata: {}x{}\n---\n{WRONG}", "[".repeat(5000), "]".repeat(5000));
    let bomb = (1..40).map(|at| format!("a{at}: &a{at} [*a{0}, *a{0}]\n", at - 1)).collect::<String>();
    let bomb = format!("apiVersion: v1\nkind: ConfigMap\na0: &a0 x\n{bomb}---\n{WRONG}");
    for (name, text) in [("tab", &tab), ("crlf", &crlf), ("bom", &bom), ("deep", &deep), ("bomb", &bomb)] {
        let found = codes(&check(Path::new("."), &["--format", "json", "-"], text.as_bytes()));
        assert!(found.iter().any(|finding| finding.ends_with("MWC108")), "{name}: {found:?}");
        let is_whole = matches!(name, "crlf" | "bom");
        assert_eq!(found.iter().any(|finding| finding.ends_with("MWC101")), !is_whole, "{name}: {found:?}");
    }
    let output = check(Path::new("."), &["--format", "json", "-"], &[WRONG.as_bytes(), b"# \xff\n"].concat());
    assert!(String::from_utf8(output.stderr.clone()).unwrap().contains("standard input:7: a byte that is no UTF-8"));
    assert_eq!(codes(&output), ["standard input:6 MWC108"]);
}

#[test]
fn what_is_known_is_left_out_and_what_suppresses_nothing_is_named() {
    let commented = WRONG.replace("  mtls:", "  # meshwhy: ignore MWC108 because the next release has it\n  mtls:");
    let annotated = WRONG.replace("namespace: shop}", "namespace: shop, annotations: {meshwhy.io/ignore: MWC108}}");
    let code =
        |text: &str, arguments: &[&str]| check(Path::new("."), &[&["-"], arguments].concat(), text.as_bytes()).status.code();
    assert_eq!(code(&commented, &[]), Some(0));
    assert_eq!(code(&annotated, &[]), Some(0));
    assert_eq!(code(WRONG, &["--ignore", "unknown-value=PeerAuthentication/*/default"]), Some(0));
    assert_eq!(code(WRONG, &["--ignore", "MWC108=PeerAuthentication/other/default"]), Some(1));
    assert_eq!(code(WRONG, &["--ignore", "MWC999"]), Some(2));
    let shop =
        folder(&[("meshwhy.toml", "ignore = [\"MWC108\", \"MWC103\"]\n"), ("shop.yaml", WRONG), ("bad.toml", "ignored = []\n")]);
    let output = check(shop.path(), &["shop.yaml"], b"");
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().contains("MWC103 suppresses nothing"));
    assert_eq!(check(shop.path(), &["--config", "bad.toml", "shop.yaml"], b"").status.code(), Some(2));
}

#[test]
fn what_other_tools_are_told_to_leave_out_is_left_out_here() {
    let lost = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: cart, namespace: shop}\nspec:\n  host: cart\n  subsets: [{name: v1, labels: {version: v1}}]\n---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: cart, namespace: shop, annotations: {KEY: \"CODES\"}}\nspec:\n  hosts: [cart]\n  http: [{route: [{destination: {host: cart, subset: v3}}]}]\n";
    let found = |key: &str, value: &str| {
        let text = lost.replace("KEY", key).replace("CODES", value);
        codes(&check(Path::new("."), &["--format", "json", "-"], text.as_bytes()))
    };
    let kept = ["standard input:13 MWC201"];
    assert_eq!(found("example.com/owner", "shop"), kept);
    for (key, value) in [
        ("galley.istio.io/analyze-suppress", "IST0101"),
        ("kiali.io/ignore-validations", "KIA0101,KIA1107"),
        ("kiali.io/ignore-validations", ""),
    ] {
        assert!(found(key, value).is_empty(), "{key}: {value}");
    }
    assert_eq!(found("kiali.io/ignore-validations", "KIA0101"), kept);
}

#[test]
fn hostile_manifests_move_no_cursor_and_nothing_at_all_is_no_all_clear() {
    let hostile = WRONG.replace("STRIKT", "\"\\e[31m\\u202eSTRIKT\"");
    let output = check(Path::new("."), &["-"], hostile.as_bytes());
    assert!(!output.stdout.contains(&0x1b) && !String::from_utf8(output.stdout).unwrap().contains('\u{202e}'));
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(check(empty.path(), &["."], b"").status.code(), Some(3));
    assert_eq!(check(empty.path(), &["-"], b"# nothing\n").status.code(), Some(3));
    assert_eq!(check(empty.path(), &["-"], b"foo: bar\n").status.code(), Some(3));
}

#[test]
fn an_upgrade_names_what_it_changes_for_these_manifests() {
    let route = "apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: old, namespace: shop}
spec:
  parentRefs: [{name: edge}]
  rules:
    - matches: [{path: {value: /old}}]
";
    let found =
        |arguments: &[&str]| codes(&check(Path::new("."), &[&["--format", "json", "-"], arguments].concat(), route.as_bytes()));
    assert_eq!(found(&[]), Vec::<String>::new());
    assert_eq!(found(&["--upgrade", "1.29..1.30"]), ["standard input:7 MWC913"]);
    assert_eq!(check(Path::new("."), &["--upgrade", "1.30..1.29", "-"], b"").status.code(), Some(2));
}

#[test]
fn a_watched_folder_is_checked_again_when_a_file_changes() {
    let shop = folder(&[("one.yaml", HINT)]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshwhy"));
    command.args(["--lang", "en", "check", "--watch", "."]).current_dir(shop.path());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let (sender, lines) = std::sync::mpsc::channel();
    let stdout = child.stdout.take().unwrap();
    std::thread::spawn(move || BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let wait_for = |text: &str| {
        let next = || lines.recv_timeout(Duration::from_secs(60)).unwrap();
        while !next().contains(text) {}
    };
    wait_for("documents: 1");
    fs::write(shop.path().join("two.yaml"), WRONG).unwrap();
    wait_for("two.yaml:6:11");
    wait_for("documents: 2");
    fs::write(shop.path().join("two.yaml"), WRONG.replace("STRIKT", "STRICT")).unwrap();
    wait_for("documents: 2 · info: 1");
    fs::remove_file(shop.path().join("two.yaml")).unwrap();
    wait_for("documents: 1");
    child.kill().unwrap();
    child.wait().unwrap();
}
