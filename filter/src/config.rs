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

use std::fmt;
use std::marker::PhantomData;

use meshwhy_core::Side;
use meshwhy_core::proxy_status::Level;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A configuration within its ranges; every field may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(default)]
pub struct Config {
    /// Who sees the annotation.
    pub visibility: MemberVisibility,
    /// How much a member has.
    #[serde(with = "LevelWord")]
    #[cfg_attr(feature = "schemas", schemars(with = "LevelWord"))]
    pub level: Level,
    /// Who speaks: 1 to 128 printable ASCII characters; without it, pod and namespace of the node.
    #[serde(deserialize_with = "name")]
    #[cfg_attr(feature = "schemas", schemars(regex(pattern = "^[ -~]{1,128}$")))]
    pub name: Option<String>,
    /// Which way the traffic goes; without it, what the node id says, and of a sidecar cluster and listener.
    #[serde(deserialize_with = "side")]
    #[cfg_attr(feature = "schemas", schemars(with = "Option<SideWord>"), serde(skip_serializing))]
    pub side: Option<Side>,
    /// What gets a record.
    pub report: RecordScope,
    /// Records per interval, cause, cluster and, where it matters, route; the rest is counted.
    #[serde(deserialize_with = "records_per_interval")]
    #[cfg_attr(feature = "schemas", schemars(range(max = 1000)))]
    pub records_per_interval: u32,
    /// Length of the interval, in milliseconds.
    #[serde(deserialize_with = "interval_ms")]
    #[cfg_attr(feature = "schemas", schemars(range(min = 1000, max = 600_000)))]
    pub interval_ms: u32,
    /// The check for trace context.
    #[serde(deserialize_with = "object")]
    pub trace_check: TraceCheck,
}

/// Which requests are checked for trace context, and what becomes of those without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(default)]
pub struct TraceCheck {
    /// How many of 10 000 requests are checked (HTTP filter).
    #[serde(deserialize_with = "sample_per_10k")]
    #[cfg_attr(feature = "schemas", schemars(range(max = 10_000)))]
    pub sample_per_10k: u32,
    /// Whether the response to a checked request that came without is marked.
    pub annotate: bool,
}

/// Who sees the annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case")]
pub enum MemberVisibility {
    /// Outbound, the proxy's own application; inbound, peers whose connection is mutual TLS. A gateway or waypoint keeps its own for its access
    /// log, and removes those of the proxies behind it.
    #[default]
    Mesh,
    /// Everyone, and nothing is removed.
    Always,
}

/// What gets a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case")]
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
            trace_check: TraceCheck::default(),
        }
    }
}

impl Default for TraceCheck {
    fn default() -> Self {
        Self { sample_per_10k: 100, annotate: true }
    }
}

/// How much a member has.
#[derive(Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(remote = "Level", rename_all = "snake_case")]
enum LevelWord {
    Minimal,
    Standard,
    Full,
}

/// Which way the traffic goes.
#[derive(Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case", rename = "Side")]
enum SideWord {
    Inbound,
    Outbound,
    Gateway,
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
    let mut problems = Vec::new();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let unknown =
        |path: serde_ignored::Path<'_>| problems.push(format!("unknown field `{}` is ignored", printable(&path.to_string())));
    let config = serde_ignored::deserialize(&mut json, unknown);
    match config.and_then(|config: Object<Config>| json.end().map(|()| config)) {
        Ok(Object(config)) => ParsedConfig { config: Some(config), problems },
        Err(mistake) => ParsedConfig { config: None, problems: vec![printable(&mistake.to_string())] },
    }
}

/// What only an object is read as; serde takes a list for a structure, too.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct OfMap<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for OfMap<T> {
            type Value = Object<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Object<T>, M::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        json.deserialize_map(OfMap(PhantomData))
    }
}

fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(json: D) -> Result<T, D::Error> {
    Object::deserialize(json).map(|Object(value)| value)
}

fn name<'de, D: Deserializer<'de>>(json: D) -> Result<Option<String>, D::Error> {
    let name = Option::<String>::deserialize(json)?;
    let is_sound = |name: &String| (1..=128).contains(&name.len()) && name.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if name.as_ref().is_none_or(is_sound) {
        Ok(name)
    } else {
        Err(D::Error::custom("`name` is not 1 to 128 printable ASCII characters"))
    }
}

fn side<'de, D: Deserializer<'de>>(json: D) -> Result<Option<Side>, D::Error> {
    let word = Option::<SideWord>::deserialize(json)?;
    Ok(word.map(|word| match word {
        SideWord::Inbound => Side::Inbound,
        SideWord::Outbound => Side::Outbound,
        SideWord::Gateway => Side::Gateway,
    }))
}

fn records_per_interval<'de, D: Deserializer<'de>>(json: D) -> Result<u32, D::Error> {
    within(json, "records_per_interval", 0, 1000)
}

fn interval_ms<'de, D: Deserializer<'de>>(json: D) -> Result<u32, D::Error> {
    within(json, "interval_ms", 1000, 600_000)
}

fn sample_per_10k<'de, D: Deserializer<'de>>(json: D) -> Result<u32, D::Error> {
    within(json, "trace_check.sample_per_10k", 0, 10_000)
}

fn within<'de, D: Deserializer<'de>>(json: D, field: &str, low: u32, high: u32) -> Result<u32, D::Error> {
    let value = u64::deserialize(json)?;
    let number = u32::try_from(value).ok().filter(|number| (low..=high).contains(number));
    number.ok_or_else(|| D::Error::custom(format!("`{field}` is {value}, outside {low} to {high}")))
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
        assert!(problem(b"[]").contains("expected an object at line 1 column"));
        assert!(problem(br#"{"trace_check": [1]}"#).contains("expected an object at line 1 column"));
        assert_eq!(problem(br#"{"interval_ms": 5}"#), "`interval_ms` is 5, outside 1000 to 600000 at line 1 column 18");
        assert!(problem("{\"name\": \"\u{1b}[31m\"}".as_bytes()).contains("control character"));
        assert_eq!(
            problem(br#"{"level": "most"}"#),
            "unknown variant `most`, expected one of `minimal`, `standard`, `full` at line 1 column 16"
        );
        assert!(problem(br#"{"side": "inbound", "side": "outbound"}"#).contains("duplicate field `side` at line 1 column"));
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
            trace_check: TraceCheck { sample_per_10k: 10_000, annotate: false },
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
