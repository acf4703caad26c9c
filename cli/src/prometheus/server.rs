//! The HTTP API of Prometheus: one instant query, one bounded answer.
//!
//! Source: Prometheus 2.42, "HTTP API", `/api/v1/query`.

use std::collections::BTreeMap;
use std::time::Duration;

use http::HeaderMap;
use meshwhy_core::Lang;
use meshwhy_probe::{BodyEnd, Failure as ProbeFailure, HttpVersion, Request, Resolver, Target, Tls, send};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use tokio::runtime::{Builder, Runtime};

/// Largest answer, in bytes: queries ask for so few series that none comes near it.
const MAX_ANSWER: usize = 1024 * 1024;
/// How long resolving, connecting and answering may take each.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a server gives no answer.
#[derive(Debug)]
pub(crate) enum ServerFailure {
    /// It was not reached, or broke off.
    Unreached(ProbeFailure),
    /// It answers with an error; the status.
    Status(u16),
    /// It refuses the query; its own words.
    Refused(String),
    /// It answers with something else.
    NotPrometheus,
    /// It answers with more than is read.
    TooLarge,
    /// Nothing can be asked from here.
    System(std::io::Error),
}

/// A server, and what is shown to it.
pub(crate) struct Server {
    base: Target,
    headers: HeaderMap,
    tls: Tls,
    runtime: Runtime,
}

/// A series of an answer, with its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

impl Server {
    pub(crate) fn new(base: Target, headers: HeaderMap, tls: Tls) -> std::io::Result<Self> {
        Ok(Self { base, headers, tls, runtime: Builder::new_current_thread().enable_all().build()? })
    }

    /// Its address, without what may be secret.
    pub(crate) fn shown(&self) -> String {
        self.base.shown()
    }

    /// Asks one query.
    pub(crate) fn query(&self, query: &str) -> Result<Vec<Sample>, ServerFailure> {
        let path = self.base.path_and_query.path().trim_end_matches('/');
        let path = format!("{path}/api/v1/query?query={}", utf8_percent_encode(query, NON_ALPHANUMERIC));
        let path_and_query = path.parse().map_err(|_| ServerFailure::NotPrometheus)?;
        let request = Request {
            version: HttpVersion::Http11,
            headers: self.headers.clone(),
            patience: PATIENCE,
            most_kept: MAX_ANSWER,
            ..Request::get(Target { path_and_query, ..self.base.clone() })
        };
        let outcome = self.runtime.block_on(send(&request, &Resolver::default(), &self.tls));
        let response = outcome.result.map_err(ServerFailure::Unreached)?;
        match response.end {
            BodyEnd::Complete => {}
            BodyEnd::Left => return Err(ServerFailure::TooLarge),
            BodyEnd::TimedOut | BodyEnd::Broken(_) => return Err(ServerFailure::NotPrometheus),
        }
        answer(response.status, &response.body)
    }
}

#[derive(Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Answer {
    Success { data: Data },
    Error { error: String },
}

#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Data {
    Vector(Vec<Element>),
}

#[derive(Deserialize)]
struct Element {
    metric: BTreeMap<String, String>,
    value: (f64, String),
}

fn answer(status: u16, body: &[u8]) -> Result<Vec<Sample>, ServerFailure> {
    match serde_json::from_slice(body) {
        Ok(Answer::Success { data: Data::Vector(elements) }) if status == 200 => {
            let sample = |element: Element| Some(Sample { value: number(&element.value.1)?, labels: element.metric });
            Ok(elements.into_iter().filter_map(sample).collect())
        }
        Ok(Answer::Error { error }) => Err(ServerFailure::Refused(error.chars().take(300).collect())),
        _ if status != 200 => Err(ServerFailure::Status(status)),
        _ => Err(ServerFailure::NotPrometheus),
    }
}

/// A value that can be counted with.
fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)
}

impl ServerFailure {
    /// One sentence.
    pub(crate) fn sentence(&self, server: &str, lang: Lang) -> String {
        let reason = match (self, lang) {
            (Self::Unreached(failure), _) => crate::render::probe::words::failure(lang, failure),
            (Self::System(error), _) => error.to_string(),
            (Self::Status(status @ (401 | 403)), Lang::En) => {
                format!("it answers {status}: give what lets you in with --prometheus-header 'Authorization: …'")
            }
            (Self::Status(status @ (401 | 403)), Lang::Zh) => {
                format!("返回 {status}：请用 --prometheus-header 'Authorization: …' 提供认证信息")
            }
            (Self::Status(status), Lang::En) => format!("it answers {status}"),
            (Self::Status(status), Lang::Zh) => format!("返回 {status}"),
            (Self::Refused(words), Lang::En) => format!("it refuses the query: {words}"),
            (Self::Refused(words), Lang::Zh) => format!("查询被拒绝：{words}"),
            (Self::NotPrometheus, Lang::En) => {
                "its answer is none of Prometheus's HTTP API; is the URL the one that Grafana has?".to_owned()
            }
            (Self::NotPrometheus, Lang::Zh) => {
                "响应不符合 Prometheus 的 HTTP API；请确认 URL 与 Grafana 数据源中的一致".to_owned()
            }
            (Self::TooLarge, Lang::En) => "its answer is larger than 1 MiB".to_owned(),
            (Self::TooLarge, Lang::Zh) => "响应超过 1 MiB".to_owned(),
        };
        match lang {
            Lang::En => format!("Prometheus at {server}: {reason}"),
            Lang::Zh => format!("Prometheus（{server}）：{reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let vector = br#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{"cause":"no-route"},"value":[1700000000.1,"12.5"]},
            {"metric":{},"value":[1,"NaN"]},{"metric":{},"value":[1,"-3"]},{"metric":{},"value":[1,"+Inf"]}]}}"#;
        let samples = answer(200, vector).unwrap();
        assert_eq!(samples.len(), 1);
        assert_eq!(samples.first().map(|sample| sample.value), Some(12.5));
    }

    #[test]
    fn what_is_no_answer() {
        for (status, body) in [
            (200, "<html>"),
            (200, r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#),
            (200, r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":1},"value":[1,"1"]}]}}"#),
            (200, r#"{"status":"success"}"#),
            (200, "[[[[["),
        ] {
            assert!(matches!(answer(status, body.as_bytes()), Err(ServerFailure::NotPrometheus)), "{body}");
        }
        assert!(matches!(answer(401, b"no"), Err(ServerFailure::Status(401))));
        let refused = answer(400, br#"{"status":"error","errorType":"bad_data","error":"parse error"}"#);
        assert!(matches!(refused, Err(ServerFailure::Refused(words)) if words == "parse error"));
    }
}
