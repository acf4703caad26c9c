//! The commands against a cluster, as a user runs them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;

use anyhow::{Context as _, Result, anyhow, ensure};
use meshwhy_integration::RunDirectory;
use meshwhy_integration::kubernetes::ApiServer;
use serde_json::Value;

use crate::FAILURES;

/// Runs a command as a user of the cluster.
fn meshwhy(server: &ApiServer, user: &str, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshwhy"));
    command.env_remove("LC_ALL").env_remove("LC_MESSAGES").env("LANG", "C.UTF-8").env("KUBECONFIG", server.kubeconfig(user));
    Ok(command.args(arguments).output()?)
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> Result<Value> {
    serde_json::from_slice(&output.stdout).with_context(|| errors(output))
}

/// What was found, by code and target, and how often.
fn counts(report: &Value) -> Vec<(String, String, u64)> {
    let findings = report.get("findings").and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |finding: &Value, key: &str| finding.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let count = |finding: &Value| finding.get("count").and_then(Value::as_u64).unwrap_or_default();
    let mut counts: Vec<_> = findings.iter().map(|it| (text(it, "code"), text(it, "cluster"), count(it))).collect();
    counts.sort();
    counts
}

/// The diagnosis of the recorded lines in a file.
fn offline(directory: &Path) -> Result<Value> {
    let file = directory.join("failures.log");
    fs::write(&file, FAILURES)?;
    let output = Command::new(env!("CARGO_BIN_EXE_meshwhy")).args(["diagnose", "--format", "json"]).arg(&file).output()?;
    json(&output)
}

pub(crate) fn live_is_as_offline(server: &ApiServer) -> Result<()> {
    let directory = RunDirectory::new("live")?;
    let live = meshwhy(server, "admin", &["diagnose", "pod/pay-1", "-n", "shop", "--format", "json"])?;
    ensure!(code(&live) == Some(1), "{}", errors(&live));
    let mut live_counts = counts(&json(&live)?);
    // The event of the pod is no line of its log.
    live_counts.retain(|(code, ..)| code != "MW9009");
    let offline = counts(&offline(directory.path())?);
    ensure!(offline.len() > 3 && live_counts == offline, "{live_counts:?} is not {offline:?}");
    Ok(())
}

pub(crate) fn kept_is_read(server: &ApiServer) -> Result<()> {
    let directory = RunDirectory::new("live")?;
    let kept = directory.path().join("kept.tgz").display().to_string();
    let live = meshwhy(server, "admin", &["diagnose", "-n", "shop", "--deep", "--save", &kept, "--format", "json"])?;
    ensure!(code(&live) == Some(1), "{}", errors(&live));
    let again = meshwhy(server, "nobody", &["diagnose", &kept, "--format", "json"])?;
    ensure!(counts(&json(&live)?) == counts(&json(&again)?), "{:?} is not {:?}", counts(&json(&live)?), counts(&json(&again)?));
    let checked = meshwhy(server, "nobody", &["check", &kept, "--format", "json"])?;
    let live_check = meshwhy(server, "admin", &["check", "--live", "-n", "shop", "--format", "json"])?;
    let codes = |report: &Value| -> Vec<String> {
        let findings = report.get("findings").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut codes: Vec<String> = findings.iter().filter_map(|it| Some(it.get("code")?.as_str()?.to_owned())).collect();
        codes.sort();
        codes
    };
    let (kept_codes, live_codes) = (codes(&json(&checked)?), codes(&json(&live_check)?));
    ensure!(!live_codes.is_empty() && kept_codes == live_codes, "{kept_codes:?} is not {live_codes:?}");
    // It is never written over.
    let twice = meshwhy(server, "admin", &["diagnose", "-n", "shop", "--save", &kept])?;
    ensure!(code(&twice) == Some(2) && errors(&twice).contains("--save"), "{}", errors(&twice));
    Ok(())
}

pub(crate) fn forbidden_is_no_all_clear(server: &ApiServer) -> Result<()> {
    for arguments in [&["diagnose", "-n", "shop"][..], &["check", "--live"], &["diagnose", "deploy/pay"]] {
        let output = meshwhy(server, "nobody", arguments)?;
        ensure!(code(&output) == Some(3) && errors(&output).contains("forbidden (403)"), "{arguments:?}: {}", errors(&output));
    }
    let output = meshwhy(server, "nobody", &["diagnose", "-n", "shop", "--lang", "zh"])?;
    ensure!(errors(&output).contains("没有权限（403）"), "{}", errors(&output));
    // istiod's log alone is no answer to what became of requests.
    let output = meshwhy(server, "admin", &["diagnose", "deploy/batch", "-n", "shop"])?;
    ensure!(code(&output) == Some(3) && errors(&output).contains("none of the pods (1) has a proxy"), "{}", errors(&output));
    // What nobody would read is not passed over in silence.
    let output = meshwhy(server, "admin", &["diagnose", "-A", "--follow", "--max-log-requests", "2"])?;
    ensure!(code(&output) == Some(2) && errors(&output).contains("--max-log-requests"), "{}", errors(&output));
    let output = meshwhy(server, "admin", &["diagnose", "-n", "nowhere"])?;
    ensure!(code(&output) == Some(3) && errors(&output).contains("no such pod"), "{}", errors(&output));
    Ok(())
}

pub(crate) fn unreachable_is_exit_code_4(server: &ApiServer) -> Result<()> {
    let directory = RunDirectory::new("live")?;
    let changed = |name: &str, from: &str, to: &str| -> Result<String> {
        let path = directory.path().join(name);
        fs::write(&path, fs::read_to_string(server.kubeconfig("admin"))?.replace(from, to))?;
        Ok(path.display().to_string())
    };
    let expired = changed("expired.yaml", "admin-token", "old-token")?;
    let elsewhere = changed("elsewhere.yaml", &server.url(), "https://127.0.0.1:1")?;
    let no_tls = changed("no-tls.yaml", "https://", "http://")?;
    for (kubeconfig, reason) in [(&expired, "401"), (&elsewhere, "refused"), (&no_tls, "cannot be reached")] {
        let output = meshwhy(server, "admin", &["diagnose", "-n", "shop", "--kubeconfig", kubeconfig])?;
        ensure!(
            code(&output) == Some(4) && errors(&output).contains(reason),
            "{reason}: {:?} {}",
            code(&output),
            errors(&output)
        );
        ensure!(output.stdout.is_empty());
    }
    let output = meshwhy(server, "admin", &["diagnose", "-n", "shop", "--context", "none"])?;
    ensure!(code(&output) == Some(4), "{}", errors(&output));
    Ok(())
}

pub(crate) fn configuration_is_checked(server: &ApiServer) -> Result<()> {
    let output = meshwhy(server, "admin", &["check", "--live"])?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(code(&output) == Some(1) && text.contains("VirtualService/shop/broken"), "{text}{}", errors(&output));
    // Nobody reads Secrets, so nobody says that one is missing.
    ensure!(!text.contains("Gateway/shop/edge"), "{text}");
    Ok(())
}

pub(crate) fn rendered_is_taken(server: &ApiServer) -> Result<()> {
    const HASH: &str = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9";
    let options: [&[&str]; 12] = [
        &["--mode", "observe", "--server"],
        &["--mode", "observe", "-n", "shop", "--selector", "app=pay"],
        &["--mode", "observe", "--trace-check", "--fetch-once"],
        &["--mode", "observe", "--visibility", "always", "--level", "minimal"],
        &["--mode", "annotate", "--level", "full"],
        &["--mode", "annotate", "--for", "all", "-n", "shop"],
        &["--mode", "native", "--counters"],
        &["--mode", "native", "--for", "waypoint", "-n", "shop"],
        &["--for", "waypoint"],
        &["--for", "waypoint", "--istio-version", "1.30"],
        &["--for", "sidecar", "--module", "file:///var/local/meshwhy/meshwhy.wasm", "--selector", "app=pay", "-n", "shop"],
        &["--module", "http://files.example.com/meshwhy.wasm"],
    ];
    for options in options {
        let needs_none = |option: &&str| *option == "native" || option.starts_with("file:");
        let hash: &[&str] = if options.iter().any(needs_none) { &[] } else { &["--sha256", HASH] };
        let arguments = [&["install"], options, hash].concat();
        let rendered = meshwhy(server, "nobody", &arguments)?;
        ensure!(code(&rendered) == Some(0), "{arguments:?}: {}", errors(&rendered));
        let text = String::from_utf8(rendered.stdout)?;
        server.would_apply(&text).with_context(|| format!("{arguments:?}"))?;
    }
    Ok(())
}

pub(crate) fn installation_is_proved(server: &ApiServer) -> Result<()> {
    let check = |options: &[&str]| meshwhy(server, "admin", &[&["install", "--mode", "native", "--check"], options].concat());
    let output = check(&[])?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(text.contains("the cluster has the kind EnvoyFilter"), "{text}{}", errors(&output));
    let forbidden = meshwhy(server, "nobody", &["install", "--mode", "native", "--check"])?;
    ensure!(code(&forbidden) == Some(3), "{}", errors(&forbidden));
    Ok(())
}

pub(crate) fn probes_set_out_from_pods(server: &ApiServer) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/cart", listener.local_addr()?);
    let asked = thread::spawn(move || -> Result<String> {
        let (mut stream, _) = listener.accept()?;
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request)?;
        stream
            .write_all(b"HTTP/1.1 503 Service Unavailable\r\nserver: envoy\r\ncontent-length: 19\r\n\r\nno healthy upstream")?;
        request.truncate(length);
        Ok(String::from_utf8(request)?)
    });
    let arguments = ["probe", &url, "--from", "pay-1", "-n", "shop", "--http1.1"];
    let output = meshwhy(server, "admin", &arguments)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(code(&output) == Some(1) && text.contains("MW3001"), "{text}{}", errors(&output));
    let request = asked.join().map_err(|_| anyhow!("the server panicked"))??;
    ensure!(request.starts_with("GET /cart HTTP/1.1\r\n"), "{request}");
    // Nobody listens any more.
    let output = meshwhy(server, "admin", &arguments)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(code(&output) == Some(4) && text.contains("pay-1.shop/pay"), "{text}{}", errors(&output));
    let output = meshwhy(server, "nobody", &arguments)?;
    ensure!(code(&output) == Some(3) && errors(&output).contains("403"), "{}", errors(&output));
    Ok(())
}

pub(crate) fn proxies_are_examined(server: &ApiServer) -> Result<()> {
    let directory = RunDirectory::new("live")?;
    let live = meshwhy(server, "admin", &["doctor", "--proxy", "deploy/pay", "-n", "shop", "--format", "json"])?;
    let kept = directory.path().join("kept.tgz").display().to_string();
    meshwhy(server, "admin", &["diagnose", "pod/pay-1", "-n", "shop", "--deep", "--save", &kept])?;
    let archived = meshwhy(server, "nobody", &["doctor", "--dump", &kept, "--proxy", "pay-1", "--format", "json"])?;
    let examined = |output: &Output| -> Result<Vec<String>> {
        let report = json(output)?;
        let of_one = report.pointer("/proxies/0/examined").and_then(Value::as_array).cloned().context("one proxy")?;
        Ok(of_one.iter().filter_map(|one| Some(format!("{} {}", one.get("area")?, one.get("what")?))).collect())
    };
    let (live_examined, archived_examined) = (examined(&live)?, examined(&archived)?);
    ensure!(live_examined.len() > 3 && live_examined == archived_examined, "{live_examined:?} is not {archived_examined:?}");
    // This Envoy has one listener, whose table answers by itself.
    let route = meshwhy(server, "admin", &["route", "--proxy", "pay-1", "-n", "shop", "http://pay:9080/"])?;
    let text = String::from_utf8_lossy(&route.stdout).into_owned();
    ensure!(text.contains("http://pay:9080/"), "{text}{}", errors(&route));
    let forbidden = meshwhy(server, "nobody", &["doctor", "--proxy", "pay-1", "-n", "shop"])?;
    ensure!(code(&forbidden) == Some(3) && errors(&forbidden).contains("forbidden (403)"), "{}", errors(&forbidden));
    let nobody = meshwhy(server, "admin", &["doctor", "--proxy", "batch-1", "-n", "shop"])?;
    ensure!(code(&nobody) == Some(3), "{}", errors(&nobody));
    Ok(())
}
