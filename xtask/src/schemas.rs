//! The JSON Schemas of what programs read: the command line's JSON, from its types, and records, from the table of facts.

use meshwhy_core::facts::Fact;
use meshwhy_core::record::FORMAT;
use serde_json::{Map, Value, json};

/// Name and text of every schema.
pub fn all() -> impl Iterator<Item = (&'static str, String)> {
    meshwhy::schemas().into_iter().chain([("record", record())]).map(|(name, schema)| (name, format!("{schema:#}\n")))
}

fn record() -> Value {
    let fact = |fact: &Fact| {
        let mut schema =
            json!({"description": format!("`{}` in docs/facts.md", fact.name()), "type": [fact.json_type(), "null"]});
        if let (Some(kept), Some(schema)) = (fact.kept(), schema.as_object_mut()) {
            schema.insert("maxLength".to_owned(), kept.into());
        }
        Some((fact.record_attribute()?.to_owned(), schema))
    };
    let mut properties: Map<String, Value> = Fact::ALL.iter().filter_map(fact).collect();
    let number = |description: &str, minimum: u64| json!({"description": description, "type": "integer", "minimum": minimum});
    let text = |description: &str| json!({"description": description, "type": ["string", "null"]});
    properties.extend(
        [
            ("meshwhy.record", json!({"description": "Version of the format", "type": "string", "const": FORMAT})),
            ("meshwhy.code", text("Code of the cause; the module's records have one")),
            ("error.type", text("Slug of the cause")),
            ("meshwhy.confidence", text("How sure: certain or likely")),
            ("count", number("Failures that the record stands for; 1 where it is absent", 1)),
            ("suppressed", number("How many of them have no record of their own", 0)),
            ("meshwhy.proxy_status", text("The header of the response, in records of Envoy's own logger")),
            (
                "meshwhy.unreported",
                text("true in records of Envoy's own logger beside a module that does not report the failure"),
            ),
        ]
        .map(|(name, schema)| (name.to_owned(), schema)),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A record: what follows `meshwhy1 ` in Envoy's log, or a line of Envoy's own logger",
        "type": "object",
        "properties": properties,
        "required": ["meshwhy.record"],
    })
}
