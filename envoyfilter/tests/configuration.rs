//! What the manifests configure the module with is what its schema, `docs/schemas/configuration.json`, allows.

use meshwhy_envoyfilter::{NO_MODULE, manifests};
use serde_json::Value;

#[test]
fn every_manifest_configures_what_the_schema_allows() {
    let schema: Value = serde_json::from_str(include_str!("../../docs/schemas/configuration.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let mut configurations = 0;
    for manifest in manifests(NO_MODULE) {
        let values = manifest.text.lines().filter_map(|line| line.trim().strip_prefix("value: '{")?.strip_suffix("}'"));
        for value in values {
            let configuration: Value = serde_json::from_str(&format!("{{{value}}}")).unwrap();
            let wrong: Vec<String> = schema.iter_errors(&configuration).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{}: {configuration}: {wrong:?}", manifest.path);
            configurations += 1;
        }
    }
    assert!(configurations >= 6, "only {configurations} configurations were found");
}

#[test]
fn the_schema_refuses_what_the_module_refuses() {
    let schema: Value = serde_json::from_str(include_str!("../../docs/schemas/configuration.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for wrong in [
        serde_json::json!({"level": "most"}),
        serde_json::json!({"interval_ms": 5}),
        serde_json::json!({"records_per_interval": 1001}),
        serde_json::json!({"trace_check": {"sample_per_10k": -1}}),
        serde_json::json!({"name": ""}),
        serde_json::json!({"side": "both"}),
        serde_json::json!([]),
    ] {
        assert!(!schema.is_valid(&wrong), "{wrong}");
        assert_eq!(meshwhy_filter::config::parse(wrong.to_string().as_bytes()).config, None, "{wrong}");
    }
}
