//! The mappers as Envoy evaluates them, against what the catalogue makes of the same replies.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use cel::{Context, Program, Value};
use meshwhy_core::causes::REGISTRY;
use meshwhy_core::{Cause, Decisive, Flag, ResponseFlags, Side, judge, record};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::{Annotation, Level, Visibility};

const SIDES: [Side; 3] = [Side::Inbound, Side::Outbound, Side::Gateway];

/// The causes that the cases get marked with: one that disappears has lost its mapper.
const MARKED: [(Side, &[&str]); 3] = [
    (
        Side::Inbound,
        &[
            "MW1001", "MW1002", "MW1003", "MW1004", "MW2001", "MW2003", "MW2004", "MW3001", "MW3002", "MW3004", "MW5001",
            "MW5003", "MW6001", "MW6002", "MW6004", "MW6006", "MW6009", "MW6011",
        ],
    ),
    (
        Side::Outbound,
        &[
            "MW1001", "MW1002", "MW1003", "MW1004", "MW2001", "MW2003", "MW2004", "MW3001", "MW3004", "MW5001", "MW5003",
            "MW6001", "MW6002", "MW6004", "MW6006", "MW6009", "MW6011",
        ],
    ),
    (
        Side::Gateway,
        &[
            "MW1001", "MW1002", "MW1003", "MW1004", "MW2001", "MW2002", "MW2003", "MW2004", "MW3001", "MW3004", "MW5001",
            "MW5003", "MW6001", "MW6002", "MW6004", "MW6006", "MW6009", "MW6011",
        ],
    ),
];

thread_local! {
    // Compiling takes most of the time, and there are a dozen expressions.
    static PROGRAMS: RefCell<BTreeMap<String, Program>> = RefCell::default();
}

/// A local reply as Envoy's filters and formatters see it.
struct Reply<'f> {
    facts: &'f Decisive<'f>,
    attributes: Context<'static, 'static>,
}

impl<'f> Reply<'f> {
    fn new(facts: &'f Decisive<'f>, mtls: bool) -> Self {
        let mut response = json!({"code": facts.status, "flags": facts.flags.unwrap_or_default().0});
        if let Some(details) = &facts.details {
            response["code_details"] = json!(details);
        }
        let mut xds = Map::new();
        // Where the facts do not say, a virtual host matched.
        let virtual_host = facts.virtual_host.as_deref().unwrap_or("any");
        for (name, value) in [("virtual_host_name", Some(virtual_host)), ("route_name", facts.route.as_deref())] {
            xds.extend(value.filter(|value| !value.is_empty()).map(|value| (name.to_owned(), json!(value))));
        }
        let mut attributes = Context::default();
        attributes.add_variable("response", response).unwrap();
        attributes.add_variable("xds", xds).unwrap();
        attributes.add_variable("connection", json!({"mtls": mtls})).unwrap();
        Self { facts, attributes }
    }

    /// `None` where an attribute is absent.
    fn evaluate(&self, expression: &str) -> Option<Value> {
        let compile = || Program::compile(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        PROGRAMS.with_borrow_mut(|programs| {
            programs.entry(expression.to_owned()).or_insert_with(compile).execute(&self.attributes).ok()
        })
    }

    fn passes(&self, filter: &Json) -> bool {
        let (kind, filter) = filter.as_object().unwrap().iter().next().unwrap();
        let flags = self.facts.flags.unwrap_or_default();
        match kind.as_str() {
            "and_filter" => filter["filters"].as_array().unwrap().iter().all(|filter| self.passes(filter)),
            "extension_filter" => {
                self.evaluate(filter["typed_config"]["expression"].as_str().unwrap()) == Some(Value::Bool(true))
            }
            "response_flag_filter" => match filter["flags"].as_array() {
                None => !flags.is_empty(),
                Some(names) => names.iter().any(|name| flags.contains(Flag::parse(name.as_str().unwrap()).unwrap())),
            },
            "status_code_filter" => {
                assert_eq!(filter["comparison"]["op"], "GE");
                u64::from(self.facts.status.unwrap_or_default())
                    >= filter["comparison"]["value"]["default_value"].as_u64().unwrap()
            }
            other => panic!("what does {other} do?"),
        }
    }

    fn expand(&self, mut format: &str) -> String {
        let mut expanded = String::new();
        while let Some((text, command)) = format.split_once('%') {
            expanded.push_str(text);
            let (command, rest) = match command.split_once(")%") {
                Some(found) if command.starts_with("CEL(") => found,
                _ => command.split_once('%').unwrap(),
            };
            format = rest;
            match command.split_once('(') {
                Some(("CEL", expression)) => {
                    if let Some(Value::String(text)) = self.evaluate(expression) {
                        expanded.push_str(&text);
                    }
                }
                Some(("ENVIRONMENT", _)) => expanded.push_str("name"),
                None if command == "RESPONSE_FLAGS" => expanded.push_str(&self.facts.flags.unwrap_or_default().to_string()),
                None if command == "RESPONSE_CODE_DETAILS" => expanded.push_str(self.facts.details.as_deref().unwrap_or("-")),
                _ => panic!("what does %{command}% give?"),
            }
        }
        expanded + format
    }

    /// The header that the first mapper that matches adds.
    fn header(&self, mappers: &[Json]) -> Option<String> {
        let mapper = mappers.iter().find(|mapper| self.passes(&mapper["filter"]))?;
        Some(self.expand(mapper["headers_to_add"][0]["header"]["value"].as_str().unwrap()))
    }
}

fn rendered(side: Side, visibility: Visibility, level: Level) -> Json {
    serde_saphyr::from_str(&Annotation { side, visibility, level }.local_reply_config()).unwrap()
}

fn mappers(side: Side) -> &'static [Json] {
    static ALL: LazyLock<[Json; 3]> = LazyLock::new(|| SIDES.map(|side| rendered(side, Visibility::Mesh, Level::Standard)));
    let at = SIDES.iter().position(|one| *one == side).unwrap();
    ALL[at]["local_reply_config"]["mappers"].as_array().unwrap()
}

/// The facts of every case that is a reply of Envoy's own.
fn local_replies() -> Vec<(&'static str, Decisive<'static>)> {
    let blocks = |cause: &'static Cause| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src/causes").join(cause.folder());
        let text = std::fs::read_to_string(folder.join("cases.md")).unwrap();
        let blocks = text.split("\n```json ").skip(1);
        let json = blocks.filter_map(|block| block.split_once('\n')?.1.split_once("\n```")).map(|(json, _)| json.to_owned());
        json.map(|json| (cause.slug, json)).collect::<Vec<_>>()
    };
    let read = |json: String| {
        let mut object: Map<String, Json> = serde_json::from_str(&json).unwrap();
        object.insert("meshwhy.record".to_owned(), "1".into());
        record::from_object(&object).unwrap().facts.decisive
    };
    let own = |facts: &Decisive<'_>| {
        let made_here = facts.relayed_from.is_none() && facts.annotated_code.is_none() && facts.event.is_none();
        made_here && facts.status.is_some_and(|status| status >= 400) && facts.parsed_details().is_some_and(|it| !it.is_success())
    };
    let cases = REGISTRY.iter().flat_map(|cause| blocks(cause)).map(|(slug, json)| (slug, read(json)));
    cases.filter(|(_, facts)| own(facts)).collect()
}

#[test]
fn a_member_names_the_cause_or_one_that_it_refines() {
    let mut wrong = Vec::new();
    for (side, expected) in MARKED {
        let mappers = mappers(side);
        let mut marked = BTreeSet::new();
        for (place, facts) in local_replies() {
            let judged = judge(&facts).unwrap().cause;
            // A case has the flags of the log; of some details Envoy sets them after the reply.
            for flags in [facts.flags, None] {
                let Some(header) = Reply::new(&Decisive { flags, ..facts.clone() }, true).header(mappers) else { continue };
                let Some((_, code)) = header.split_once("mw-cause=") else { continue };
                let cause = Cause::find(code.split(';').next().unwrap()).unwrap_or_else(|| panic!("{header}"));
                marked.insert(cause.code);
                if cause.code != judged.code && !judged.refines(cause) {
                    wrong.push(format!("{place}, {side:?}: {} is marked as {}: {facts:?}", judged.slug, cause.slug));
                }
            }
        }
        assert_eq!(marked.into_iter().collect::<Vec<_>>(), expected, "{side:?}");
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn strangers_are_told_nothing_on_the_inbound_side() {
    let mappers = mappers(Side::Inbound);
    for (place, facts) in local_replies() {
        assert_eq!(Reply::new(&facts, false).header(mappers), None, "{place}");
    }
}

proptest! {
    #[test]
    fn details_that_are_not_printable_never_reach_the_header(
        details in ".*|[ -~]*|rbac_access_denied_matched_policy\\[.*\\]",
        flags in 0_u64..1 << Flag::ALL.len(),
        status in 400_u16..600,
    ) {
        for side in SIDES {
            // The details beside these flags are constants of Envoy's.
            let constant = match side {
                Side::Inbound => 0,
                Side::Outbound | Side::Gateway => Flag::NR.mask() | Flag::UH.mask() | Flag::UF.mask(),
            };
            let flags = Some(ResponseFlags(flags & !constant));
            let facts = Decisive { status: Some(status), flags, details: Some(details.clone().into()), ..Decisive::default() };
            if let Some(header) = Reply::new(&facts, true).header(mappers(side)) {
                prop_assert!(header.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'\\'), "{}", header);
                prop_assert_eq!(header.matches('"').count() % 2, 0, "{}", header);
                prop_assert!(!details.contains('"') || !header.contains("details="), "{}", header);
            }
        }
    }
}

#[test]
fn told_to_everyone_strangers_learn_the_cause_on_the_inbound_side() {
    let shown = rendered(Side::Inbound, Visibility::Always, Level::Standard);
    let mappers = shown["local_reply_config"]["mappers"].as_array().unwrap();
    let (mut named, mut wrong) = (0, Vec::new());
    for (place, facts) in local_replies() {
        let judged = judge(&facts).unwrap().cause;
        let Some(header) = Reply::new(&facts, false).header(mappers) else { panic!("{place} is not marked") };
        let Some((_, code)) = header.split_once("mw-cause=") else { continue };
        let cause = Cause::find(code.split(';').next().unwrap()).unwrap();
        named += 1;
        if cause.code != judged.code && !judged.refines(cause) {
            wrong.push(format!("{place}: {} is marked as {}", judged.slug, cause.slug));
        }
    }
    assert!(named > 20, "{named}");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_minimal_member_has_name_error_and_side_alone() {
    for (side, visibility) in
        [(Side::Inbound, Visibility::Mesh), (Side::Inbound, Visibility::Always), (Side::Outbound, Visibility::Mesh)]
    {
        let config = rendered(side, visibility, Level::Minimal);
        let mappers = config["local_reply_config"]["mappers"].as_array().unwrap();
        let mut errors = 0;
        for (place, facts) in local_replies() {
            let Some(header) = Reply::new(&facts, true).header(mappers) else { panic!("{place} is not marked") };
            let parameters: Vec<&str> = header.split("; ").skip(1).map(|it| it.split_once('=').unwrap().0).collect();
            assert!(parameters == ["mw-side"] || parameters == ["error", "mw-side"], "{place}: {header}");
            if let Some((_, error)) = header.split_once("error=") {
                let judged = judge(&facts).unwrap().cause;
                let known = std::iter::successors(Some(judged), |cause| REGISTRY.iter().copied().find(|it| cause.refines(it)));
                let known: Vec<&str> = known.filter_map(|cause| cause.error).map(|error| error.as_str()).collect();
                assert!(known.contains(&error.split(';').next().unwrap()), "{place}: {header}: {known:?}");
                errors += 1;
            }
        }
        assert!(errors > 20, "{side:?}: {errors}");
    }
}
