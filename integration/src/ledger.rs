//! Envoy's own access log, which says what failed, against what meshwhy recorded.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::deployment::Deployment;
use crate::observation::{is_record, record_json};
use crate::tail::Tail;

/// One line of Envoy's access log, in the words of Istio's JSON format.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LedgerLine {
    /// The listener's path or the tunnel's; absent where no request was read.
    pub path: String,
    /// The status; 0 for none.
    pub status: u64,
    /// The response flags, separated by commas.
    pub flags: String,
    /// The details.
    pub details: String,
    /// Whether the response is gRPC's.
    pub is_grpc: bool,
    /// Its gRPC status, if that is a number.
    pub grpc_status: Option<u64>,
    /// The request's id.
    pub request_id: String,
}

/// What an Envoy has logged for some time, its access log with what is gRPC in it (see [`crate::hostile::setup`]).
#[derive(Clone, Debug)]
pub struct Ledger {
    /// Envoy's access log.
    pub lines: Vec<LedgerLine>,
    /// meshwhy's records of failures: of the module and of the native logger.
    pub records: Vec<Value>,
    /// The files as far as they were read: access logs, and logs with records.
    files: [Vec<Tail>; 2],
}

impl LedgerLine {
    fn parse(text: &str) -> Option<Self> {
        let line: Value = serde_json::from_str(text).ok()?;
        let word = |name: &str| line.get(name).and_then(Value::as_str).filter(|word| *word != "-").unwrap_or_default().to_owned();
        let number = |name: &str| {
            let value = line.get(name)?;
            value.as_u64().or_else(|| value.as_str()?.parse().ok())
        };
        let is_grpc = word("content_type").starts_with("application/grpc");
        Some(Self {
            path: word("path"),
            status: number("response_code").unwrap_or(0),
            flags: word("response_flags"),
            details: word("response_code_details"),
            is_grpc,
            grpc_status: number("grpc_status").filter(|_| is_grpc),
            request_id: word("request_id"),
        })
    }

    /// Whether this request failed. Not a failure: a finished upgrade, a delay that was injected, a stream that the caller cancelled.
    pub fn failed(&self) -> bool {
        let cancelled = self.details == "http2.remote_reset";
        match self.status {
            101 => false,
            0 => !cancelled,
            400.. => true,
            _ => !cancelled && (!["", "DI"].contains(&self.flags.as_str()) || self.grpc_status.is_some_and(|status| status != 0)),
        }
    }

    /// Whether Envoy's own filter lets this line through to a logger: besides failures a gRPC status that cannot be read.
    pub fn passes_filter(&self) -> bool {
        self.failed() || (self.is_grpc && self.grpc_status != Some(0))
    }
}

impl Ledger {
    /// Reads access logs, and logs that have records in them.
    pub fn read(mut files: [Vec<Tail>; 2]) -> Self {
        let [access, own] = files.each_mut().map(|files| files.iter_mut().flat_map(Tail::take_lines).collect::<Vec<_>>());
        let records = own.iter().filter(|line| is_record(line));
        let records = records.filter_map(|line| record_json(line)).filter(|record| record.get("meshwhy.event").is_none());
        Self { lines: access.iter().filter_map(|line| LedgerLine::parse(line)).collect(), records: records.collect(), files }
    }

    /// Reads what was logged after this.
    pub fn next(&self) -> Self {
        Self::read(self.files.clone())
    }

    /// How many requests failed.
    pub fn failures(&self) -> u64 {
        self.lines.iter().filter(|line| line.failed()).map(|_| 1).sum()
    }

    /// How many records a deployment owes: one for each failure, and the native logger one for each line that passes its filter; what of
    /// that is healthy the command line says in the end.
    pub fn owed(&self, deployment: Deployment) -> u64 {
        let recorded = |line: &&LedgerLine| match deployment {
            Deployment::Observe => line.failed(),
            Deployment::Native | Deployment::Annotate => line.passes_filter(),
        };
        self.lines.iter().filter(recorded).map(|_| 1).sum()
    }

    /// For how many failures the records stand.
    pub fn recorded(&self) -> u64 {
        self.records.iter().map(|record| record.get("count").and_then(Value::as_u64).unwrap_or(1)).sum()
    }

    /// How often each request's id is in the records.
    pub fn recorded_ids(&self) -> BTreeMap<&str, u64> {
        let mut ids = BTreeMap::new();
        let found = self.records.iter().filter_map(|record| record.get("envoy.request_id").and_then(Value::as_str));
        found.for_each(|id| *ids.entry(id).or_default() += 1);
        ids
    }

    /// Status, flags and details of every line, in an order that does not depend on time.
    pub fn outcomes(&self) -> Vec<String> {
        let mut outcomes: Vec<_> = self
            .lines
            .iter()
            .map(|line| format!("{} {} {} {:?}", line.status, line.flags, line.details, line.grpc_status))
            .collect();
        outcomes.sort();
        outcomes
    }
}
