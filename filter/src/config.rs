//! The module's configuration: one JSON object, every field optional. The CLI checks it with the very same function.
//!
//! | field | default | range | meaning |
//! | --- | --- | --- | --- |
//! | `visibility` | `"mesh"` | `mesh`, `always` | who sees the annotation: peers with mutual TLS, or everyone |
//! | `level` | `"standard"` | `minimal`, `standard`, `full` | how much a member tells |
//! | `name` | pod and namespace of the node | at most 128 printable ASCII characters | who speaks in the member |
//! | `side` | from the listener's direction | `inbound`, `outbound`, `gateway` | which way the traffic goes |
//! | `report` | `"failures"` | `failures`, `trace_context` | what an access logger reports; `trace_context` expects Envoy to have chosen requests without any |
//! | `records_per_interval` | 10 | 0–1000 | records per cause, cluster and route; the rest is counted |
//! | `interval_ms` | 10000 | 1000–600000 | length of that interval |
//! | `trace_check.sample_per_10k` | 100 | 0–10000 | of 10 000 requests, how many are checked for trace context (HTTP filter) |
//! | `trace_check.annotate` | true | | mark the response to a checked request that came without |

use meshwhy_core::Side;
use meshwhy_core::proxy_status::Level;
use serde::Deserialize;

/// A configuration within its ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Who sees the annotation.
    pub visibility: Visibility,
    /// How much a member tells.
    pub level: Level,
    /// Who speaks; `None` for pod and namespace of the node.
    pub name: Option<String>,
    /// Which way the traffic goes; `None` for the listener's direction.
    pub side: Option<Side>,
    /// What an access logger reports.
    pub report: Report,
    /// Records per cause, cluster and route and interval.
    pub records_per_interval: u32,
    /// Length of the interval, in milliseconds.
    pub interval_ms: u64,
    /// Requests of 10 000 that are checked for trace context.
    pub trace_sample_per_10k: u32,
    /// Whether the response to a request without trace context is marked.
    pub trace_annotate: bool,
}

/// Who sees the annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Peers whose connection is mutual TLS.
    #[default]
    Mesh,
    /// Everyone.
    Always,
}

/// What an access logger reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// Whatever failed.
    #[default]
    Failures,
    /// Requests without trace context, chosen by Envoy's own filters.
    TraceContext,
}

/// What came of reading a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The configuration; `None` when it cannot be used, so that the module stays inert.
    pub config: Option<Config>,
    /// What is wrong and where, one line each. Unknown fields are listed and otherwise ignored.
    pub problems: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            visibility: Visibility::Mesh,
            level: Level::Standard,
            name: None,
            side: None,
            report: Report::Failures,
            records_per_interval: 10,
            interval_ms: 10_000,
            trace_sample_per_10k: 100,
            trace_annotate: true,
        }
    }
}

#[derive(Deserialize)]
#[serde(default)]
struct Raw {
    visibility: Visibility,
    level: RawLevel,
    name: Option<String>,
    side: Option<RawSide>,
    report: Report,
    records_per_interval: u32,
    interval_ms: u64,
    trace_check: RawTraceCheck,
}

#[derive(Deserialize)]
#[serde(default)]
struct RawTraceCheck {
    sample_per_10k: u32,
    annotate: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawLevel {
    Minimal,
    Standard,
    Full,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawSide {
    Inbound,
    Outbound,
    Gateway,
}

impl Default for Raw {
    fn default() -> Self {
        let config = Config::default();
        Self {
            visibility: config.visibility,
            level: RawLevel::Standard,
            name: config.name,
            side: None,
            report: config.report,
            records_per_interval: config.records_per_interval,
            interval_ms: config.interval_ms,
            trace_check: RawTraceCheck::default(),
        }
    }
}

impl Default for RawTraceCheck {
    fn default() -> Self {
        let config = Config::default();
        Self { sample_per_10k: config.trace_sample_per_10k, annotate: config.trace_annotate }
    }
}

/// Reads a configuration. Nothing at all means every default.
///
/// # Shape
/// UTF-8 JSON, one object.
#[must_use]
pub fn parse(bytes: &[u8]) -> Parsed {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Parsed { config: Some(Config::default()), problems: vec![] };
    }
    let mut problems = Vec::new();
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let raw: Result<Raw, _> = serde_ignored::deserialize(&mut reader, |path| {
        problems.push(format!("unknown field `{}` is ignored", printable(&path.to_string())))
    });
    match raw.and_then(|raw| reader.end().map(|()| raw)) {
        Ok(raw) => {
            let out_of_range = ranges(&raw);
            let usable = out_of_range.is_empty();
            problems.extend(out_of_range);
            Parsed { config: usable.then(|| raw.into()), problems }
        }
        Err(error) => Parsed { config: None, problems: vec![printable(&error.to_string())] },
    }
}

fn ranges(raw: &Raw) -> Vec<String> {
    let mut problems = Vec::new();
    let mut within = |field: &str, value: u64, low: u64, high: u64| {
        if value < low || value > high {
            problems.push(format!("`{field}` is {value}, outside {low} to {high}"));
        }
    };
    within("records_per_interval", raw.records_per_interval.into(), 0, 1000);
    within("interval_ms", raw.interval_ms, 1000, 600_000);
    within("trace_check.sample_per_10k", raw.trace_check.sample_per_10k.into(), 0, 10_000);
    if let Some(name) = &raw.name
        && (name.is_empty() || name.len() > 128 || !name.bytes().all(|byte| (b' '..=b'~').contains(&byte)))
    {
        problems.push("`name` is not 1 to 128 printable ASCII characters".to_owned());
    }
    problems
}

/// A parser's message may quote its input.
fn printable(text: &str) -> String {
    text.chars().take(200).map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

impl From<Raw> for Config {
    fn from(raw: Raw) -> Self {
        Self {
            visibility: raw.visibility,
            level: match raw.level {
                RawLevel::Minimal => Level::Minimal,
                RawLevel::Standard => Level::Standard,
                RawLevel::Full => Level::Full,
            },
            name: raw.name,
            side: raw.side.map(|side| match side {
                RawSide::Inbound => Side::Inbound,
                RawSide::Outbound => Side::Outbound,
                RawSide::Gateway => Side::Gateway,
            }),
            report: raw.report,
            records_per_interval: raw.records_per_interval,
            interval_ms: raw.interval_ms,
            trace_sample_per_10k: raw.trace_check.sample_per_10k,
            trace_annotate: raw.trace_check.annotate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_means_defaults() {
        for bytes in [&b""[..], b" \n", b"{}"] {
            assert_eq!(parse(bytes), Parsed { config: Some(Config::default()), problems: vec![] });
        }
    }

    #[test]
    fn unknown_fields_are_named_and_ignored() {
        let parsed = parse(br#"{"levels": 3, "trace_check": {"every": 1}}"#);
        assert_eq!(parsed.config, Some(Config::default()));
        assert_eq!(parsed.problems, ["unknown field `levels` is ignored", "unknown field `trace_check.every` is ignored"]);
    }

    #[test]
    fn what_cannot_be_used_says_where() {
        let problem = |bytes: &[u8]| {
            let parsed = parse(bytes);
            assert_eq!(parsed.config, None, "{bytes:?}");
            parsed.problems.concat()
        };
        assert!(problem(br#"{"level": 3}"#).contains("line 1 column"));
        assert!(problem(b"\xff\x00{").contains("line 1 column 1"));
        assert!(problem(b"{} x").contains("trailing characters"));
        assert_eq!(problem(br#"{"interval_ms": 5}"#), "`interval_ms` is 5, outside 1000 to 600000");
        assert!(problem("{\"name\": \"\u{1b}[31m\"}".as_bytes()).contains("control character"));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
