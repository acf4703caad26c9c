//! What a scenario leaves behind: responses, access-log lines, records.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::client::Response;
use crate::tail::Tail;

/// What precedes a record in a log line.
pub const RECORD_PREFIX: &str = "meshwhy1 {";

/// What one scenario gave.
#[derive(Clone, Debug)]
pub struct ScenarioObservation {
    /// The scenario's [`Scenario::id`].
    pub id: String,
    /// What the client got, one per request; absent if the connection or the stream ended without a response.
    pub responses: Vec<Option<Response>>,
    /// Istio's JSON access-log lines.
    pub json: Vec<String>,
    /// Istio's TEXT access-log lines.
    pub text: Vec<String>,
    /// The lines with a record: of Envoy's log, or of the native logger.
    pub records: Vec<String>,
}

/// The logs of one scenario from some moment on.
pub struct Logs {
    /// Istio's JSON log.
    pub json: Tail,
    /// Istio's TEXT log.
    pub text: Tail,
    /// The native logger's.
    pub native: Tail,
    /// Envoy's own.
    pub envoy: Tail,
}

impl ScenarioObservation {
    /// The first response.
    pub fn response(&self) -> Option<&Response> {
        self.responses.first().and_then(Option::as_ref)
    }

    /// What a log collector would have of it: the JSON access-log lines and the records.
    pub fn lines(&self) -> impl Iterator<Item = &String> {
        self.json.iter().chain(&self.records)
    }

    /// The `proxy-status` of every response that has one.
    pub fn statuses(&self) -> impl Iterator<Item = String> {
        self.responses.iter().flatten().filter_map(|response| response.header("proxy-status"))
    }

    /// The `proxy-status` of the first response.
    pub fn proxy_status(&self) -> Option<String> {
        self.response()?.header("proxy-status")
    }
}

impl Logs {
    /// What is written from now on, into the files of one scenario in `directory` and into Envoy's own log.
    pub fn from_now(directory: &Path, id: &str, envoy: &Path) -> Self {
        let [json, text, native] = log_files(directory, id).map(|path| Tail::at_end(&path));
        Self { json, text, native, envoy: Tail::at_end(envoy) }
    }
}

/// The record in a log line.
pub fn record_json(line: &str) -> Option<Value> {
    let start = line.find(RECORD_PREFIX).map(|start| start + RECORD_PREFIX.len() - 1).or_else(|| line.find('{'))?;
    serde_json::Deserializer::from_str(line.get(start..)?).into_iter().next()?.ok()
}

/// Whether a line of a proxy's log is a record: of the module, or of a logger in the manifests.
pub fn is_record(line: &str) -> bool {
    line.contains(RECORD_PREFIX) || line.contains("\"meshwhy.record\":")
}

/// Whether an access-log line of Istio's JSON format shows no flag.
pub fn looks_healthy(line: &str) -> bool {
    record_json(line).is_some_and(|line| line.get("response_flags").and_then(Value::as_str).is_none_or(|flags| flags == "-"))
}

/// The files of one scenario: Istio's JSON log, Istio's TEXT log, the native logger's.
pub fn log_files(directory: &Path, id: &str) -> [PathBuf; 3] {
    ["json", "text", "native"].map(|kind| directory.join(format!("{id}.{kind}.log")))
}
