//! Two ways to lay one JSON tree over another.

use serde_json::Value;

/// Merges as protobuf (and so Istio) does: objects field by field, lists append, everything else is replaced.
pub fn merge(base: &mut Value, patch: &Value) {
    combine(base, patch, true);
}

/// Lays a scenario's wishes over a default: objects field by field, everything else, lists included, is replaced.
pub fn overlay(base: &mut Value, patch: &Value) {
    combine(base, patch, false);
}

fn combine(base: &mut Value, patch: &Value, append: bool) {
    match (base, patch) {
        (Value::Object(base), Value::Object(patch)) => {
            for (key, value) in patch {
                match base.get_mut(key) {
                    Some(present) => combine(present, value, append),
                    None => {
                        base.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (Value::Array(base), Value::Array(patch)) if append => base.extend(patch.iter().cloned()),
        (base, patch) => *base = patch.clone(),
    }
}

/// Calls `visit` for every value of the tree, parents first.
pub fn walk(value: &mut Value, visit: &mut dyn FnMut(&mut Value)) {
    visit(value);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, visit)),
        Value::Object(fields) => fields.values_mut().for_each(|field| walk(field, visit)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn merging_appends_lists_and_an_overlay_replaces_them() {
        let base = json!({"a": [1], "b": {"c": 1, "d": 2}});
        let patch = json!({"a": [2], "b": {"c": 3}});
        let mut merged = base.clone();
        merge(&mut merged, &patch);
        assert_eq!(merged, json!({"a": [1, 2], "b": {"c": 3, "d": 2}}));
        let mut laid = base;
        overlay(&mut laid, &patch);
        assert_eq!(laid, json!({"a": [2], "b": {"c": 3, "d": 2}}));
    }
}
