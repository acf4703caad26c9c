//! The kinds of Istio and of the Gateway API, defined by the schemas that this project carries: an API server then refuses what those do.

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

/// What a structural schema may say. Source: Kubernetes "Extend the Kubernetes API with CustomResourceDefinitions", 1.34.
const KEPT: [&str; 10] =
    ["enum", "format", "maxItems", "maxLength", "maximum", "minItems", "minLength", "minimum", "pattern", "required"];

/// All definitions.
pub(super) fn all() -> Result<Vec<Value>> {
    let schemas = [include_str!("../../../check/schemas/istio.json"), include_str!("../../../check/schemas/gateway.json")];
    let mut definitions = Vec::new();
    for schemas in schemas {
        let schemas: Value = serde_json::from_str(schemas)?;
        for kind in items(&schemas, "/kinds") {
            definitions.push(definition(kind)?);
        }
    }
    Ok(definitions)
}

fn definition(kind: &Value) -> Result<Value> {
    let versions: Vec<&str> = items(kind, "/apiVersions").filter_map(Value::as_str).collect();
    let (group, stored) = versions.first().and_then(|version| version.split_once('/')).context("a kind without a version")?;
    let name = kind.get("kind").and_then(Value::as_str).context("a kind without a name")?;
    let singular = name.to_lowercase();
    let plural = plural(&singular);
    let scope = if name == "GatewayClass" { "Cluster" } else { "Namespaced" };
    let spec = structural(kind.pointer("/schema/properties/spec").unwrap_or(&Value::Null));
    let versions = versions.iter().filter_map(|version| version.split_once('/')).map(|(_, version)| {
        json!({
            "name": version, "served": true, "storage": version == stored,
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                "spec": spec, "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            }}},
        })
    });
    let annotations = match group {
        // Those of this group are approved, or the API server refuses them.
        "gateway.networking.k8s.io" => {
            json!({"api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/gateway-api/pull/2466"})
        }
        _ => json!({}),
    };
    Ok(json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}"), "annotations": annotations},
        "spec": {
            "group": group, "scope": scope, "versions": versions.collect::<Vec<_>>(),
            "names": {"kind": name, "listKind": format!("{name}List"), "plural": plural, "singular": singular},
        },
    }))
}

fn plural(singular: &str) -> String {
    match singular.strip_suffix('y') {
        Some(stem) if !singular.ends_with("ay") => format!("{stem}ies"),
        _ if singular.ends_with('s') => format!("{singular}es"),
        _ => format!("{singular}s"),
    }
}

fn items<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// The part of a JSON schema that every API server understands.
fn structural(schema: &Value) -> Value {
    let mut kept: Map<String, Value> =
        KEPT.iter().filter_map(|key| Some(((*key).to_owned(), schema.get(*key)?.clone()))).collect();
    // A number or a string, anything at all.
    let Some(kind) = schema.get("type").and_then(Value::as_str) else {
        return json!({"x-kubernetes-preserve-unknown-fields": true});
    };
    kept.insert("type".to_owned(), kind.into());
    match kind {
        "object" => {
            if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
                let properties: Map<String, Value> = properties.iter().map(|(name, it)| (name.clone(), structural(it))).collect();
                kept.insert("properties".to_owned(), properties.into());
            } else if let Some(values) = schema.get("additionalProperties").filter(|it| it.is_object()) {
                kept.insert("additionalProperties".to_owned(), structural(values));
            } else {
                kept.insert("x-kubernetes-preserve-unknown-fields".to_owned(), true.into());
            }
        }
        "array" => {
            kept.insert("items".to_owned(), structural(schema.get("items").unwrap_or(&Value::Null)));
        }
        _ => {
            // An API server's regular expressions do not look ahead; these were written for a validator that does.
            if schema.get("pattern").and_then(Value::as_str).is_some_and(|pattern| pattern.contains("(?")) {
                kept.remove("pattern");
            }
        }
    }
    kept.into()
}
