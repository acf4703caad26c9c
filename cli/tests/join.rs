//! Failures of a real mesh beside the manifests behind them: the line that is at fault is named, and no other.
//!
//! `data/istio-lab-manifests.jsonl` has the manifests of the cases of `data/istio-lab.jsonl`, and the line that somebody found to be at
//! fault and then cured, so that the same request succeeded.

#![allow(clippy::unwrap_used, reason = "a broken case must fail loudly")]

use meshwhy::configuration::{Configuration, ConfigurationFiles};
use meshwhy_check::source::Source;
use meshwhy_core::Lang;
use meshwhy_diagnose::{Analysis, Collector};
use serde_json::Value;

/// Cases whose line is not named, and why. An entry that is no longer needed fails.
const MISSED: &[(&str, &str)] = &[
    ("strict-wrong-client-tls", "a handshake that the server refuses leaves no line"),
    ("gw-passthrough-with-http-routes", "there is no listener, so there is no line"),
];

/// Of the cases with a line at fault, how many of a hundred must be named.
const WANTED_PERCENT: usize = 90;

struct Case {
    id: String,
    lines: String,
    files: ConfigurationFiles,
    wanted: Option<(String, u64)>,
}

fn records(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn cases() -> Vec<Case> {
    let logs = records(include_str!("../../diagnose/tests/data/istio-lab.jsonl"));
    let manifests = records(include_str!("data/istio-lab-manifests.jsonl"));
    assert_eq!(logs.len(), manifests.len());
    logs.iter().zip(&manifests).map(|(logs, files)| Case::new(logs, files)).collect()
}

impl Case {
    fn new(logs: &Value, files: &Value) -> Self {
        assert_eq!(logs["id"], files["id"]);
        let proxies = logs["logs"].as_object().unwrap().iter();
        let lines =
            proxies.flat_map(|(pod, lines)| lines.as_array().unwrap().iter().map(move |line| (pod, line.as_str().unwrap())));
        let source = |(name, text): (&String, &Value)| Source { name: name.clone(), text: text.as_str().unwrap().to_owned() };
        Self {
            id: files["id"].as_str().unwrap().to_owned(),
            lines: lines.map(|(pod, line)| format!("[pod/{pod}/istio-proxy] {line}\n")).collect(),
            files: ConfigurationFiles {
                sources: files["manifests"].as_object().unwrap().iter().map(source).collect(),
                clusters: Vec::new(),
                mesh_config: Some(Source { name: "mesh".to_owned(), text: files["mesh_config"].to_string() }),
            },
            wanted: files["config_cause"]
                .as_object()
                .map(|cause| (cause["file"].as_str().unwrap().to_owned(), cause["line"].as_u64().unwrap())),
        }
    }

    /// The same without the names of the pods.
    fn without_pods(self) -> Self {
        let bare = |line: &str| line.split_once("/istio-proxy] ").map_or_else(String::new, |(_, line)| format!("{line}\n"));
        Self { lines: self.lines.lines().map(bare).collect(), ..self }
    }

    fn named(&self) -> Vec<Configuration> {
        self.files.explain(&mut self.analysis(), Lang::En).into_iter().flatten().collect()
    }

    fn analysis(&self) -> Analysis {
        let mut collector = Collector::default().keeping_suspects();
        collector.read(0, None, &mut self.lines.as_bytes()).unwrap();
        collector.finish()
    }

    fn is_wanted(&self, named: &Configuration) -> bool {
        self.wanted == Some((named.at.file.clone(), u64::from(named.at.line)))
    }

    fn summary(&self) -> String {
        let causes: Vec<&str> = self.analysis().groups.iter().map(|group| group.verdict.cause.slug).collect();
        let named: Vec<String> =
            self.named().iter().map(|named| format!("{}:{} {}", named.at.file, named.at.line, named.message)).collect();
        format!("{} ({causes:?}): wanted {:?}, named {named:?}", self.id, self.wanted)
    }
}

#[test]
fn the_line_at_fault_is_named() {
    let cases: Vec<Case> = cases().into_iter().filter(|case| case.wanted.is_some()).collect();
    let missed: Vec<&Case> = cases.iter().filter(|case| !case.named().iter().any(|named| case.is_wanted(named))).collect();
    let ids: Vec<&str> = missed.iter().map(|case| case.id.as_str()).collect();
    let listed: Vec<&str> = MISSED.iter().map(|(id, _)| *id).collect();
    let named = cases.len() - missed.len();
    let summaries: Vec<String> = missed.iter().map(|case| case.summary()).collect();
    assert_eq!(ids, listed, "{named} of {} are named; the list of misses is stale:\n{}", cases.len(), summaries.join("\n"));
    assert!(named * 100 >= cases.len() * WANTED_PERCENT, "only {named} of {} are named", cases.len());
}

#[test]
fn nearly_all_are_named_where_no_pod_is() {
    let cases: Vec<Case> = cases().into_iter().filter(|case| case.wanted.is_some()).map(Case::without_pods).collect();
    let missed: Vec<String> =
        cases.iter().filter(|case| !case.named().iter().any(|named| case.is_wanted(named))).map(Case::summary).collect();
    let named = cases.len() - missed.len();
    assert!(named * 100 >= cases.len() * WANTED_PERCENT, "only {named} of {} are named:\n{}", cases.len(), missed.join("\n"));
}

#[test]
fn no_other_line_is_named() {
    let cases: Vec<Case> = cases().into_iter().chain(self::cases().into_iter().map(Case::without_pods)).collect();
    let wrong: Vec<String> =
        cases.iter().filter(|case| case.named().iter().any(|named| !case.is_wanted(named))).map(Case::summary).collect();
    assert_eq!(wrong, Vec::<String>::new(), "{} of {} name a wrong line:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
