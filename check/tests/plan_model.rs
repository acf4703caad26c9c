//! Random meshes, planned from one to another and applied step by step in a model that knows only what is applied.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a broken test must fail loudly")]

use std::collections::{BTreeMap, BTreeSet};

use meshwhy_check::document::{Node, parse};
use meshwhy_check::mesh::{Mesh, Settings};
use meshwhy_check::plan::{Action, Plan};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

const API: [(&str, &str); 8] = [
    ("Service", "v1"),
    ("Secret", "v1"),
    ("DestinationRule", "networking.istio.io/v1"),
    ("VirtualService", "networking.istio.io/v1"),
    ("Gateway", "networking.istio.io/v1"),
    ("PeerAuthentication", "security.istio.io/v1"),
    ("RequestAuthentication", "security.istio.io/v1"),
    ("AuthorizationPolicy", "security.istio.io/v1"),
];
const APPS: [&str; 2] = ["a", "b"];
const SUBSETS: [&str; 3] = ["v1", "v2", "v3"];
const TLS: [&str; 4] = ["", "DISABLE", "ISTIO_MUTUAL", "SIMPLE"];
const MODES: [&str; 4] = ["UNSET", "DISABLE", "PERMISSIVE", "STRICT"];

/// What is applied: texts by kind and name.
type Applied = BTreeMap<String, String>;

fn manifest(kind: &str, name: &str, namespace: &str, spec: &str) -> (String, String) {
    let api = API.iter().find(|(known, _)| *known == kind).unwrap().1;
    let text = format!("apiVersion: {api}\nkind: {kind}\nmetadata:\n  name: {name}\n  namespace: {namespace}\n{spec}");
    (format!("{kind}/{namespace}/{name}"), text)
}

fn service(app: &'static str) -> impl Strategy<Value = (String, String)> {
    subsequence(vec![80, 81, 82], 1..3).prop_map(move |ports| {
        let ports: String = ports.iter().map(|port| format!("  - {{name: http-{port}, port: {port}}}\n")).collect();
        manifest("Service", app, "shop", &format!("spec:\n  selector: {{app: {app}}}\n  ports:\n{ports}"))
    })
}

fn rule(name: &'static str, app: &'static str) -> impl Strategy<Value = (String, String)> {
    let host = prop_oneof![9 => Just(app), 1 => select(&APPS[..])];
    (host, subsequence(SUBSETS.to_vec(), 0..3), select(&TLS[..]), any::<bool>()).prop_map(move |(host, subsets, tls, is_flow)| {
        let item = |subset: &&str| format!("{{name: {subset}, labels: {{version: {subset}}}}}");
        let items: Vec<String> = subsets.iter().map(item).collect();
        let list = match (items.is_empty(), is_flow) {
            (true, _) => String::new(),
            (_, true) => format!("  subsets: [{}]\n", items.join(", ")),
            (_, false) => format!("  subsets:\n{}", items.iter().map(|item| format!("  - {item}\n")).collect::<String>()),
        };
        let tls = if tls.is_empty() { String::new() } else { format!("  trafficPolicy: {{tls: {{mode: {tls}}}}}\n") };
        manifest("DestinationRule", name, "shop", &format!("spec:\n  host: {host}\n{tls}{list}"))
    })
}

fn route(name: &'static str) -> impl Strategy<Value = (String, String)> {
    let subset = prop_oneof![Just(""), select(&SUBSETS[..])];
    let destination = (select(&APPS[..]), subset, select(vec![80, 81, 82]));
    (proptest::collection::vec(destination, 1..3), select(vec!["mesh", "g", "h"])).prop_map(move |(to, gateway)| {
        let routes: String = to
            .iter()
            .map(|(host, subset, port)| {
                let subset = if subset.is_empty() { String::new() } else { format!(", subset: {subset}") };
                format!("  - route: [{{destination: {{host: {host}{subset}, port: {{number: {port}}}}}}}]\n")
            })
            .collect();
        let spec = format!("spec:\n  hosts: [{name}.example.com]\n  gateways: [{gateway}]\n  http:\n{routes}");
        manifest("VirtualService", name, "shop", &spec)
    })
}

fn gateway(name: &'static str) -> impl Strategy<Value = (String, String)> {
    select(vec!["one", "two"]).prop_map(move |secret| {
        let server = format!("  - port: {{number: 443, name: {name}, protocol: HTTPS}}\n    hosts: [{name}.example.com]\n    tls: {{mode: SIMPLE, credentialName: {secret}}}\n");
        manifest("Gateway", name, "shop", &format!("spec:\n  selector: {{istio: {name}}}\n  servers:\n{server}"))
    })
}

fn peers(name: &'static str, namespace: &'static str) -> impl Strategy<Value = (String, String)> {
    (select(&MODES[..]), prop_oneof![Just(""), select(&APPS[..])]).prop_map(move |(mode, app)| {
        let selector = if app.is_empty() { String::new() } else { format!("  selector: {{matchLabels: {{app: {app}}}}}\n") };
        manifest("PeerAuthentication", name, namespace, &format!("spec:\n{selector}  mtls:\n    mode: {mode}\n"))
    })
}

fn policy(name: &'static str) -> impl Strategy<Value = (String, String)> {
    (subsequence(vec!["/1", "/2", "/3"], 1..3), any::<bool>()).prop_map(move |(paths, asks)| {
        let from = if asks { "\n    from: [{source: {requestPrincipals: [\"iss/*\"]}}]" } else { "" };
        let rules: String = paths.iter().map(|path| format!("  - to: [{{operation: {{paths: [{path}]}}}}]{from}\n")).collect();
        manifest("AuthorizationPolicy", name, "shop", &format!("spec:\n  rules:\n{rules}"))
    })
}

fn maybe<S: Strategy<Value = (String, String)>>(strategy: S) -> impl Strategy<Value = Vec<(String, String)>> {
    proptest::option::weighted(0.8, strategy).prop_map(|found| found.into_iter().collect())
}

fn mesh() -> impl Strategy<Value = Applied> {
    let secret = |name| Just(manifest("Secret", name, "shop", "data: {}\n"));
    let tokens = Just(manifest("RequestAuthentication", "t", "shop", "spec:\n  jwtRules: [{issuer: iss}]\n"));
    let first = (
        maybe(service("a")),
        maybe(service("b")),
        maybe(rule("r", "a")),
        maybe(rule("s", "b")),
        maybe(rule("t", "a")),
        maybe(route("x")),
        maybe(route("y")),
    );
    let second = (maybe(gateway("g")), maybe(gateway("h")), maybe(secret("one")), maybe(secret("two")), maybe(tokens));
    let third = (
        maybe(peers("p", "shop")),
        maybe(peers("q", "shop")),
        maybe(peers("default", "istio-system")),
        maybe(policy("m")),
        maybe(policy("n")),
    );
    (first, second, third).prop_map(|(one, two, three)| {
        let one = [one.0, one.1, one.2, one.3, one.4, one.5, one.6].concat();
        let two = [two.0, two.1, two.2, two.3, two.4].concat();
        let three = [three.0, three.1, three.2, three.3, three.4].concat();
        [one, two, three].concat().into_iter().collect()
    })
}

fn value(node: Node<'_>) -> serde_json::Value {
    match node.value() {
        meshwhy_check::document::Value::Sequence => node.items().map(value).collect(),
        meshwhy_check::document::Value::Mapping => {
            node.entries().map(|(key, item)| (key.text().unwrap().to_owned(), value(item))).collect()
        }
        meshwhy_check::document::Value::Integer(number) => number.into(),
        _ => node.text().unwrap_or_default().into(),
    }
}

/// What the texts hold.
type Values = BTreeMap<String, serde_json::Value>;

fn read(text: &str) -> serde_json::Value {
    value(parse(0, text).documents[0].root())
}

fn values(applied: &Applied) -> Values {
    applied.iter().map(|(name, text)| (name.clone(), read(text))).collect()
}

fn list<'v>(value: &'v serde_json::Value, path: &str) -> Vec<&'v serde_json::Value> {
    value.pointer(path).and_then(serde_json::Value::as_array).into_iter().flatten().collect()
}

fn string<'v>(value: &'v serde_json::Value, path: &str) -> &'v str {
    value.pointer(path).and_then(serde_json::Value::as_str).unwrap_or_default()
}

/// References to what is not there.
fn dangling(values: &Values) -> BTreeSet<String> {
    let of = |kind: &str| {
        let kind = format!("{kind}/");
        values.iter().filter(move |(name, _)| name.starts_with(&kind)).collect::<Vec<_>>()
    };
    let has_port = |host: &str, port: i64| {
        values
            .get(format!("Service/shop/{host}").as_str())
            .is_some_and(|service| list(service, "/spec/ports").iter().any(|own| own["port"] == port))
    };
    let has_subset = |host: &str, subset: &str| {
        of("DestinationRule").iter().any(|(_, rule)| {
            string(rule, "/spec/host") == host && list(rule, "/spec/subsets").iter().any(|own| own["name"] == subset)
        })
    };
    let mut found = BTreeSet::new();
    let mut must = |holds: bool, name: &str, what: String| {
        if !holds {
            found.insert(format!("{name} → {what}"));
        }
    };
    for (name, rule) in of("DestinationRule") {
        let host = string(rule, "/spec/host");
        must(values.contains_key(format!("Service/shop/{host}").as_str()), name, format!("Service {host}"));
    }
    for (name, gateway) in of("Gateway") {
        for server in list(gateway, "/spec/servers") {
            let secret = string(server, "/tls/credentialName");
            must(values.contains_key(format!("Secret/shop/{secret}").as_str()), name, format!("Secret {secret}"));
        }
    }
    for (name, service) in of("VirtualService") {
        for gateway in
            list(service, "/spec/gateways").iter().filter_map(|gateway| gateway.as_str()).filter(|name| *name != "mesh")
        {
            must(values.contains_key(format!("Gateway/shop/{gateway}").as_str()), name, format!("Gateway {gateway}"));
        }
        for route in list(service, "/spec/http") {
            let to = &route["route"][0]["destination"];
            let (host, subset, port) = (string(to, "/host"), string(to, "/subset"), to["port"]["number"].as_i64().unwrap());
            must(values.contains_key(format!("Service/shop/{host}").as_str()), name, format!("Service {host}"));
            must(has_port(host, port), name, format!("{host}:{port}"));
            must(subset.is_empty() || has_subset(host, subset), name, format!("{host} subset {subset}"));
        }
    }
    for (name, policy) in of("AuthorizationPolicy") {
        let asks = list(policy, "/spec/rules").iter().any(|rule| rule.get("from").is_some());
        must(!asks || !of("RequestAuthentication").is_empty(), name, "RequestAuthentication".to_owned());
    }
    found
}

/// Hosts whose servers take nothing but mTLS while a rule makes clients send something else.
fn plain_to_strict(values: &Values) -> BTreeSet<String> {
    let modes = |namespace: &str, app: Option<&str>| -> Vec<String> {
        let prefix = format!("PeerAuthentication/{namespace}/");
        let policies = values.iter().filter(|(name, _)| name.starts_with(&prefix)).map(|(_, value)| value);
        let wanted = policies.filter(|policy| string(policy, "/spec/selector/matchLabels/app") == app.unwrap_or_default());
        wanted.map(|policy| string(policy, "/spec/mtls/mode").to_owned()).filter(|mode| mode != "UNSET").collect()
    };
    let is_plain = |app: &str| {
        let rules = values.iter().filter(|(name, _)| name.starts_with("DestinationRule/")).map(|(_, value)| value);
        rules
            .filter(|rule| string(rule, "/spec/host") == app)
            .any(|rule| matches!(string(rule, "/spec/trafficPolicy/tls/mode"), "DISABLE" | "SIMPLE"))
    };
    let is_strict = |app: &str| {
        let levels = [modes("shop", Some(app)), modes("shop", None), modes("istio-system", None)];
        levels.into_iter().find(|modes| !modes.is_empty()).is_some_and(|modes| modes.contains(&"STRICT".to_owned()))
    };
    let has_service = |app: &str| values.contains_key(format!("Service/shop/{app}").as_str());
    APPS.into_iter().filter(|app| has_service(app) && is_strict(app) && is_plain(app)).map(str::to_owned).collect()
}

/// Rules of policies, each by its text.
fn allowed(values: &Values) -> BTreeSet<String> {
    let policies = values.iter().filter(|(name, _)| name.starts_with("AuthorizationPolicy/")).map(|(_, value)| value);
    policies.flat_map(|policy| list(policy, "/spec/rules")).map(ToString::to_string).collect()
}

/// Whether a DestinationRule turns to another host, or a PeerAuthentication to other pods.
fn turns(old: &Values, new: &Values) -> bool {
    let target = |value: &serde_json::Value| [value["spec"]["host"].clone(), value["spec"]["selector"].clone()];
    let kinds = ["DestinationRule/", "PeerAuthentication/"];
    let mut named = old.iter().filter(|(name, _)| kinds.iter().any(|kind| name.starts_with(kind)));
    named.any(|(name, value)| new.get(name).is_some_and(|other| target(other) != target(value)))
}

fn joined(applied: &Applied) -> String {
    applied.values().map(|text| format!("---\n{text}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_step_breaks_what_old_and_new_hold(old in mesh(), new in mesh()) {
        let settings = Settings::default();
        let texts = [joined(&old), joined(&new)];
        let (old, new) = (values(&old), values(&new));
        let (parsed_old, parsed_new) = ([parse(0, &texts[0])], [parse(0, &texts[1])]);
        let plan = Plan::new(&Mesh::new(&parsed_old, None, &settings), &Mesh::new(&parsed_new, None, &settings));
        // No version between holds two hosts, or two selectors: only these may need a hand.
        prop_assert!(!plan.has_cycle() || turns(&old, &new), "{plan:#?}");
        let open: BTreeSet<String> = dangling(&old).union(&dangling(&new)).cloned().collect();
        let plain: BTreeSet<String> = plain_to_strict(&old).union(&plain_to_strict(&new)).cloned().collect();
        let kept: BTreeSet<String> = allowed(&old).intersection(&allowed(&new)).cloned().collect();
        let mut applied = old;
        for step in plan.batches.iter().flat_map(|batch| &batch.steps) {
            let name = step.name.to_string();
            match &step.text {
                Some(text) => {
                    let was_there = applied.insert(name, read(text)).is_some();
                    prop_assert_eq!(step.action, if was_there { Action::Replace } else { Action::Create });
                }
                None => prop_assert!(applied.remove(&name).is_some()),
            }
            let now = dangling(&applied);
            prop_assert!(plan.has_cycle() || now.is_subset(&open), "{step:#?}\n{:?}", now.difference(&open));
            let now = plain_to_strict(&applied);
            prop_assert!(plan.has_cycle() || now.is_subset(&plain), "{step:#?}\n{:?}", now.difference(&plain));
            prop_assert!(kept.is_subset(&allowed(&applied)), "{step:#?}");
        }
        prop_assert_eq!(applied, new);
    }
}
