//! What is asked, and what it says: series that count failures, series that say they would, scrapes that do not come.

use meshwhy_core::causes::config_rejected;
use meshwhy_core::{Cause, Confidence, Decisive, ResponseFlags, Side, judge};

use super::server::{Sample, Server, ServerFailure};

/// Most groups that one query gives.
const MOST: usize = 50;
/// A scrape may be late by so much, in seconds, and its series is still one that was there before.
const LATE: u64 = 900;
/// Labels that say whose proxy it is, in the order of preference behind the namespace; scrape configurations differ.
const WORKLOAD: [&str; 5] = ["workload", "source_workload", "service_istio_io_canonical_name", "app", "pod_name"];

/// A kind of counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counter {
    /// The module's, by cause.
    Module,
    /// Envoy's own, by status and flags (`envoyfilter/counters.yaml`).
    Native,
    /// `istio_requests_total`.
    Istio,
    /// Configurations that Envoy refused.
    Refused,
}

impl Counter {
    pub(crate) const ALL: [Self; 4] = [Self::Module, Self::Native, Self::Istio, Self::Refused];

    /// The metric, or the first of them.
    pub(crate) const fn metric(self) -> &'static str {
        match self {
            Self::Module => "meshwhy_local_replies_total",
            Self::Native => "envoy_istio_meshwhy_failed_requests",
            Self::Istio => "istio_requests_total",
            Self::Refused => "envoy_listener_manager_lds_update_rejected",
        }
    }

    /// What of it is a failure.
    const fn failures(self) -> &'static [&'static str] {
        match self {
            Self::Module => &["meshwhy_local_replies_total"],
            Self::Native => &["envoy_istio_meshwhy_failed_requests"],
            Self::Istio => &[
                r#"istio_requests_total{response_code=~"0|[45].*"}"#,
                r#"istio_requests_total{response_flags!~"-?"}"#,
                r#"istio_requests_total{grpc_response_status!~"0?"}"#,
            ],
            Self::Refused => &["envoy_listener_manager_lds_update_rejected", "envoy_cluster_manager_cds_update_rejected"],
        }
    }

    /// What its failures are told apart by, beside the workload.
    const fn labels(self) -> &'static str {
        match self {
            Self::Module => "cause, tag, side, component, namespace",
            Self::Native => "response_code, flags, side, namespace",
            Self::Istio => {
                "response_code, response_flags, grpc_response_status, destination_service, reporter, source_workload_namespace, \
                 destination_workload, destination_workload_namespace"
            }
            Self::Refused => "namespace",
        }
    }
}

/// How it is with one kind of counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Presence {
    pub(crate) counter: Counter,
    /// How many series there were in that time.
    pub(crate) series: u64,
}

/// What failed, as one kind of counter has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ranked {
    pub(crate) counter: Counter,
    pub(crate) cause: &'static Cause,
    pub(crate) confidence: Confidence,
    pub(crate) count: f64,
    pub(crate) side: Option<Side>,
    pub(crate) namespace: Option<String>,
    pub(crate) workload: Option<String>,
    /// The service that was asked.
    pub(crate) target: Option<String>,
    /// Status and flags that the cause was concluded from.
    pub(crate) seen: Option<(String, String)>,
}

/// Targets of a job that do not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Silent {
    pub(crate) job: String,
    pub(crate) down: u64,
    pub(crate) of: u64,
}

/// All that Prometheus says.
#[derive(Debug)]
pub(crate) struct Survey {
    /// Of how long, in seconds.
    pub(crate) window: u64,
    /// Proxies that were scraped.
    pub(crate) proxies: u64,
    pub(crate) presences: Vec<Presence>,
    pub(crate) silent: Vec<Silent>,
    /// The most frequent first.
    pub(crate) ranked: Vec<Ranked>,
    /// Whether there may be more than was asked for.
    pub(crate) is_cut: bool,
}

impl Survey {
    /// Asks.
    pub(crate) fn of(server: &Server, window: u64) -> Result<Self, ServerFailure> {
        let one = |query: &str| Ok::<_, ServerFailure>(server.query(query)?.first().map_or(0, |sample| whole(sample.value)));
        let proxies = one(&format!("count(last_over_time(envoy_server_live[{window}s]))"))?;
        let mut survey = Self { window, proxies, presences: Vec::new(), silent: Vec::new(), ranked: Vec::new(), is_cut: false };
        for counter in Counter::ALL {
            let series = one(&format!("count(count_over_time({}[{window}s]))", counter.metric()))?;
            survey.presences.push(Presence { counter, series });
            if series == 0 {
                continue;
            }
            let samples = server.query(&ranking(counter, window))?;
            survey.is_cut |= samples.len() >= MOST;
            survey.ranked.extend(samples.iter().filter_map(|sample| ranked(counter, sample)));
        }
        survey.silent = silent(server)?;
        survey.ranked.sort_by(|one, other| other.count.total_cmp(&one.count));
        Ok(survey)
    }

    /// How many series of a counter there are.
    pub(crate) fn series(&self, counter: Counter) -> u64 {
        self.presences.iter().find(|presence| presence.counter == counter).map_or(0, |presence| presence.series)
    }

    /// Whether anything there counts requests, so that silence means something.
    pub(crate) fn counts_requests(&self) -> bool {
        self.series(Counter::Istio) > 0
    }
}

/// Increases, and for a counter that was not there before all it has: Envoy makes a counter when something first fails.
fn ranking(counter: Counter, window: u64) -> String {
    let each = |function: &str, range: &str| {
        let each = counter.failures().iter().map(|selector| format!("{function}({selector}{range})"));
        each.collect::<Vec<_>>().join(" or ")
    };
    let before = each("last_over_time", &format!("[{LATE}s] offset {window}s"));
    let grown = each("increase", &format!("[{window}s]"));
    let all = each("max_over_time", &format!("[{window}s]"));
    let labels = [&[counter.labels()], WORKLOAD.as_slice()].concat().join(", ");
    format!("topk({MOST}, sum by ({labels}) ((({grown}) and ({before})) or (({all}) unless ({before}))) >= 0.5)")
}

fn ranked(counter: Counter, sample: &Sample) -> Option<Ranked> {
    let label = |name: &str| sample.labels.get(name).map(String::as_str).filter(|value| !value.is_empty() && *value != "unknown");
    let either = |one, other| label(one).or_else(|| label(other));
    let side = match counter {
        Counter::Istio if label("reporter") == Some("destination") => Some(Side::Inbound),
        Counter::Istio => Some(Side::Outbound),
        _ => either("side", "component").and_then(Side::parse),
    };
    let seen = match counter {
        Counter::Native => Some((label("response_code")?, label("flags").unwrap_or("-"))),
        Counter::Istio => Some((label("response_code")?, label("response_flags").unwrap_or("-"))),
        Counter::Module | Counter::Refused => None,
    };
    let (cause, confidence) = match (counter, seen) {
        // The counter has causes of every confidence.
        (Counter::Module, _) => (either("cause", "tag").and_then(Cause::find)?, Confidence::Likely),
        (Counter::Refused, _) => (&config_rejected::CAUSE, Confidence::Certain),
        (_, Some((status, flags))) => (concluded(status, flags, label("grpc_response_status"), side)?, Confidence::Likely),
        (_, None) => return None,
    };
    let (namespace, workload) = match (counter, side) {
        (Counter::Istio, Some(Side::Inbound)) => (label("destination_workload_namespace"), label("destination_workload")),
        (Counter::Istio, _) => (label("source_workload_namespace"), label("source_workload")),
        _ => (label("namespace"), WORKLOAD.iter().find_map(|name| label(name))),
    };
    Some(Ranked {
        counter,
        cause,
        confidence,
        count: sample.value,
        side,
        namespace: namespace.map(str::to_owned),
        workload: workload.map(str::to_owned),
        target: label("destination_service").map(str::to_owned),
        seen: seen.map(|(status, flags)| (status.to_owned(), flags.to_owned())),
    })
}

/// What the catalogue concludes from a status and flags.
fn concluded(status: &str, flags: &str, grpc: Option<&str>, side: Option<Side>) -> Option<&'static Cause> {
    let facts = Decisive {
        status: status.parse().ok(),
        flags: ResponseFlags::parse(flags),
        grpc_status: grpc.and_then(|grpc| grpc.parse().ok()),
        side,
        ..Decisive::default()
    };
    judge(&facts).map(|verdict| verdict.cause)
}

/// Jobs that scrape proxies, or might, and reach some of them not at all.
fn silent(server: &Server) -> Result<Vec<Silent>, ServerFailure> {
    let down = server.query(&format!("topk({MOST}, sum by (job) (up == bool 0) > 0)"))?;
    let all = server.query(&format!("topk({MOST}, count by (job) (up))"))?;
    let job = |sample: &Sample| sample.labels.get("job").cloned().unwrap_or_default();
    let silent = |sample: &Sample| Silent {
        of: all.iter().find(|other| job(other) == job(sample)).map_or(0, |other| whole(other.value)),
        job: job(sample),
        down: whole(sample.value),
    };
    Ok(down.iter().map(silent).collect())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the answers of `number` are finite and not negative"
)]
pub(crate) fn whole(number: f64) -> u64 {
    number.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(labels: &[(&str, &str)]) -> Sample {
        Sample { labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(), value: 7.0 }
    }

    #[test]
    fn labels_of_istio_and_of_ours_name_the_same() {
        let [istio, ours] = [
            [("tag", "no-route"), ("component", "outbound"), ("namespace", "shop"), ("app", "cart")],
            [("cause", "no-route"), ("side", "outbound"), ("namespace", "shop"), ("workload", "cart")],
        ]
        .map(|labels| ranked(Counter::Module, &sample(&labels)).unwrap());
        assert_eq!(istio, ours);
        assert_eq!((ours.cause.code, ours.side, ours.workload.as_deref()), ("MW2001", Some(Side::Outbound), Some("cart")));
    }

    #[test]
    fn flags_are_judged_and_never_certain() {
        let failed = |status, flags| {
            ranked(
                Counter::Istio,
                &sample(&[("response_code", status), ("response_flags", flags), ("destination_service", "a.b")]),
            )
        };
        for (status, flags, slug) in [("503", "UH", "no-healthy-endpoints"), ("404", "NR", "no-route"), ("500", "-", "unknown")] {
            let ranked = failed(status, flags).unwrap();
            assert_eq!((ranked.cause.slug, ranked.confidence), (slug, Confidence::Likely), "{status} {flags}");
        }
        assert!(failed("", "UH").is_none());
    }

    #[test]
    fn queries_are_bounded_and_count_what_is_new() {
        for counter in Counter::ALL {
            let query = ranking(counter, 3600);
            assert!(query.starts_with("topk(50, sum by (") && query.contains("unless"), "{query}");
        }
    }
}
