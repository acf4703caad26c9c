//! `deploy/otel/collector.yaml` in a real OpenTelemetry Collector, on what real Envoys wrote: each record comes out once, with its attributes,
//! and nothing else does.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use meshwhy_integration::artifacts::workspace;
use meshwhy_integration::children::{Owned, watched};
use meshwhy_integration::go_module::built;
use meshwhy_integration::not_run::NotRun;
use meshwhy_integration::{Deployment, RunDirectory, collect, load_all};
use serde_json::Value;

/// Scenarios whose records are taken.
const SCENARIOS: [&str; 4] = ["no-route", "upstream-connection-refused", "http10-rejected", "trace-context-missing"];
/// Lines that only look as if they had a record: what clients send stands in access logs.
const FORGED: [&str; 4] = [
    r#"[2026-11-21T17:36:19.661Z] "GET /a?meshwhy1 {"meshwhy.record":"1","meshwhy.code":"MW2001"} HTTP/1.1" 200 - via_upstream"#,
    r#"{"path":"/meshwhy1 {\"meshwhy.record\":\"1\",\"meshwhy.code\":\"MW2001\"}","response_code":"200"}"#,
    r#"meshwhy1 {"meshwhy.record":"1","meshwhy.code":"MW2001"}"#,
    "2026-11-21T17:36:19.661246Z\twarning\tenvoy filter x\tmeshwhy1 {\"meshwhy.record\":\"1\"}",
];

/// The lines of real proxies, as their containers wrote them.
fn lines() -> Result<Vec<String>> {
    let scenarios: Vec<_> = load_all()?.into_iter().filter(|scenario| SCENARIOS.contains(&scenario.slug.as_str())).collect();
    let golden = fs::read_to_string(workspace().join("integration/golden/records/format-1.log"))?;
    let mut lines: Vec<String> = golden.lines().filter(|line| line.contains('\t')).map(str::to_owned).collect();
    for deployment in [Deployment::Observe, Deployment::Native] {
        let collected = collect(&scenarios, deployment)?;
        lines.extend(collected.lines().filter_map(|line| Some(line.split_once("] ")?.1.to_owned())));
    }
    Ok(lines)
}

/// The record of a line, in full.
fn record(line: &str) -> Option<Value> {
    let text = match line.split_once("meshwhy1 ") {
        Some((_, rest)) => rest.split_once("\tthread=").map_or(rest, |(record, _)| record),
        None => line,
    };
    serde_json::from_str::<Value>(text).ok().filter(|record| record.get("meshwhy.record").is_some_and(|format| !format.is_null()))
}

/// Takes what the Collector ships.
fn serve(listener: &TcpListener, to: &Sender<Value>) -> Result<()> {
    for stream in listener.incoming() {
        let Ok(body) = body(stream?) else { continue };
        if to.send(body).is_err() {
            break;
        }
    }
    Ok(())
}

fn body(mut stream: TcpStream) -> Result<Value> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut length, mut line) = (0, String::new());
    while reader.read_line(&mut line)? > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")?;
    Ok(serde_json::from_slice(&body)?)
}

/// The log records of what was shipped.
fn shipped(body: &Value) -> Vec<Value> {
    let list = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let scopes = list(body, "resourceLogs").iter().flat_map(|resource| list(resource, "scopeLogs")).collect::<Vec<_>>();
    scopes.iter().flat_map(|scope| list(scope, "logRecords")).collect()
}

/// Attributes as JSON has them.
fn attributes(record: &Value) -> BTreeMap<String, Value> {
    let attributes = record.get("attributes").and_then(Value::as_array).into_iter().flatten();
    let value = |attribute: &Value| {
        let (kind, value) = attribute.get("value")?.as_object()?.iter().next()?;
        let number = |text: &str| text.parse::<i64>().ok().map(Value::from);
        let value = if kind == "intValue" { number(value.as_str()?)? } else { value.clone() };
        Some((attribute.get("key")?.as_str()?.to_owned(), value))
    };
    attributes.filter_map(value).collect()
}

fn write_log(directory: &Path, lines: &[String]) -> Result<()> {
    let folder = directory.join("demo_shop-0_11111111-2222-3333-4444-555555555555/istio-proxy");
    fs::create_dir_all(&folder)?;
    let forged = FORGED.iter().map(|line| (*line).to_owned());
    let all: String =
        lines.iter().cloned().chain(forged).map(|line| format!("2026-11-28T04:00:00.123456789Z stdout F {line}\n")).collect();
    Ok(fs::write(folder.join("0.log"), all)?)
}

#[test]
fn each_record_is_shipped_with_its_attributes() -> Result<()> {
    let collector = match built("otel", "opentelemetry-collector-0.165.1", ".") {
        Ok(collector) => collector,
        Err(why) => {
            let why = format!("the Collector cannot be built ({why:#})");
            return NotRun::here().note("collector", &why, "install Go: https://go.dev/dl");
        }
    };
    let lines = lines()?;
    let expected: Vec<Value> = lines.iter().filter_map(|line| record(line)).collect();
    ensure!(expected.len() > 20, "{} records are few", expected.len());
    let directory = RunDirectory::new("collector")?;
    write_log(directory.path(), &lines)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (to, from) = channel();
    thread::spawn(move || serve(&listener, &to));
    let log = fs::File::create(directory.path().join("collector.log"))?;
    let overlay =
        "yaml:{receivers: {filelog: {start_at: beginning}}, exporters: {otlphttp: {encoding: json, compression: none}}}";
    let child = watched(&collector)
        .arg(format!("--config={}", workspace().join("deploy/otel/collector.yaml").display()))
        .arg(format!("--config={overlay}"))
        .env("LOGS", directory.path())
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}"))
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    let _child = Owned::new(child);
    let mut records = Vec::new();
    while records.len() < expected.len() {
        let body = from.recv_timeout(Duration::from_secs(30));
        let said = || fs::read_to_string(directory.path().join("collector.log")).unwrap_or_default();
        records.extend(shipped(&body.with_context(|| format!("{} of {}:\n{}", records.len(), expected.len(), said()))?));
    }
    // Nothing comes behind.
    let behind = from.recv_timeout(Duration::from_secs(2)).map(|body| shipped(&body)).unwrap_or_default();
    ensure!(behind.is_empty() && records.len() == expected.len(), "{} of {}, then {behind:#?}", records.len(), expected.len());
    for (record, expected) in records.iter().zip(&expected) {
        let attributes = attributes(record);
        for (name, value) in expected.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            ensure!(attributes.get(name) == Some(value), "{name}: {:?} and not {value}: {record:#}", attributes.get(name));
        }
        ensure!(record.get("severityText").is_some_and(|text| text == "error" || text == "warn"), "{record:#}");
        let trace = expected.get("trace_id").and_then(Value::as_str).filter(|id| id.len() == 32);
        let carried = record.get("traceId").and_then(Value::as_str).filter(|id| !id.is_empty());
        ensure!(trace == carried, "{trace:?}: {record:#}");
    }
    Ok(())
}
