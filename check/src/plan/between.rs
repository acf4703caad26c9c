//! Versions of a resource between OLD and NEW: what both need is in them. Written by edits, so comments and order stay.

use serde_json::Value as Json;

use super::object::{only, text};
use crate::document::{Node, Place, parse};
use crate::edit::{Edit, apply};
use crate::model::ResourceKind;

/// A list of a kind, and what tells its elements apart; an element that is equal in all of these is the same.
struct Union {
    path: &'static [&'static str],
    keys: &'static [&'static str],
    /// A key whose value no two elements may share.
    unique: Option<&'static str>,
}

const fn union(path: &'static [&'static str], keys: &'static [&'static str], unique: Option<&'static str>) -> Union {
    Union { path, keys, unique }
}

/// The lists that can hold what is old and what is new at once.
const fn unions(kind: ResourceKind) -> &'static [Union] {
    match kind {
        ResourceKind::DestinationRule => &[const { union(&["spec", "subsets"], &["name"], None) }],
        ResourceKind::Service => &[const { union(&["spec", "ports"], &["port", "protocol"], Some("name")) }],
        ResourceKind::Gateway => &[const { union(&["spec", "servers"], &[], None) }],
        ResourceKind::ServiceEntry => {
            &[const { union(&["spec", "hosts"], &[], None) }, const { union(&["spec", "ports"], &["number"], Some("name")) }]
        }
        ResourceKind::RequestAuthentication => &[const { union(&["spec", "jwtRules"], &["issuer"], None) }],
        ResourceKind::AuthorizationPolicy => &[const { union(&["spec", "rules"], &[], None) }],
        ResourceKind::VirtualService => &[const { union(&["spec", "hosts"], &[], None) }],
        _ => &[],
    }
}

/// Versions to go through, in this order; `None` for OLD or NEW where the resource is not there.
pub(super) fn between(kind: ResourceKind, old: Option<Node<'_>>, new: Option<Node<'_>>) -> Vec<String> {
    if kind == ResourceKind::PeerAuthentication {
        return [old, new].into_iter().flatten().filter_map(permissive).collect();
    }
    let (Some(old), Some(new)) = (old, new) else { return Vec::new() };
    // Both have OLD's and NEW's parts; what cannot be in twice is OLD's first, then NEW's.
    [(old, new), (new, old)].into_iter().filter_map(|(base, other)| united(kind, base, other)).collect()
}

/// A version with the elements of another; `None` where that says nothing new or cannot be.
fn united(kind: ResourceKind, base: Node<'_>, other: Node<'_>) -> Option<String> {
    let fields: &[&str] = &["action", "selector", "host", "location", "resolution"];
    let same = |field: &&str| base.at(&["spec", field]).map(Node::to_json) == other.at(&["spec", field]).map(Node::to_json);
    if kind == ResourceKind::AuthorizationPolicy && !fields.iter().take(2).all(same)
        || kind == ResourceKind::DestinationRule && !same(&"host")
    {
        return None;
    }
    let mut written = text(base);
    let before = written.clone();
    for union in unions(kind) {
        let parsed = parse(0, &written);
        let root = only(&parsed)?;
        let edits = additions(union, root, other)?;
        let next = apply(&written, &edits);
        drop(parsed);
        written = next;
    }
    let is_readable = only(&parse(0, &written)).is_some();
    (is_readable && written != before).then_some(written)
}

fn additions(union: &Union, root: Node<'_>, other: Node<'_>) -> Option<Vec<Edit>> {
    let key = |item: &Json| -> Vec<Json> {
        if union.keys.is_empty() { vec![item.clone()] } else { union.keys.iter().map(|key| field(item, key)).collect() }
    };
    let items =
        |node: Node<'_>| -> Vec<Json> { node.at(union.path).into_iter().flat_map(Node::items).map(Node::to_json).collect() };
    let known = items(root);
    let keys: Vec<Vec<Json>> = known.iter().map(key).collect();
    let missing: Vec<Json> = items(other).into_iter().filter(|item| !keys.contains(&key(item))).collect();
    if let Some(unique) = union.unique {
        let values: Vec<Json> = known.iter().map(|item| field(item, unique)).collect();
        if missing.iter().any(|item| values.contains(&field(item, unique))) {
            return None;
        }
    }
    if missing.is_empty() {
        return Some(Vec::new());
    }
    match root.at(union.path) {
        Some(list) if list.items().len() > 0 => Some(vec![append(list, &missing)]),
        Some(list) => Some(vec![Edit::replace(list, Json::Array(missing).to_string())]),
        None => {
            let (last, before) = union.path.split_last()?;
            Some(vec![Edit::add_entry(root.at(before)?, last, &Json::Array(missing).to_string())])
        }
    }
}

/// A field of an element; `TCP` is a port's protocol where none is written.
fn field(item: &Json, key: &str) -> Json {
    match item.get(key) {
        None if key == "protocol" => Json::from("TCP"),
        found => found.cloned().unwrap_or_default(),
    }
}

/// Adds elements at the end of a list that has some.
fn append(list: Node<'_>, items: &[Json]) -> Edit {
    let text = list.document().text();
    let last = list.items().next_back().map_or_else(|| list.place(), Node::place);
    let is_flow = text.get(list.place().start as usize..).is_some_and(|rest| rest.starts_with('['));
    let at = Place { start: last.end, ..last };
    let joined = |before: &str| items.iter().map(|item| format!("{before}{item}")).collect::<String>();
    if is_flow {
        return Edit { place: at, text: joined(", ") };
    }
    let before = text.get(..last.start as usize).unwrap_or_default();
    let dash = before.rfind('-').unwrap_or(0);
    let column = dash - before.get(..dash).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    Edit { place: at, text: joined(&format!("\n{}- ", " ".repeat(column))) }
}

/// A PeerAuthentication that takes both, in place of each mode that it has.
fn permissive(root: Node<'_>) -> Option<String> {
    let written = text(root);
    let parsed = parse(0, &written);
    let root = only(&parsed)?;
    let spec = root.get("spec")?;
    let of_ports = spec.get("portLevelMtls").into_iter().flat_map(Node::entries).map(|(_, settings)| settings);
    let modes = spec.get("mtls").into_iter().chain(of_ports).filter_map(|settings| settings.get("mode"));
    let modes: Vec<Node<'_>> = modes.filter(|mode| matches!(mode.text(), Some("STRICT" | "DISABLE"))).collect();
    let edits: Vec<Edit> = modes.into_iter().map(|mode| Edit::replace(mode, "PERMISSIVE")).collect();
    (!edits.is_empty()).then(|| apply(&written, &edits))
}
