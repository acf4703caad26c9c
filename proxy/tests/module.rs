//! Whether meshwhy's module runs, judged by what Envoy counts.

#![expect(clippy::unwrap_used, reason = "a broken dump must fail loudly")]

use jiff::Timestamp;
use meshwhy_core::Lang;
use meshwhy_proxy::doctor::{Area, ModuleLog, examine, of_log};
use meshwhy_proxy::matching::Truth;
use meshwhy_proxy::{AdminData, ConfigDump};

const SERVER: &str = include_str!("data/server-sidecar-inbound.json");
const OURS: &str = r#"{"name":"meshwhy","typed_config":{"@type":"type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm","config":{
    "name":"meshwhy","vm_config":{"code":{"remote":{"sha256":"ab12ab12ab12ab12"}}}}}},"#;
const OTHER: &str =
    r#"{"name":"coraza","typed_config":{"@type":"type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"}},"#;

/// How the last line about the module is judged, and how it begins.
fn judged(filters: &str, stats: &str) -> (Truth, String) {
    let dump = SERVER.replace("\"http_filters\": [", &format!("\"http_filters\": [{filters}"));
    let dump = ConfigDump::read(dump.as_bytes());
    let data = AdminData { stats: Some(stats.as_bytes()), ..AdminData::default() };
    let report = examine(&dump, &data, None, "2026-11-22T00:00:00Z".parse::<Timestamp>().unwrap(), Lang::En);
    let line = report.examined.iter().rfind(|one| one.area == Area::Module).unwrap();
    (line.good, line.what.clone())
}

fn stats(active: u64, fetched: u64, failed: u64) -> String {
    format!(
        "wasm.envoy.wasm.runtime.v8.active: {active}\nwasm.remote_load_cache_hits: 0\nwasm.remote_load_fetch_failures: {failed}\n\
         wasm.remote_load_fetch_successes: {fetched}\n"
    )
}

#[test]
fn a_module_of_somebody_else_does_not_stand_for_this_one() {
    let both = format!("{OURS}{OTHER}");
    let (good, what) = judged(&both, &stats(3, 1, 0));
    assert_eq!((good, what.ends_with("there is coraza, too")), (Truth::Unknown, true), "{what}");
    // Its VM runs, and nothing was ever fetched.
    assert_eq!(judged(&both, &stats(3, 0, 2)).0, Truth::No);
    assert_eq!(judged(&both, &stats(3, 1, 2)).0, Truth::Unknown);
    assert_eq!(judged(OURS, &stats(3, 1, 0)).0, Truth::Yes);
    assert_eq!(judged(OURS, &stats(0, 0, 0)).0, Truth::No);
    assert_eq!(judged(OURS, "server.live: 1\n").0, Truth::Unknown);
    let counted = format!("{}wasmcustom.meshwhy_records_suppressed_total: 4\n", stats(3, 1, 0));
    assert_eq!(judged(&both, &counted).0, Truth::Yes);
}

#[test]
fn a_module_that_is_silent_while_requests_fail_is_noticed() {
    let with = SERVER.replace("\"http_filters\": [", &format!("\"http_filters\": [{OURS}"));
    let judged = |dump: &str, log| {
        let lines = of_log(&ConfigDump::read(dump.as_bytes()), log, Lang::En);
        lines.iter().map(|line| line.good).collect::<Vec<_>>()
    };
    let silent = ModuleLog { failures: 2, ..ModuleLog::default() };
    assert_eq!(judged(&with, silent), [Truth::Unknown]);
    assert_eq!(judged(SERVER, silent), []);
    assert_eq!(judged(&with, ModuleLog { records: 1, ..silent }), [Truth::Yes]);
    assert_eq!(judged(&with, ModuleLog { traps: 1, load_failures: 1, ..ModuleLog::default() }), [Truth::Unknown, Truth::No]);
}
