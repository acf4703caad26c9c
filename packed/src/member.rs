//! What a file of an archive is, by its name.

use std::path::Path;

/// Endings of logs; those of rotated ones are numbers.
const LOGS: [&str; 8] = ["log", "txt", "out", "json", "jsonl", "ndjson", "gz", "zst"];
/// The events in the archive of `istioctl bug-report`.
const EVENTS: &str = "events";
/// Endings of manifests.
const MANIFESTS: [&str; 3] = ["yaml", "yml", "json"];
/// Names of files in the archive of `istioctl bug-report` that hold manifests, or dumps of proxies, without an ending: see
/// `tools/bug-report/pkg/content/content.go`, 1.29.
const BUG_REPORT: [&str; 5] = ["crs", "k8s-resources", "secrets", "config_dump", "config_dump?include_eds"];

/// Whether a file is a log: beside them a bug report holds manifests and dumps of proxies.
#[must_use]
pub fn is_log(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    let is_rotated = |ending: &str| ending.bytes().all(|byte| byte.is_ascii_digit());
    ending.is_some_and(|ending| LOGS.contains(&ending) || is_rotated(ending))
        || path.file_name().is_some_and(|name| name == EVENTS)
}

/// Whether a file is one of manifests, by its ending.
#[must_use]
pub fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|ending| MANIFESTS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// Whether a file is one of those that `istioctl bug-report` writes.
#[must_use]
pub fn is_of_bug_report(path: &Path) -> bool {
    path.file_name().is_some_and(|file| BUG_REPORT.iter().any(|wanted| file == *wanted))
}

/// Namespace, pod and endpoint of a file that holds what a proxy answered: `…/proxies/NAMESPACE/POD/ENDPOINT`.
///
/// # Source
/// Istio `tools/bug-report/pkg/archive/archive.go`, 1.29.
#[must_use]
pub fn proxy_answer(path: &Path) -> Option<(&str, &str, &str)> {
    let names: Vec<&str> = path.components().rev().filter_map(|part| part.as_os_str().to_str()).collect();
    let [file, pod, namespace, "proxies", ..] = names.as_slice() else { return None };
    Some((namespace, pod, file.split('?').next().unwrap_or_default()))
}
