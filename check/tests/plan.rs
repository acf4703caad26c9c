//! The order of plans, each rule in both directions.

#![allow(clippy::unwrap_used, reason = "a broken test must fail loudly")]

use meshwhy_check::document::parse;
use meshwhy_check::mesh::{Mesh, Settings};
use meshwhy_check::plan::{Plan, Wait};

fn planned(old: &str, new: &str) -> Plan {
    let settings = Settings::default();
    let (old, new) = ([parse(0, old)], [parse(0, new)]);
    assert!(old[0].faults.is_empty() && new[0].faults.is_empty(), "{:?} {:?}", old[0].faults, new[0].faults);
    Plan::new(&Mesh::new(&old, None, &settings), &Mesh::new(&new, None, &settings))
}

/// The batches, each as its steps: `+` creates, `~` replaces, `-` deletes, `/` is a version between.
fn order(old: &str, new: &str) -> Vec<String> {
    let plan = planned(old, new);
    assert!(!plan.has_cycle(), "{:#?}", plan.batches);
    shown(&plan)
}

fn shown(plan: &Plan) -> Vec<String> {
    let step = |step: &meshwhy_check::plan::PlanStep| {
        let sign = match step.action.as_str() {
            "create" => "+",
            "replace" => "~",
            _ => "-",
        };
        format!("{sign}{}{} {}", if step.is_between { "/" } else { "" }, step.name.kind, step.name.name)
    };
    plan.batches.iter().map(|batch| batch.steps.iter().map(step).collect::<Vec<_>>().join(", ")).collect()
}

fn object(api: &str, kind: &str, name: &str, body: &str) -> String {
    format!("---\napiVersion: {api}\nkind: {kind}\nmetadata:\n  name: {name}\n  namespace: shop\n{body}\n")
}

fn service(ports: &[u32]) -> String {
    let ports: Vec<String> = ports.iter().map(|port| format!("  - name: http-{port}\n    port: {port}")).collect();
    object("v1", "Service", "reviews", &format!("spec:\n  selector:\n    app: reviews\n  ports:\n{}", ports.join("\n")))
}

fn deployment(name: &str, version: &str, extra: &str) -> String {
    let body = format!(
        "spec:\n  template:\n    metadata:\n      labels:\n        app: reviews\n        version: {version}\n{extra}    spec:\n      containers: [{{name: app, image: app}}]"
    );
    object("apps/v1", "Deployment", name, &body)
}

fn rule(subsets: &[&str], extra: &str) -> String {
    let subsets: Vec<String> =
        subsets.iter().map(|name| format!("  # {name}\n  - name: {name}\n    labels:\n      version: {name}")).collect();
    let list = if subsets.is_empty() { String::new() } else { format!("\n  subsets:\n{}", subsets.join("\n")) };
    object("networking.istio.io/v1", "DestinationRule", "reviews", &format!("spec:\n  host: reviews{extra}{list}"))
}

fn route(name: &str, subset: &str, extra: &str) -> String {
    let subset = if subset.is_empty() { String::new() } else { format!("\n        subset: {subset}") };
    let body =
        format!("spec:\n  hosts: [reviews]{extra}\n  http:\n  - route:\n    - destination:\n        host: reviews{subset}");
    object("networking.istio.io/v1", "VirtualService", name, &body)
}

fn peers(mode: &str) -> String {
    object("security.istio.io/v1", "PeerAuthentication", "peers", &format!("spec:\n  mtls:\n    mode: {mode}"))
}

fn gateway(extra: &str) -> String {
    let body = format!(
        "spec:\n  selector: {{istio: ingress}}\n  servers:\n  - port: {{number: 443, name: https, protocol: HTTPS}}\n    hosts: [shop.example.com]\n    tls: {{mode: SIMPLE, credentialName: cert}}{extra}"
    );
    object("networking.istio.io/v1", "Gateway", "edge", &body)
}

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n";

#[test]
fn what_only_looks_different_is_no_step() {
    let old = "---\napiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: default, uid: x}\nspec: {ports: [{port: 80}]}\nstatus: {}\n";
    let new = "---\n# comment\nkind: Service\nmetadata:\n  name: \"a\"\napiVersion: v1\nspec:\n  ports:\n  - port: 0x50\n";
    assert!(order(old, new).is_empty());
}

#[test]
fn a_namespace_comes_before_all_in_it() {
    let all = [NAMESPACE, &service(&[80])].concat();
    assert_eq!(order("", &all), ["+Namespace shop", "+Service reviews"]);
    assert_eq!(order(&all, ""), ["-Service reviews", "-Namespace shop"]);
}

#[test]
fn what_pods_mount_comes_before_them() {
    let pods = deployment("reviews", "v1", "").replace(
        "      containers:",
        "      serviceAccountName: reviews\n      volumes: [{name: a, secret: {secretName: cert}}, {name: b, configMap: {name: conf}}]\n      containers:",
    );
    let rest = [
        object("v1", "Secret", "cert", ""),
        object("v1", "ConfigMap", "conf", ""),
        object("v1", "ServiceAccount", "reviews", ""),
    ];
    let all = [pods, rest.concat()].concat();
    assert_eq!(order("", &all), ["+ConfigMap conf, +Secret cert, +ServiceAccount reviews", "+Deployment reviews"]);
    assert_eq!(order(&all, ""), ["-Deployment reviews", "-ConfigMap conf, -Secret cert, -ServiceAccount reviews"]);
}

#[test]
fn a_credential_comes_before_the_gateway_and_that_before_its_routes() {
    let all = [
        object("v1", "Secret", "cert", ""),
        gateway(""),
        route("reviews", "", "\n  gateways: [edge]"),
        service(&[80]),
        deployment("reviews", "v1", ""),
    ]
    .concat();
    let there = ["+Secret cert, +Service reviews, +Deployment reviews", "+Gateway edge", "+VirtualService reviews"];
    assert_eq!(order("", &all), there);
    let back = order(&all, "");
    assert_eq!(back, ["-VirtualService reviews", "-Service reviews, -Deployment reviews, -Gateway edge", "-Secret cert"]);
}

#[test]
fn pods_then_subset_then_route() {
    let old = [service(&[80]), deployment("v1", "v1", ""), rule(&["v1"], ""), route("reviews", "v1", "")].concat();
    let new = [
        service(&[80]),
        deployment("v1", "v1", ""),
        deployment("v2", "v2", ""),
        rule(&["v1", "v2"], ""),
        route("reviews", "v2", ""),
    ]
    .concat();
    assert_eq!(order(&old, &new), ["+Deployment v2", "~DestinationRule reviews", "~VirtualService reviews"]);
    assert_eq!(order(&new, &old), ["~VirtualService reviews", "~DestinationRule reviews", "-Deployment v2"]);
}

#[test]
fn a_rule_that_swaps_subsets_is_applied_twice() {
    let side = |version: &str| {
        [service(&[80]), deployment(version, version, ""), rule(&[version], ""), route("reviews", version, "")].concat()
    };
    let there =
        ["+Deployment v2", "~/DestinationRule reviews", "~VirtualService reviews", "~DestinationRule reviews", "-Deployment v1"];
    let plan = planned(&side("v1"), &side("v2"));
    assert_eq!(shown(&plan), there);
    let between = plan.batches[1].steps[0].text.clone().unwrap();
    assert!(between.contains("  # v2\n  - name: v2"), "{between}");
    assert!(between.ends_with("version: v2\n  - {\"labels\":{\"version\":\"v1\"},\"name\":\"v1\"}\n"), "{between}");
    assert_eq!(plan.batches[0].waits.len(), 1);
    assert!(matches!(plan.batches[1].waits[0], Wait::Proxies));
    assert_eq!(
        order(&side("v2"), &side("v1")),
        there.map(|batch| batch.replace("v2", "X").replace("v1", "v2").replace('X', "v1"))
    );
}

#[test]
fn a_service_that_swaps_ports_is_applied_twice() {
    let side = |port: u32| {
        let to = format!("host: reviews\n        port: {{number: {port}}}");
        [service(&[port]), route("reviews", "", "").replace("        host: reviews", &format!("        {to}"))].concat()
    };
    let there = ["~/Service reviews", "~VirtualService reviews", "~Service reviews"];
    assert_eq!(order(&side(80), &side(8080)), there);
    assert_eq!(order(&side(8080), &side(80)), there);
}

#[test]
fn clients_speak_mtls_before_strict_and_after_it() {
    let plain = "\n  trafficPolicy: {tls: {mode: DISABLE}}";
    let mutual = "\n  trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}";
    let old = [service(&[80]), rule(&[], plain), peers("PERMISSIVE")].concat();
    let new = [service(&[80]), rule(&[], mutual), peers("STRICT")].concat();
    assert_eq!(order(&old, &new), ["~DestinationRule reviews", "~PeerAuthentication peers"]);
    assert_eq!(order(&new, &old), ["~PeerAuthentication peers", "~DestinationRule reviews"]);
}

#[test]
fn permissive_stands_between_disable_and_strict() {
    let side = |tls: &str, mode: &str| {
        let policy = format!("\n  trafficPolicy: {{tls: {{mode: {tls}}}}}");
        [service(&[80]), rule(&[], &policy), peers(mode)].concat()
    };
    let (old, new) = (side("DISABLE", "DISABLE"), side("ISTIO_MUTUAL", "STRICT"));
    let there = ["~/PeerAuthentication peers", "~DestinationRule reviews", "~PeerAuthentication peers"];
    assert_eq!(order(&old, &new), there);
    assert_eq!(order(&new, &old), there);
}

#[test]
fn clients_get_proxies_before_strict() {
    let side = |inject: &str, mode: &str| {
        let label = format!("        sidecar.istio.io/inject: \"{inject}\"\n");
        let client = deployment("client", "v1", &label).replace("app: reviews", "app: client");
        [service(&[80]), deployment("reviews", "v1", ""), client, peers(mode)].concat()
    };
    let (old, new) = (side("false", "PERMISSIVE"), side("true", "STRICT"));
    assert_eq!(order(&old, &new), ["~Deployment client", "~PeerAuthentication peers"]);
    assert_eq!(order(&new, &old), ["~PeerAuthentication peers", "~Deployment client"]);
}

#[test]
fn tokens_are_read_before_they_are_asked_for() {
    let policy = object(
        "security.istio.io/v1",
        "AuthorizationPolicy",
        "users",
        "spec:\n  rules:\n  - from:\n    - source: {requestPrincipals: [\"iss/*\"]}",
    );
    let authentication = object("security.istio.io/v1", "RequestAuthentication", "tokens", "spec:\n  jwtRules:\n  - issuer: iss");
    let all = [policy, authentication].concat();
    assert_eq!(order("", &all), ["+RequestAuthentication tokens", "+AuthorizationPolicy users"]);
    assert_eq!(order(&all, ""), ["-AuthorizationPolicy users", "-RequestAuthentication tokens"]);
}

#[test]
fn a_permission_moves_without_a_gap() {
    let policy = |name: &str, paths: &[&str]| {
        let rules: Vec<String> = paths.iter().map(|path| format!("  - to: [{{operation: {{paths: [{path}]}}}}]")).collect();
        object("security.istio.io/v1", "AuthorizationPolicy", name, &format!("spec:\n  rules:\n{}", rules.join("\n")))
    };
    let old = [policy("a", &["/1", "/2"]), policy("b", &["/3"])].concat();
    let new = [policy("a", &["/1"]), policy("b", &["/2", "/3"])].concat();
    assert_eq!(order(&old, &new), ["~AuthorizationPolicy b", "~AuthorizationPolicy a"]);
    assert_eq!(order(&new, &old), ["~AuthorizationPolicy a", "~AuthorizationPolicy b"]);
}

#[test]
fn delegates_come_before_roots_and_routes_move_without_a_gap() {
    let root = object(
        "networking.istio.io/v1",
        "VirtualService",
        "root",
        "spec:\n  hosts: [shop.example.com]\n  http:\n  - delegate: {name: part}",
    );
    let part = object("networking.istio.io/v1", "VirtualService", "part", "spec:\n  http: []");
    let all = [root, part].concat();
    assert_eq!(order("", &all), ["+VirtualService part", "+VirtualService root"]);
    assert_eq!(order(&all, ""), ["-VirtualService root", "-VirtualService part"]);
    let base = service(&[80]);
    let (one, other) = ([&base, &*route("a", "", "")].concat(), [&base, &*route("b", "", "")].concat());
    assert_eq!(order(&one, &other), ["+VirtualService b", "-VirtualService a"]);
    assert_eq!(order(&other, &one), ["+VirtualService a", "-VirtualService b"]);
}

#[test]
fn an_entry_comes_before_who_routes_to_it_and_a_kind_before_its_resources() {
    let entry = object(
        "networking.istio.io/v1",
        "ServiceEntry",
        "out",
        "spec:\n  hosts: [\"*.example.com\"]\n  ports: [{number: 443, name: tls, protocol: TLS}]",
    );
    let to = route("out", "", "").replace("host: reviews", "host: api.example.com");
    let all = [entry, to].concat();
    assert_eq!(order("", &all), ["+ServiceEntry out", "+VirtualService out"]);
    assert_eq!(order(&all, ""), ["-VirtualService out", "-ServiceEntry out"]);
    let kind = "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: w.x.io}\nspec: {group: x.io, names: {kind: Widget}}\n";
    let all = [kind.to_owned(), object("x.io/v1", "Widget", "w", "")].concat();
    assert_eq!(order("", &all), ["+CustomResourceDefinition w.x.io", "+Widget w"]);
    assert_eq!(order(&all, ""), ["-Widget w", "-CustomResourceDefinition w.x.io"]);
}

#[test]
fn a_route_of_the_gateway_api_comes_after_what_it_names() {
    let gateway = object("gateway.networking.k8s.io/v1", "Gateway", "edge", "spec: {gatewayClassName: istio, listeners: []}");
    let route = object(
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        "reviews",
        "spec:\n  parentRefs: [{name: edge}]\n  rules:\n  - backendRefs: [{name: reviews, port: 80}]",
    );
    let all = [route, gateway, service(&[80])].concat();
    assert_eq!(order("", &all), ["+Service reviews, +Gateway edge", "+HTTPRoute reviews"]);
    assert_eq!(order(&all, ""), ["-HTTPRoute reviews", "-Service reviews, -Gateway edge"]);
}

#[test]
fn what_cannot_be_in_twice_is_a_cycle_that_is_told() {
    let side = |version: &str| {
        [service(&[80]), deployment("reviews", version, ""), rule(&[version], ""), route("reviews", version, "")].concat()
    };
    let plan = planned(&side("v1"), &side("v2"));
    assert!(plan.has_cycle(), "{:?}", shown(&plan));
}
