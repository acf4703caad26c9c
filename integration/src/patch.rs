//! What istiod makes of one entry of an EnvoyFilter's `configPatches` on one listener.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::merge::merge;

const CONNECTION_MANAGER: &str = "envoy.filters.network.http_connection_manager";

/// Applies a patch to the places of a listener that it selects and returns their number.
///
/// Filters are selected by name, as istiod does; virtual hosts and routes are taken whatever the patch calls them, since their names are
/// those of a mesh.
///
/// # Errors
/// The patch is of a form that the harness does not know: it must not pass for tested.
pub fn apply(patch: &Value, listener: &mut Value) -> Result<usize> {
    let target = text(patch, "/applyTo");
    let operation = text(patch, "/patch/operation");
    let value = patch.pointer("/patch/value");
    match (target, operation) {
        ("LISTENER", "MERGE") => merge_all([listener], value),
        ("FILTER_CHAIN", "MERGE") => merge_all(filter_chains(listener), value),
        ("ROUTE_CONFIGURATION", "MERGE") => merge_all(route_configurations(listener), value),
        ("VIRTUAL_HOST", "MERGE") => merge_all(virtual_hosts(listener), value),
        ("HTTP_ROUTE", "MERGE") => merge_all(virtual_hosts(listener).flat_map(|host| entries(host, "/routes")), value),
        ("LISTENER_FILTER", _) => edit_lists([listener].into_iter().filter_map(|one| list(one, "listener_filters")), patch, ""),
        ("NETWORK_FILTER", _) => {
            let name = text(patch, "/match/listener/filterChain/filter/name");
            edit_lists(filter_chains(listener).filter_map(|chain| list(chain, "filters")), patch, name)
        }
        ("HTTP_FILTER", _) => {
            let name = text(patch, "/match/listener/filterChain/filter/subFilter/name");
            let managers = connection_managers(listener).filter_map(|filter| filter.get_mut("typed_config"));
            edit_lists(managers.filter_map(|config| list(config, "http_filters")), patch, name)
        }
        ("VIRTUAL_HOST", "ADD") => {
            edit_lists(route_configurations(listener).filter_map(|config| list(config, "virtual_hosts")), patch, "")
        }
        ("HTTP_ROUTE", _) => edit_lists(virtual_hosts(listener).filter_map(|host| list(host, "routes")), patch, ""),
        (target, operation) => bail!("a patch {operation} of {target}, which the harness does not know"),
    }
}

fn merge_all<'a>(places: impl IntoIterator<Item = &'a mut Value>, value: Option<&Value>) -> Result<usize> {
    let value = value.context("a patch without a value")?;
    Ok(places.into_iter().map(|place| merge(place, value)).count())
}

/// Does in each list what the operation says, at the entry of this name where one is given.
fn edit_lists<'a>(lists: impl Iterator<Item = &'a mut Vec<Value>>, patch: &Value, name: &str) -> Result<usize> {
    let operation = text(patch, "/patch/operation");
    let value = patch.pointer("/patch/value");
    ensure!(value.is_some() || operation == "REMOVE", "a patch without a value");
    let value = value.unwrap_or(&Value::Null);
    let mut places = 0;
    for list in lists {
        let found = if name.is_empty() { None } else { Some(list.iter().position(|entry| text(entry, "/name") == name)) };
        let position = match (operation, found) {
            ("ADD", _) => list.len(),
            (_, Some(None)) => continue,
            ("INSERT_FIRST" | "INSERT_BEFORE", None) | ("INSERT_FIRST", _) => 0,
            ("INSERT_AFTER", None) => list.len(),
            ("INSERT_BEFORE", Some(Some(position))) => position,
            ("INSERT_AFTER", Some(Some(position))) => position.saturating_add(1),
            ("MERGE" | "REPLACE" | "REMOVE", Some(Some(position))) => {
                change(list, position, operation, value);
                places += 1;
                continue;
            }
            ("MERGE" | "REPLACE" | "REMOVE", None) => bail!("a patch {operation} that names no filter"),
            _ => bail!("a patch {operation}, which the harness does not know"),
        };
        list.insert(position, value.clone());
        places += 1;
    }
    Ok(places)
}

fn change(list: &mut Vec<Value>, position: usize, operation: &str, value: &Value) {
    match (operation, list.get_mut(position)) {
        ("REMOVE", Some(_)) => drop(list.remove(position)),
        ("REPLACE", Some(entry)) => *entry = value.clone(),
        (_, Some(entry)) => merge(entry, value),
        (_, None) => {}
    }
}

fn filter_chains(listener: &mut Value) -> impl Iterator<Item = &mut Value> {
    entries(listener, "/filter_chains")
}

fn connection_managers(listener: &mut Value) -> impl Iterator<Item = &mut Value> {
    let filters = filter_chains(listener).flat_map(|chain| entries(chain, "/filters"));
    filters.filter(|filter| text(filter, "/name") == CONNECTION_MANAGER)
}

fn route_configurations(listener: &mut Value) -> impl Iterator<Item = &mut Value> {
    connection_managers(listener).filter_map(|filter| filter.pointer_mut("/typed_config/route_config"))
}

fn virtual_hosts(listener: &mut Value) -> impl Iterator<Item = &mut Value> {
    route_configurations(listener).flat_map(|config| entries(config, "/virtual_hosts"))
}

fn entries<'a>(value: &'a mut Value, pointer: &str) -> impl Iterator<Item = &'a mut Value> + use<'a> {
    value.pointer_mut(pointer).and_then(Value::as_array_mut).into_iter().flatten()
}

/// A list of an object, made where it is missing.
fn list<'a>(value: &'a mut Value, name: &str) -> Option<&'a mut Vec<Value>> {
    value.as_object_mut()?.entry(name).or_insert_with(|| Value::Array(Vec::new())).as_array_mut()
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listener() -> Value {
        json!({"filter_chains": [{"filters": [{"name": CONNECTION_MANAGER, "typed_config": {
            "http_filters": [{"name": "a"}, {"name": "router"}],
            "route_config": {"virtual_hosts": [{"name": "shop", "routes": [{"name": "default"}]}]},
        }}]}]})
    }

    fn http_filters(operation: &str, name: &str) -> (usize, Vec<String>) {
        let mut listener = listener();
        let patch = json!({
            "applyTo": "HTTP_FILTER",
            "match": {"listener": {"filterChain": {"filter": {"subFilter": {"name": name}}}}},
            "patch": {"operation": operation, "value": {"name": "new"}},
        });
        let places = apply(&patch, &mut listener).unwrap();
        let filters = listener.pointer("/filter_chains/0/filters/0/typed_config/http_filters").and_then(Value::as_array).unwrap();
        (places, filters.iter().map(|filter| text(filter, "/name").to_owned()).collect())
    }

    #[test]
    fn filters_are_inserted_changed_and_removed_by_name() {
        for (operation, name, expected) in [
            ("ADD", "", vec!["a", "router", "new"]),
            ("INSERT_FIRST", "", vec!["new", "a", "router"]),
            ("INSERT_BEFORE", "router", vec!["a", "new", "router"]),
            ("INSERT_AFTER", "a", vec!["a", "new", "router"]),
            ("MERGE", "a", vec!["new", "router"]),
            ("REPLACE", "a", vec!["new", "router"]),
            ("REMOVE", "a", vec!["router"]),
        ] {
            let (places, filters) = http_filters(operation, name);
            assert_eq!((places, filters.iter().map(String::as_str).collect::<Vec<_>>()), (1, expected), "{operation}");
        }
        assert_eq!(http_filters("INSERT_BEFORE", "nowhere").0, 0);
    }

    #[test]
    fn routes_and_virtual_hosts_are_reached() {
        for (target, pointer) in [("VIRTUAL_HOST", "/virtual_hosts/0/x"), ("HTTP_ROUTE", "/virtual_hosts/0/routes/0/x")] {
            let mut listener = listener();
            let patch = json!({"applyTo": target, "patch": {"operation": "MERGE", "value": {"x": 1}}});
            assert_eq!(apply(&patch, &mut listener).unwrap(), 1);
            let config = listener.pointer("/filter_chains/0/filters/0/typed_config/route_config").unwrap();
            assert_eq!(config.pointer(pointer), Some(&json!(1)));
        }
    }
}
