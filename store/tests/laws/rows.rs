//! Rows of access logs, and what `judge` says of each as `meshwhy diagnose` reads it.

use std::fs;
use std::path::Path;

use meshwhy_core::cause_cases::read_all;
use meshwhy_core::causes::REGISTRY;
use meshwhy_core::codec;
use meshwhy_core::details::{CloseReason, Family, Reset, Word};
use meshwhy_core::facts::Fact;
use meshwhy_core::facts::kind::GRPC_STATUSES;
use meshwhy_core::transport::TransportKind;
use meshwhy_core::{Facts, Flag, judge};
use meshwhy_logs::{Formats, LineContent, LineFormat, parse_line};
use serde_json::{Map, Value, json};

/// How many rows are made at random.
const RANDOM: usize = 6000;

/// A line of Istio's JSON access log.
#[derive(Debug)]
pub(crate) struct Row {
    /// Where it comes from.
    pub(crate) name: String,
    /// The line.
    pub(crate) line: String,
    /// Cause, confidence and target; `None` where nothing failed.
    pub(crate) verdict: Option<String>,
}

/// Makes up a value of a field.
type TextOf = fn(&mut Random) -> String;

impl Row {
    /// A column that is NULL says nothing, so a line whose virtual host is `null` is none that a table can hold.
    fn new(name: String, mut object: Map<String, Value>) -> Self {
        if object.get("virtual_host_name") == Some(&Value::Null) {
            object.remove("virtual_host_name");
        }
        let line = Value::Object(object).to_string();
        let verdict = match parse_line(line.as_bytes(), &Formats::default()).content {
            LineContent::Facts(facts, _) => judge(&facts).map(|verdict| {
                let target = facts.cluster.as_deref().or(facts.context.authority.as_deref()).unwrap_or("-");
                format!("{} {} {} at {target}", verdict.cause.code, verdict.cause.slug, verdict.confidence.as_str())
            }),
            _ => None,
        };
        Self { name, line, verdict }
    }
}

/// All of them.
pub(crate) fn all() -> Vec<Row> {
    let rows: Vec<Row> = cases().into_iter().chain(recorded()).chain(random()).collect();
    let failing = |what: &str| rows.iter().filter(|row| row.name.starts_with(what) && row.verdict.is_some()).count();
    // A law that no row can break is none.
    assert!(
        failing("case") > 150 && failing("recorded") > 250 && failing("random") > 3000,
        "{:?}",
        ["case", "recorded", "random"].map(failing)
    );
    rows
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The cases of the causes, as lines that have those of their facts which access logs have.
fn cases() -> Vec<Row> {
    let causes = workspace().join("core/src/causes");
    let all = read_all(|cause| fs::read_to_string(causes.join(cause.folder()).join("cases.md"))).unwrap();
    let of = |facts: &Facts<'_>| -> Map<String, Value> {
        let text = |fact: Fact| facts.decisive.text(fact).or_else(|| facts.context.text(fact));
        Fact::ALL.iter().filter_map(|fact| Some((fact.key()?.to_owned(), text(*fact)?.into()))).collect()
    };
    let cases = all.iter().flat_map(|of_cause| of_cause.cases.iter().map(|case| (of_cause.cause.slug, case)));
    cases.map(|(slug, case)| Row::new(format!("case {slug}: {}", case.heading), of(&case.facts))).collect()
}

/// Lines of real proxies with Istio's keys, as the tests of `meshwhy-diagnose` have them.
fn recorded() -> Vec<Row> {
    let data = workspace().join("diagnose/tests/data");
    let files = ["istio-live.jsonl", "istio-lab.jsonl", "realworld.jsonl", "realworld-2.jsonl", "pasted.jsonl", "rows.jsonl"];
    let mut rows = Vec::new();
    for file in files {
        for (number, case) in fs::read_to_string(data.join(file)).unwrap().lines().enumerate() {
            let mut texts = Vec::new();
            strings(&serde_json::from_str(case).unwrap(), &mut texts);
            for line in texts.iter().flat_map(|text| text.lines()) {
                let object = line.find("{\"").and_then(|at| serde_json::from_str(&line[at..]).ok());
                if let Some(Value::Object(object)) = object
                    && object.contains_key("response_flags")
                    && !object.contains_key(":authority")
                {
                    rows.push(Row::new(format!("recorded {file}:{}", number + 1), object));
                }
            }
        }
    }
    rows
}

fn strings(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| strings(value, into)),
        Value::Object(members) => members.values().for_each(|value| strings(value, into)),
        _ => {}
    }
}

fn random() -> Vec<Row> {
    let mut random = Random(fastrand::Rng::with_seed(19));
    let lines = std::iter::repeat_with(|| random.line()).filter(is_access_log);
    lines.take(RANDOM).enumerate().map(|(number, line)| Row::new(format!("random {number}"), line)).collect()
}

/// Whether something of the outcome can be read, without which a line is of no access log.
fn is_access_log(object: &Map<String, Value>) -> bool {
    let line = Value::Object(object.clone()).to_string();
    !matches!(
        parse_line(line.as_bytes(), &Formats::default()).content,
        LineContent::Facts(_, LineFormat::Evidence) | LineContent::Unreadable
    )
}

/// Makes lines of the words that mean something, and of some that nearly do.
struct Random(fastrand::Rng);

impl Random {
    fn of<'w>(&mut self, words: &[&'w str]) -> &'w str {
        words[self.0.usize(..words.len())]
    }

    fn chance(&mut self, percent: u8) -> bool {
        self.0.u8(..100) < percent
    }

    fn line(&mut self) -> Map<String, Value> {
        let mut line = Map::new();
        let status = [0, 0, 101, 200, 200, 204, 302, 400, 401, 403, 404, 408, 413, 426, 429, 431, 500, 502, 503, 503, 503, 504];
        let status = status[self.0.usize(..status.len())];
        let status = match self.0.u8(..12) {
            0 => json!(status.to_string()),
            1 => json!(format!("{status}.0")),
            2 => Value::Null,
            3 => json!("-"),
            _ => json!(status),
        };
        line.insert("response_code".to_owned(), status);
        let flags = self.flags();
        line.insert("response_flags".to_owned(), flags.into());
        let texts: [(&str, u8, TextOf); 13] = [
            ("response_code_details", 85, Self::details),
            ("upstream_transport_failure_reason", 30, Self::transport),
            ("downstream_transport_failure_reason", 12, Self::transport),
            ("connection_termination_details", 12, Self::termination),
            ("upstream_local_close_reason", 8, Self::codec),
            ("downstream_local_close_reason", 8, Self::codec),
            ("istio_policy_status", 3, |random| {
                random.of(&["\"PERMISSION_DENIED:denied\"", "\"\"", "RESOURCE_EXHAUSTED"]).to_owned()
            }),
            ("upstream_cluster", 80, Self::cluster),
            ("virtual_host_name", 40, |random| random.of(&["", "-", "reviews:9080", "block_all"]).to_owned()),
            ("route_name", 40, |random| random.of(&["block_all", "allow_any", "default", "-"]).to_owned()),
            ("upstream_host", 70, |random| {
                random.of(&["10.0.0.7:8080", "10.0.0.7:443", "[fd00::7]:8443", "-", "envoy://x"]).to_owned()
            }),
            ("grpc_status", 15, Self::grpc),
            ("proxy_status", 25, Self::proxy_status),
        ];
        for (key, percent, text) in texts {
            if self.chance(percent) {
                let text = text(self);
                let value = if self.chance(5) { Value::Null } else { text.into() };
                line.insert(key.to_owned(), value);
            }
        }
        line.insert("authority".to_owned(), self.of(&["reviews:9080", "it's.example", "-"]).into());
        for (key, percent) in [("duration", 70), ("upstream_connection_age_us", 15)] {
            if self.chance(percent) {
                let number = [0, 1, 9, 10, 99, 5000, 15_000, 3_600_000][self.0.usize(..8)];
                line.insert(key.to_owned(), if self.chance(10) { format!("{number}ms").into() } else { json!(number) });
            }
        }
        line
    }

    fn flags(&mut self) -> String {
        if self.chance(30) {
            return "-".to_owned();
        }
        let names: Vec<String> = (0..self.0.usize(1..4))
            .map(|_| {
                let flag = Flag::ALL[self.0.usize(..Flag::ALL.len())];
                match self.0.u8(..20) {
                    0 => "Acme".to_owned(),
                    1 => format!(" {}", flag.short()),
                    2 | 3 => flag.long().to_owned(),
                    _ => flag.short().to_owned(),
                }
            })
            .collect();
        match self.0.u8(..25) {
            0 => self.0.u32(..1 << 30).to_string(),
            1 => format!("{};x", names.join(",")),
            _ => names.join(","),
        }
    }

    fn details(&mut self) -> String {
        let reset = Reset::ALL[self.0.usize(..Reset::ALL.len())].as_str();
        let word = Word::ALL[self.0.usize(..Word::ALL.len())].0;
        let family = Family::ALL[self.0.usize(..Family::ALL.len())].prefixes();
        let family = self.of(family);
        match self.0.u8(..20) {
            0..3 => "via_upstream".to_owned(),
            3..8 => word.to_owned(),
            8 => format!("{family}x y}}"),
            9 => family.replace('_', " "),
            10 => format!("upstream_reset_before_response_started{{{reset}}}"),
            11 => format!("upstream_reset_before_response_started{{{}}}", reset.replace('_', " ")),
            12 | 13 => format!("upstream_reset_before_response_started{{{reset}{}{}}}", self.of(&["|", ","]), self.transport()),
            14 => format!("upstream_reset_after_response_started{{{reset}|{}}}", self.transport()),
            15 => self
                .of(&[
                    "rbac_access_denied_matched_policy[none]",
                    "rbac_access_denied_matched_policy[ns[a]-policy[b]-rule[0]]",
                    "rbac_access_denied_matched_policy[istio-ext-authz-deny-due-to-bad-CUSTOM-action]",
                ])
                .to_owned(),
            16 => format!("downstream_local_disconnect({})", self.closed()),
            17 => format!("codec_error:{}", self.codec()),
            18 => "jwt_authn_access_denied{Jwt_is_expired}".to_owned(),
            _ => self
                .of(&[
                    "no such word",
                    "upstream_reset_before_response_started{new_reason|x}",
                    "it's \\ odd\"",
                    "filter_chain_not_found",
                ])
                .to_owned(),
        }
    }

    fn closed(&mut self) -> String {
        let (head, _) = CloseReason::BEGINNINGS[self.0.usize(..CloseReason::BEGINNINGS.len())];
        match self.0.u8(..4) {
            0 => head.replace('_', " "),
            1 => format!("{head}_more"),
            2 => self.codec(),
            _ => head.to_owned(),
        }
    }

    fn termination(&mut self) -> String {
        match self.0.u8(..3) {
            0 => "rbac_access_denied_matched_policy[none]".to_owned(),
            _ => self.closed(),
        }
    }

    fn codec(&mut self) -> String {
        let (text, _) = codec::TEXTS[self.0.usize(..codec::TEXTS.len())];
        let head = self.of(&["", "codec_error:", "codec_error:http/1.1_protocol_error:_", "http/1.1 protocol error: "]);
        let text = if self.chance(15) { self.of(&["stream 7 is already gone", "something new", "HPE_NEVER"]) } else { text };
        let text = if self.chance(50) { text.replace(' ', "_") } else { text.to_owned() };
        format!("{head}{text}")
    }

    fn transport(&mut self) -> String {
        let kind = TransportKind::ALL[self.0.usize(..TransportKind::ALL.len())].as_str();
        let code = [268_435_703, 268_435_581, 268_436_501, 268_435_456, 285_212_671, 285_212_672, 33_554_536, 67_108_971, 111]
            [self.0.usize(..9)];
        let detail = self.of(&["", ":verify_cert_failed:_cert", ":certificate has expired", ":x:certificate_is_not_yet_valid"]);
        match self.0.u8(..14) {
            0 => format!("delayed_connect_error:_{kind}"),
            1 => format!("delayed connect error: {}", kind.replace('_', " ")),
            2 => format!("immediate connect error: {kind}|remote address:10.0.0.1:80"),
            3 => format!("delayed_connect_error:_{}", self.of(&["111", "110", "113", "7"])),
            4 => format!("TLS_error:|{code}:SSL_routines:OPENSSL_internal:{kind}:TLS_error_end"),
            5 => format!("TLS error: {code}:SSL routines:OPENSSL_internal:{kind}"),
            6 => format!(
                "TLS_error:|67108971:RSA_routines:OPENSSL_internal:BLOCK_TYPE_IS_NOT_01|{code}:SSL_routines:OPENSSL_internal:{kind}{detail}:TLS_error_end"
            ),
            7 => format!("TLS_error|error:100000f7:SSL_routines:OPENSSL_internal:{kind}:TLS_error_end"),
            8 => {
                format!("\"TLS_error:|268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED{detail}:TLS_error_end\"")
            }
            9 => format!("TLS_error:|{code}"),
            10 => format!("TLS error: {}", kind.replace('_', " ")),
            11 => format!("delayed_connect_error:_new|TLS_error:|{code}:a:b:{kind}"),
            12 => self
                .of(&["tunnel_response: 503", "failed to bind to 10.0.0.1", "TLS_error|error:1:2", "TLS_error:|", "-", "\"\""])
                .to_owned(),
            _ => kind.to_owned(),
        }
    }

    fn cluster(&mut self) -> String {
        self.of(&[
            "outbound|8080||reviews.default.svc.cluster.local",
            "outbound|443|v1|api.example.com",
            "outbound|80||localhost",
            "inbound|8443||",
            "inbound-vip|6443|http|web.shop.svc.cluster.local",
            "BlackHoleCluster",
            "PassthroughCluster",
            "InboundPassthroughCluster",
            "xds-grpc",
            "-",
        ])
        .to_owned()
    }

    fn grpc(&mut self) -> String {
        let (camel, snake) = GRPC_STATUSES[self.0.usize(..GRPC_STATUSES.len())];
        match self.0.u8(..4) {
            0 => camel.to_owned(),
            1 => snake.to_owned(),
            2 => snake.to_lowercase(),
            _ => self.0.u8(..20).to_string(),
        }
    }

    fn proxy_status(&mut self) -> String {
        let code = REGISTRY.get(self.0.usize(..REGISTRY.len())).unwrap().code;
        let details =
            self.of(&["rbac_access_denied_matched_policy[none]", "a, b; mw-cause=MW1001", "no_healthy_upstream", "via_upstream"]);
        let side = self.of(&["inbound", "outbound", "gateway"]);
        let flag = Flag::ALL[self.0.usize(..Flag::ALL.len())].short();
        match self.0.u8(..8) {
            0 => format!("\"a.b\"; error=http_request_denied; mw-cause={code}; mw-side={side}; details=\"{details}\""),
            1 => format!(
                "\"a.b\"; error=connection_refused; mw-cause={code}; mw-side={side}; mw-flags=\"{flag}\"; details=\"{details}\", gw; received-status=503"
            ),
            2 => {
                format!("\"x, y\"; mw-cause={code}; mw-side={side}, \"c.d\"; mw-cause=MW3002; mw-side=outbound; mw-flags=\"UF\"")
            }
            3 => format!("\"a.b\"; mw-cause=MW8001; mw-side={side}, \"a.b\"; mw-cause={code}; mw-side={side}"),
            4 => format!("app; mw-cause={code}"),
            5 => format!("\"a.b\"; error=connection_timeout; mw-side={side}; mw-flags=\"{flag}\"; mw-route=\"block_all\""),
            6 => "envoy; error=http_protocol_error; details=\"x\"".to_owned(),
            _ => "hello, world".to_owned(),
        }
    }
}
