//! The module's configuration: one JSON object, every field optional. The CLI checks it with the very same function.
//!
//! | field | default | range | meaning |
//! | --- | --- | --- | --- |
//! | `visibility` | `"mesh"` | `mesh`, `always` | who sees the annotation: see [`MemberVisibility`] |
//! | `level` | `"standard"` | `minimal`, `standard`, `full` | how much a member has |
//! | `name` | pod and namespace of the node | at most 128 printable ASCII characters | who speaks in the member |
//! | `side` | from node id, cluster and listener | `inbound`, `outbound`, `gateway` | which way the traffic goes |
//! | `report` | `"failures"` | `failures`, `replies`, `trace_context` | what gets a record: see [`RecordScope`] |
//! | `records_per_interval` | 10 | 0–1000 | records per cause, cluster and, where it matters, route; the rest is counted |
//! | `interval_ms` | 10000 | 1000–600000 | length of that interval |
//! | `trace_check.sample_per_10k` | 100 | 0–10000 | of 10 000 requests, how many are checked for trace context (HTTP filter) |
//! | `trace_check.annotate` | true | | mark the response to a checked request that came without |

use meshwhy_core::Side;
use meshwhy_core::proxy_status::Level;

use crate::json::{JsonReader, Mistake};

/// A configuration within its ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Who sees the annotation.
    pub visibility: MemberVisibility,
    /// How much a member has.
    pub level: Level,
    /// Who speaks; `None` for pod and namespace of the node.
    pub name: Option<String>,
    /// Which way the traffic goes; `None` for what the node id says, and of a sidecar cluster and listener.
    pub side: Option<Side>,
    /// What gets a record.
    pub report: RecordScope,
    /// Records per interval, cause, cluster and, where it matters, route.
    pub records_per_interval: u32,
    /// Length of the interval, in milliseconds.
    pub interval_ms: u64,
    /// Requests of 10 000 that are checked for trace context.
    pub trace_sample_per_10k: u32,
    /// Whether the response to a request without trace context is marked.
    pub trace_annotate: bool,
}

/// Who sees the annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MemberVisibility {
    /// Outbound, the proxy's own application; inbound, peers whose connection is mutual TLS. A gateway or waypoint keeps its own for its access
    /// log, and removes those of the proxies behind it.
    #[default]
    Mesh,
    /// Everyone, and nothing is removed.
    Always,
}

/// What gets a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RecordScope {
    /// Whatever failed.
    #[default]
    Failures,
    /// HTTP filter: failed replies that the response callback saw, which it says in the stream's filter state. An access logger beside it
    /// reports the rest, so that no healthy request has to be asked how it ended.
    Replies,
    /// Access logger: requests without trace context, chosen by Envoy's own filters.
    TraceContext,
}

/// What came of reading a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedConfig {
    /// The configuration; `None` when it cannot be used, so that the module stays inert.
    pub config: Option<Config>,
    /// What is wrong and where, one line each. Unknown fields are listed and otherwise ignored.
    pub problems: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            visibility: MemberVisibility::Mesh,
            level: Level::Standard,
            name: None,
            side: None,
            report: RecordScope::Failures,
            records_per_interval: 10,
            interval_ms: 10_000,
            trace_sample_per_10k: 100,
            trace_annotate: true,
        }
    }
}

/// Reads a configuration. Nothing at all means every default.
///
/// # Shape
/// UTF-8 JSON, one object.
#[must_use]
pub fn parse(bytes: &[u8]) -> ParsedConfig {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return ParsedConfig { config: Some(Config::default()), problems: vec![] };
    }
    let mut reading = Reading::default();
    let read = JsonReader::new(bytes).and_then(|mut reader| {
        reader.object(&mut |reader, key| reading.field(reader, key, ""))?;
        reader.end()
    });
    match read {
        Ok(()) => {
            let Reading { config, mut problems, unusable, .. } = reading;
            let config = unusable.is_empty().then_some(config);
            problems.extend(unusable);
            ParsedConfig { config, problems }
        }
        Err(mistake) => ParsedConfig { config: None, problems: vec![printable(&mistake.to_string())] },
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    config: Config,
    /// What is ignored.
    problems: Vec<String>,
    /// What is outside its range.
    unusable: Vec<String>,
    seen: Vec<String>,
}

impl Reading {
    fn field(&mut self, reader: &mut JsonReader<'_>, key: &str, parent: &str) -> Result<(), Mistake> {
        let path = format!("{parent}{key}");
        if self.seen.contains(&path) {
            return Err(reader.mistake(&format!("the field `{path}` for a second time")));
        }
        match path.as_str() {
            "visibility" => {
                self.config.visibility = word(reader, &[("mesh", MemberVisibility::Mesh), ("always", MemberVisibility::Always)])?;
            }
            "level" => {
                let levels = [("minimal", Level::Minimal), ("standard", Level::Standard), ("full", Level::Full)];
                self.config.level = word(reader, &levels)?;
            }
            "name" if !reader.null() => {
                let name = reader.string("expected a string")?;
                if name.is_empty() || name.len() > 128 || !name.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
                    self.unusable.push("`name` is not 1 to 128 printable ASCII characters".to_owned());
                }
                self.config.name = Some(name);
            }
            "side" if !reader.null() => {
                let sides = [Side::Inbound, Side::Outbound, Side::Gateway].map(|side| (side.as_str(), side));
                self.config.side = Some(word(reader, &sides)?);
            }
            "report" => {
                let reports = [
                    ("failures", RecordScope::Failures),
                    ("replies", RecordScope::Replies),
                    ("trace_context", RecordScope::TraceContext),
                ];
                self.config.report = word(reader, &reports)?;
            }
            "records_per_interval" => self.config.records_per_interval = self.number(reader, &path, 0, 1000)?,
            "interval_ms" => self.config.interval_ms = self.number(reader, &path, 1000, 600_000)?.into(),
            "trace_check" => reader.object(&mut |reader, key| self.field(reader, key, "trace_check."))?,
            "trace_check.sample_per_10k" => self.config.trace_sample_per_10k = self.number(reader, &path, 0, 10_000)?,
            "trace_check.annotate" => self.config.trace_annotate = reader.boolean()?,
            // `null` for a field that may be left out.
            "name" | "side" => {}
            _ => {
                self.problems.push(format!("unknown field `{}` is ignored", printable(&path)));
                return reader.ignore();
            }
        }
        self.seen.push(path);
        Ok(())
    }

    fn number(&mut self, reader: &mut JsonReader<'_>, field: &str, low: u32, high: u32) -> Result<u32, Mistake> {
        let value = reader.number()?;
        let number = u32::try_from(value).ok().filter(|number| (low..=high).contains(number));
        if number.is_none() {
            self.unusable.push(format!("`{field}` is {value}, outside {low} to {high}"));
        }
        Ok(number.unwrap_or(low))
    }
}

/// One of a few words.
fn word<T: Copy>(reader: &mut JsonReader<'_>, words: &[(&str, T)]) -> Result<T, Mistake> {
    let place = reader.mistake("");
    let names = || words.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
    let found = reader.string("").ok().and_then(|text| words.iter().find(|(name, _)| *name == text));
    found.map(|(_, value)| *value).ok_or_else(|| place.saying(format!("expected {}", names())))
}

/// A parser's message may quote its input.
fn printable(text: &str) -> String {
    text.chars().take(200).map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_means_defaults() {
        for bytes in [&b""[..], b" \n", b"{}"] {
            assert_eq!(parse(bytes), ParsedConfig { config: Some(Config::default()), problems: vec![] });
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
        assert_eq!(problem(br#"{"level": "most"}"#), "expected `minimal` or `standard` or `full` at line 1 column 11");
        assert!(problem(br#"{"side": "inbound", "side": "outbound"}"#).contains("`side` for a second time"));
    }

    #[test]
    fn every_field_is_read() {
        let text = br#"{"visibility": "always", "level": "full", "name": "edge", "side": "gateway", "report": "trace_context",
            "records_per_interval": 0, "interval_ms": 1000, "trace_check": {"sample_per_10k": 10000, "annotate": false}}"#;
        let config = Config {
            visibility: MemberVisibility::Always,
            level: Level::Full,
            name: Some("edge".to_owned()),
            side: Some(Side::Gateway),
            report: RecordScope::TraceContext,
            records_per_interval: 0,
            interval_ms: 1000,
            trace_sample_per_10k: 10_000,
            trace_annotate: false,
        };
        assert_eq!(parse(text), ParsedConfig { config: Some(config), problems: vec![] });
        assert_eq!(parse(br#"{"name": null, "side": null}"#).config, Some(Config::default()));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
