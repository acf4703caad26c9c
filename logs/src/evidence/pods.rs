//! Tables of pods and jobs as `kubectl get` prints them.
//!
//! Source: Kubernetes `pkg/printers/internalversion/printers.go`, 1.14–1.34.

use meshwhy_core::event::Event;
use meshwhy_core::{Context, Facts};

use super::phrase::happened;

/// Whether a line is the header of such a table.
pub(crate) fn is_header(line: &str) -> bool {
    Table::of(line).is_some()
}

/// Whether a line may stand between two tables: nothing, a prompt, a row.
pub(crate) fn goes_on(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with(['$', '#']) || is_header(line) || line.split_whitespace().count() >= MIN_COLUMNS
}

/// Fewest columns of a row.
const MIN_COLUMNS: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    /// Where the columns `NAME`, `READY`, `STATUS` stand.
    Pods { name: usize, ready: usize, status: usize },
    /// Where the columns `NAME` and `COMPLETIONS` stand; before 1.15 the latter is two.
    Jobs { name: usize, completions: usize, is_old: bool },
}

impl Table {
    fn of(header: &str) -> Option<Self> {
        let at = |wanted: &str| header.split_whitespace().position(|name| name == wanted);
        let name = at("NAME")?;
        if let (Some(ready), Some(status), Some(_)) = (at("READY"), at("STATUS"), at("RESTARTS")) {
            return Some(Self::Pods { name, ready, status });
        }
        if let (Some(completions), Some(_)) = (at("DESIRED"), at("SUCCESSFUL")) {
            return Some(Self::Jobs { name, completions, is_old: true });
        }
        at("COMPLETIONS").map(|completions| Self::Jobs { name, completions, is_old: false })
    }
}

/// Reads tables one below the other: a Job that does not end beside a pod of it of which one container runs on, or a pod of which one
/// container has ended and another has not.
pub(crate) fn read(text: &str) -> Option<Facts<'_>> {
    let mut jobs: Vec<&str> = Vec::new();
    let mut table = None;
    let mut found = None;
    for line in text.lines().map(str::trim) {
        if let Some(header) = Table::of(line) {
            table = Some(header);
            continue;
        }
        let cell = |at: usize| line.split_whitespace().nth(at);
        match table {
            Some(Table::Jobs { name, completions, is_old }) => {
                let done = if is_old {
                    cell(completions).zip(cell(completions + 1))
                } else {
                    cell(completions).and_then(|cell| cell.split_once('/')).map(|(done, wanted)| (wanted, done))
                };
                jobs.extend(cell(name).filter(|_| done.is_some_and(|(wanted, done)| is_less(done, wanted))));
            }
            Some(Table::Pods { name, ready, status }) => {
                let (Some(pod), Some(ready), Some(status)) = (cell(name), cell(ready), cell(status)) else { continue };
                let of_job = || jobs.iter().any(|job| pod.strip_prefix(job).is_some_and(|rest| rest.starts_with('-')));
                let is_part = ready.split_once('/').is_some_and(|(some, all)| some != "0" && is_less(some, all));
                let event = match status {
                    "NotReady" | "Completed" if is_part => Event::JobHeldBySidecar,
                    "Running" if is_part && of_job() => Event::JobHeldBySidecar,
                    "Running" if is_part => Event::ProbeKeepsFailing,
                    _ => continue,
                };
                found = found.or(Some((pod, event)));
            }
            None => {}
        }
    }
    found.map(|(pod, event)| Facts { context: Context { pod: Some(pod.into()), ..Context::default() }, ..happened(event) })
}

fn is_less(one: &str, other: &str) -> bool {
    one.parse::<u32>().ok().zip(other.parse::<u32>().ok()).is_some_and(|(one, other)| one < other)
}
