//! What only a process shows: standard input, its other name, a closed pipe, the environment.

#![allow(clippy::unwrap_used, reason = "a broken test must fail loudly")]

use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};

const LINE: &str = r#"[2026-11-21T06:36:37.876Z] "- - HTTP/1.1" 426 DPE low_version - "-" 0 0 0 - "-" "-" "-" "-" "-" - - 10.96.160.2:8220 10.244.110.9:53681 - -"#;

fn meshwhy() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshwhy"));
    command.env_remove("LC_ALL").env_remove("LC_MESSAGES").env("LANG", "C.UTF-8");
    command
}

fn fed(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn standard_input_is_read_and_the_environment_chooses_the_language() {
    let output = fed(meshwhy().args(["explain", "-"]).env("LC_ALL", "zh_CN.UTF-8"), LINE.as_bytes());
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("依据"));
}

#[test]
fn a_configuration_is_judged_by_the_module_itself() {
    let check = |json: &str| fed(meshwhy().args(["config", "check"]), json.as_bytes());
    assert_eq!(check("{}").status.code(), Some(0));
    let bad = check("{\"levels\": 3}");
    assert_eq!(bad.status.code(), Some(1));
    assert!(String::from_utf8(bad.stdout).unwrap().contains("levels"));
}

#[test]
fn whoever_closes_the_pipe_has_what_they_wanted() {
    let mut child = meshwhy().args(["causes", "--format", "json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!((child.wait().unwrap().code(), errors.as_str()), (Some(0), ""));
}

#[cfg(unix)]
#[test]
fn as_a_plugin_of_kubectl_it_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let plugin = directory.path().join("kubectl-meshwhy");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_meshwhy"), &plugin).unwrap();
    let help = Command::new(plugin).args(["explain", "--help"]).output().unwrap();
    assert!(String::from_utf8(help.stdout).unwrap().contains("Usage: kubectl meshwhy explain"));
}

#[test]
fn control_characters_of_a_line_are_spelt_out() {
    let line = LINE.replacen("\"-\" \"-\"", "\"-\" \"\u{1b}[31m\u{9b}\"", 1);
    for command in [["explain", "text"], ["diagnose", "text"], ["explain", "json"], ["diagnose", "json"]] {
        let output = fed(meshwhy().args([command[0], "--format", command[1], "-"]), line.as_bytes());
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(!printed.contains(['\u{1b}', '\u{9b}']), "{printed}");
    }
    let printed = fed(meshwhy().args(["diagnose", "--details", "-"]), line.as_bytes()).stdout;
    assert!(String::from_utf8(printed).unwrap().contains("\\u{1b}[31m\\u{9b}"));
}

#[test]
fn colour_only_when_asked_for_or_on_a_terminal() {
    let escapes = |choice| meshwhy().args(["explain", "--color", choice, LINE]).output().unwrap().stdout.contains(&0x1b);
    assert!(!escapes("auto"));
    assert!(!escapes("never"));
    assert!(escapes("always"));
}

#[test]
fn no_control_character_of_the_input_reaches_the_output() {
    let hostile = LINE.replace("low_version", "\u{1b}]0;x\u{7}\u{9b}31m\u{202e}").replace(" - -", " \u{1b}[2J -");
    for format in ["text", "json"] {
        for command in ["explain", "diagnose"] {
            let output = fed(meshwhy().args([command, "--format", format, "-"]), hostile.as_bytes());
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(
                text.chars().all(|letter| letter == '\n' || !(letter.is_control() || letter == '\u{202e}')),
                "{command} {format}"
            );
        }
    }
}

#[test]
fn folders_patterns_and_gzip_are_read_and_what_is_broken_costs_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let packed = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let whole = packed(format!("{LINE}\n").repeat(3).as_bytes());
    let lines: String = (0..20_000).map(|at| format!("{LINE} {}\n", at * 7919)).collect();
    let many = packed(lines.as_bytes());
    std::fs::create_dir(folder.path().join("below")).unwrap();
    std::fs::write(folder.path().join("below/plain.log"), format!("{LINE}\n")).unwrap();
    std::fs::write(folder.path().join("packed.log.gz"), &whole).unwrap();
    let count = |output: &Output| {
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        report["totals"]["failed"].as_u64().unwrap()
    };
    let diagnose = |path: &std::path::Path| meshwhy().args(["diagnose", "--format", "json"]).arg(path).output().unwrap();
    let all = diagnose(folder.path());
    assert_eq!((count(&all), all.status.code()), (4, Some(1)));
    assert_eq!(count(&diagnose(&folder.path().join("*.gz"))), 3);

    std::fs::write(folder.path().join("cut.log.gz"), &many[..many.len() / 2]).unwrap();
    let broken = diagnose(folder.path());
    assert_eq!(broken.status.code(), Some(3));
    assert!(count(&broken) > 4);
    assert!(String::from_utf8(broken.stderr).unwrap().contains("cut.log.gz"));
}

/// An access-log line of a request to a cluster that does not exist, without whoever carried it.
const BARE: &str = r#"[2026-11-21T06:10:37.876Z] "GET /a HTTP/1.1" 503 NC cluster_not_found - "-" 0 91 3 - "-" "curl/8.9.1" "r0" "reviews:8080" "-" - - 10.96.0.4:8080 10.244.1.9:40000 - -"#;

fn archive(path: &std::path::Path, members: &[(&str, &[u8])]) {
    let file = std::fs::File::create(path).unwrap();
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(file, flate2::Compression::default()));
    for (name, bytes) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, *bytes).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap();
}

#[test]
fn an_archive_is_read_log_by_log_and_its_paths_name_the_pods() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("{BARE}\n");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(line.repeat(2).as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let noise: String = (0..40_000).map(|at| format!("{{\"at\": {}}}\n", at * 7919)).collect();
    let members: [(&str, &[u8]); 5] = [
        ("bug-report/proxies/shop/cart-1/istio-proxy.log", line.as_bytes()),
        ("bug-report/proxies/shop/cart-1/config_dump?include_eds", line.as_bytes()),
        ("bug-report/proxies/shop/cart-2/istio-proxy.log.gz", &packed),
        ("bug-report/istio/istio-system/istiod-1/discovery.log", noise.as_bytes()),
        ("bug-report/cluster/crs", line.as_bytes()),
    ];
    let report = folder.path().join("report.tgz");
    archive(&report, &members);
    let found = |path: &std::path::Path| {
        let output = meshwhy().args(["diagnose", "--format", "json"]).arg(path).output().unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let findings = report["findings"].as_array().unwrap().iter();
        let mut found: Vec<_> = findings
            .map(|it| {
                (
                    text(&it["hop"]),
                    it["count"].as_u64().unwrap(),
                    text(&it["examples"][0]["source"]),
                    it["examples"][0]["line"].clone(),
                )
            })
            .collect();
        found.sort_by_key(|(hop, ..)| hop.clone());
        (found, output.status.code())
    };
    let source = |name: &str| format!("{}:bug-report/proxies/shop/{name}", report.display());
    let expected = vec![
        ("cart-1.shop".to_owned(), 1, source("cart-1/istio-proxy.log"), 1.into()),
        ("cart-2.shop".to_owned(), 2, source("cart-2/istio-proxy.log.gz"), 1.into()),
    ];
    assert_eq!(found(&report), (expected, Some(1)));

    let bytes = std::fs::read(&report).unwrap();
    std::fs::write(folder.path().join("cut.tgz"), &bytes[..bytes.len() / 2]).unwrap();
    let (cut, code) = found(&folder.path().join("cut.tgz"));
    assert_eq!((cut.len(), code), (2, Some(3)), "what was read before the cut counts");
}

#[test]
fn the_dumps_of_an_archive_say_where_a_request_went() {
    const DUMP: &str = include_str!("../../proxy/tests/data/client-sidecar-outbound.json");
    const LINE: &str = r#"{"authority":"catalog:8080","downstream_local_address":"10.96.4.20:8080","method":"GET","path":"/v1","response_code":503,"response_code_details":"no_healthy_upstream","response_flags":"UH","upstream_cluster":"outbound|8080|v1|catalog.bookstore.svc.cluster.local"}"#;
    let ejected = |subset: &str| {
        format!(
            r#"{{"name":"outbound|8080|{subset}|catalog.bookstore.svc.cluster.local","host_statuses":[{{"address":{{"socket_address":{{"address":"10.244.2.31","port_value":9001}}}},"health_status":{{"failed_outlier_check":true,"eds_health_status":"HEALTHY"}},"weight":1}}]}}"#
        )
    };
    let clusters = format!(r#"{{"cluster_statuses":[{},{}]}}"#, ejected("v1"), ejected("v2"));
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.tgz");
    let at = |pod: &str, file: &str| format!("bug-report/proxies/bookstore/{pod}/{file}");
    let asked = |members: &[(&str, &[u8])]| {
        archive(&report, members);
        let output = meshwhy().args(["diagnose", "--format", "json"]).arg(&report).output().unwrap();
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(json["findings"].as_array().unwrap().len(), 1);
        let route = &json["findings"][0]["route"];
        (route["agreement"].clone(), route.pointer("/destinations/0/endpoints/0/unhealthy").cloned())
    };
    let (log, dump, beside) =
        (at("storefront", "istio-proxy.log"), at("storefront", "config_dump"), at("storefront", "clusters"));
    let members: [(&str, &[u8]); 3] = [(&log, LINE.as_bytes()), (&dump, DUMP.as_bytes()), (&beside, clusters.as_bytes())];
    assert_eq!(asked(&members), ("explains".into(), Some(serde_json::json!(["failed_outlier_check"]))));
    // Without what the proxy knows of its endpoints, it is open which of them it would have used.
    assert_eq!(asked(&members[..2]), ("open".into(), None));
    let elsewhere = at("storefront-2", "config_dump");
    assert_eq!(asked(&[members[0], (&elsewhere, DUMP.as_bytes())]), (serde_json::Value::Null, None));
}

#[test]
fn zstd_is_read_frame_by_frame() {
    let folder = tempfile::tempdir().unwrap();
    let frame = |lines: usize| {
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        ruzstd::encoding::compress_to_vec(format!("{BARE}\n").repeat(lines).as_bytes(), level)
    };
    let path = folder.path().join("access.log.zst");
    let whole = [frame(3), frame(4_000)].concat();
    let failed = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let output = meshwhy().args(["diagnose", "--format", "json"]).arg(&path).output().unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (report["totals"]["failed"].as_u64().unwrap(), output.status.code())
    };
    assert_eq!(failed(&whole), (4_003, Some(1)));
    assert_eq!(failed(&[frame(3), b"no frame".to_vec()].concat()), (3, Some(3)));
    let (read, code) = failed(&whole[..whole.len() - 9]);
    assert!((3..4_003).contains(&read) && code == Some(3), "{read} {code:?}");
}

#[test]
fn what_is_asked_for_is_shown_and_the_rest_is_no_all_clear() {
    let reviews = r#""-" outbound|8080|v1|reviews.shop.svc.cluster.local -"#;
    let at = |time: &str| BARE.replace("06:10:37.876Z", time).replacen(r#""-" - -"#, reviews, 1);
    let lines = format!("{}\n{}\n{}\nnot a log\n", at("05:10:37.876Z"), at("07:10:37.876Z"), BARE.replace("reviews:", "cart:"));
    let asked = |arguments: &[&str]| {
        let output = fed(meshwhy().args(["diagnose", "--format", "json"]).args(arguments).arg("-"), lines.as_bytes());
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let counts: Vec<_> = report["findings"].as_array().unwrap().iter().map(|it| it["count"].as_u64().unwrap()).collect();
        let totals = &report["totals"];
        let sum: u64 = ["healthy", "failed", "ignored", "unparsed"].iter().map(|key| totals[key].as_u64().unwrap()).sum();
        assert_eq!(totals["lines"].as_u64(), Some(sum), "{totals}");
        (counts.iter().sum::<u64>(), report["not_shown"].as_u64().unwrap_or_default(), output.status.code().unwrap())
    };
    assert_eq!(asked(&[]), (3, 0, 1));
    for name in ["reviews", "reviews.shop", "reviews.shop.svc.cluster.local", "outbound|8080|v1|reviews.shop.svc.cluster.local"] {
        assert_eq!(asked(&["--target", name]), (2, 1, 1), "{name}");
    }
    assert_eq!(asked(&["--target", "review"]), (0, 3, 1));
    assert_eq!(asked(&["--since", "2026-11-21T06:00:00Z"]), (2, 1, 1));
    assert_eq!(asked(&["--since", "2026-11-21T06:00:00Z", "--until", "2026-11-21T07:00:00Z"]), (1, 2, 1));
    assert_eq!(asked(&["--until", "3000d"]), (0, 3, 1));
    let whole = fed(meshwhy().args(["--lang", "en", "diagnose", "--details", "-"]), lines.as_bytes()).stdout;
    assert!(String::from_utf8(whole).unwrap().contains("standard input:4: not a log"));
    assert_eq!(asked(&["--fail-on", "never"]), (3, 0, 0));
    assert_eq!(asked(&["--fail-on", "certain", "--target", "review"]), (0, 3, 0));
    assert_eq!(asked(&["--fail-on", "certain"]), (3, 0, 1));
    assert_eq!(meshwhy().args(["diagnose", "--since", "yesterday", "-"]).output().unwrap().status.code(), Some(2));
}

#[test]
fn a_ticket_keeps_hostile_names_in_their_cells_and_lines_are_objects() {
    let hostile = BARE.replace("reviews:8080", "x|y`<b>**[a](b):80").replace("GET /a", "GET /```a|<b>");
    let lines = format!("{hostile}\n{BARE}\n{LINE}\n");
    let printed = |format: &str| {
        let output = fed(meshwhy().args(["--lang", "en", "diagnose", "--format", format, "-"]), lines.as_bytes());
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stdout).unwrap()
    };
    let ticket = printed("markdown");
    let rows: Vec<_> = ticket.lines().take_while(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 5, "{ticket}");
    for row in rows {
        assert_eq!(row.replace("\\|", "").matches('|').count(), 6, "{row}");
        assert!(!row.contains('<') && !row.replace("\\`", "").contains('`') && !row.contains("[a](b)"), "{row}");
    }
    assert_eq!(ticket.matches("```").count() % 2, 0);
    assert!(ticket.contains("### MW2003 no-cluster (certain)") && ticket.contains("`standard input:1`"), "{ticket}");

    let objects: Vec<serde_json::Value> = printed("jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let whole: serde_json::Value = serde_json::from_str(&printed("json")).unwrap();
    let codes = |findings: &[serde_json::Value]| findings.iter().map(|it| it["code"].clone()).collect::<Vec<_>>();
    assert_eq!(codes(&objects), codes(whole["findings"].as_array().unwrap()));
    assert!(objects.iter().all(|object| object["schema"] == "meshwhy/1"));
}

#[test]
fn a_diagnosis_goes_to_several_files_in_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = meshwhy();
        command.args(["--lang", "en", "--color", "always", "diagnose"]).args(arguments).arg("-").current_dir(folder.path());
        fed(&mut command, format!("{BARE}\n").as_bytes())
    };
    let output = run(&["--output", "a.json", "--output", "a.md", "--output", "a.txt", "--output", "a.jsonl"]);
    assert!(output.status.code() == Some(1) && output.stdout.contains(&0x1b));
    let written = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    for name in ["a.json", "a.jsonl"] {
        let report: serde_json::Value = serde_json::from_str(&written(name)).unwrap();
        assert_eq!(report["schema"], "meshwhy/1");
    }
    assert!(written("a.md").starts_with("| COUNT |"));
    assert!(written("a.txt").trim_start().starts_with("COUNT") && !written("a.txt").contains('\u{1b}'));
    assert_eq!(run(&["--output", "a.xml"]).status.code(), Some(2));
    let refused = run(&["--output", "missing/a.json"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("missing/a.json"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named_and_costs_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.path().join("full.json")).unwrap();
    let mut command = meshwhy();
    command.args(["diagnose", "--output", "full.json", "--output", "b.json", "-"]).current_dir(folder.path());
    let output = fed(&mut command, format!("{BARE}\n").as_bytes());
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8(output.stderr).unwrap().contains("full.json"));
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.path().join("b.json")).unwrap()).unwrap();
    assert_eq!(report["totals"]["failed"], 1);
    assert!(String::from_utf8(output.stdout).unwrap().contains("COUNT"));
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let lost = meshwhy().args(["explain", BARE]).stdout(full).output().unwrap();
    assert_eq!(lost.status.code(), Some(3));
    assert!(!lost.stderr.is_empty());
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_reading_and_what_was_read_is_told() {
    use rustix::process::{Pid, Signal, kill_process};

    let mut command = meshwhy();
    command.args(["diagnose", "--format", "json", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // More than a pipe holds: once all is written, most of it was read, and Ctrl-C is waited for.
    input.write_all(format!("{BARE}\n").repeat(5_000).as_bytes()).unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    // As the program in front of the pipe ends with the same Ctrl-C.
    drop(input);
    let output = child.wait_with_output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["findings"][0]["count"].as_u64().unwrap() > 1_000, "{report}");
    assert!(matches!(output.status.code(), Some(1 | 3)), "{:?}", output.status);
}

#[test]
fn what_is_followed_is_told_once_it_ends() {
    let output =
        fed(meshwhy().args(["diagnose", "--follow", "--format", "json", "-"]), format!("{BARE}\n{BARE}\n{BARE}").as_bytes());
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((report["totals"]["failed"].as_u64(), output.status.code()), (Some(3), Some(1)));
    assert_eq!(report["findings"][0]["examples"][2]["line"], 3);
}

#[test]
fn the_resources_of_a_bug_report_explain_what_failed() {
    let shop = std::path::Path::new("tests/cmd/configuration.in/shop");
    let [log, resources] = ["access.log", "reviews.yaml"].map(|name| std::fs::read(shop.join(name)).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("bug-report.tgz");
    archive(&report, &[("bug-report/proxies/shop/web-1/istio-proxy.log", &log), ("bug-report/cluster/crs", &resources)]);
    let output = meshwhy().args(["diagnose", "--format", "json"]).arg(&report).output().unwrap();
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let place = &found["findings"][0]["configuration"];
    assert!(place["file"].as_str().unwrap().ends_with("bug-report.tgz:bug-report/cluster/crs"), "{found}");
}

#[test]
fn no_line_of_the_time_that_was_asked_for_is_no_all_clear() {
    let healthy = BARE.replace("503 NC cluster_not_found", "200 - via_upstream") + "\n";
    let asked = |since: &str| fed(meshwhy().args(["diagnose", "--since", since, "-"]), healthy.as_bytes());
    assert_eq!(asked("2026-11-21T06:00:00Z").status.code(), Some(0));
    let later = asked("2026-11-21T07:00:00Z");
    assert_eq!((later.status.code(), later.stdout.as_slice()), (Some(3), b"".as_slice()));
    assert!(String::from_utf8(later.stderr).unwrap().contains("--since"));
}

#[test]
fn what_is_read_and_what_is_not_understood_is_said_where_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("a\u{1b}[31m.log");
    std::fs::write(&log, "hello\n503 UH\n").unwrap();
    let said = |arguments: &[&str], level: Option<&str>| {
        let mut command = meshwhy();
        command.args(arguments).arg("diagnose").arg(&log).env_remove("RUST_LOG");
        level.map(|level| command.env("RUST_LOG", level));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(said(&[], None), "");
    let read = said(&["-v"], None);
    assert!(read.starts_with("meshwhy: reading ") && read.contains(r"a\u{1b}[31m.log") && read.lines().count() == 1, "{read}");
    assert_eq!(said(&[], Some("info")), read);
    assert_eq!(said(&["-vv"], None), format!("{read}meshwhy: not understood: hello\n"));
}
