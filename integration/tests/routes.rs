//! Where `meshwhy-proxy` says that a request goes, there the real Envoy sends it: the answers come from that Envoy's own `/config_dump`.

#![expect(clippy::indexing_slicing, reason = "a table or an answer of another form must fail loudly")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use meshwhy_integration::RunDirectory;
use meshwhy_integration::client::{self, request::ClientRequest};
use meshwhy_integration::envoy::{Envoy, locate};
use meshwhy_proxy::ConfigDump;
use meshwhy_proxy::config::HttpConnectionManager;
use meshwhy_proxy::route::{Normalized, Request, RouteChoice, answer_of_table, authority, normalized};
use serde_json::{Value, json};

/// What each listener's connection manager and route table do beside the table.
const LISTENERS: [(&str, &str, &str); 6] = [
    ("plain", "{}", "{}"),
    ("istio", r#"{"normalize_path": true}"#, r#"{"ignore_port_in_host_matching": true}"#),
    (
        "strict",
        r#"{"normalize_path": true, "merge_slashes": true, "strip_any_host_port": true, "path_with_escaped_slashes_action": "REJECT_REQUEST"}"#,
        "{}",
    ),
    (
        "unescaping",
        r#"{"path_with_escaped_slashes_action": "UNESCAPE_AND_FORWARD", "normalize_path": true, "strip_trailing_host_dot": true}"#,
        r#"{"ignore_path_parameters_in_path_matching": true}"#,
    ),
    ("redirecting", r#"{"path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT", "merge_slashes": true}"#, "{}"),
    ("matching", r#"{"strip_matching_host_port": true}"#, "{}"),
];

/// The header that names the route of an answer.
const ROUTE: &str = "x-route";

/// What a request came to: the name of its route, or how it ended otherwise.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Route(String),
    NoRoute,
    Refused,
    Redirected,
    Unknown,
}

/// A request in the words of the wire.
#[derive(Debug, Clone)]
struct Sent {
    method: &'static str,
    host: String,
    path: String,
    headers: Vec<(&'static str, &'static str)>,
}

fn table() -> Result<Value> {
    let mut hosts: Vec<Value> = serde_saphyr::from_str(include_str!("routes/table.yaml"))?;
    for host in &mut hosts {
        let name = host["name"].as_str().unwrap_or_default().to_owned();
        for (index, route) in host["routes"].as_array_mut().into_iter().flatten().enumerate() {
            let name = format!("{name}-{index}");
            route["name"] = name.clone().into();
            route["direct_response"] = json!({"status": 200});
            route["response_headers_to_add"] = json!([{"header": {"key": ROUTE, "value": name}}]);
        }
    }
    Ok(hosts.into())
}

fn bootstrap() -> Result<Value> {
    let listener = |(name, manager, table_options): &(&str, &str, &str)| -> Result<Value> {
        let mut route_config = json!({"name": name, "virtual_hosts": table()?});
        let mut manager: Value = serde_json::from_str(manager)?;
        merge(&mut route_config, &serde_json::from_str(table_options)?);
        let own = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": name,
            "upgrade_configs": [{"upgrade_type": "CONNECT"}, {"upgrade_type": "websocket"}],
            "route_config": route_config,
            "http_filters": [{
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
            }],
        });
        merge(&mut manager, &own);
        Ok(json!({
            "name": name,
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
            "filter_chains": [{"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}],
        }))
    };
    let listeners = LISTENERS.iter().map(listener).collect::<Result<Vec<_>>>()?;
    Ok(json!({
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        "static_resources": {"listeners": listeners},
    }))
}

fn merge(into: &mut Value, from: &Value) {
    if let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) {
        into.extend(from.clone());
    }
}

/// What Envoy does.
fn envoys(address: SocketAddr, sent: &Sent) -> Result<Outcome> {
    let target = if sent.method == "CONNECT" { &sent.host } else { &sent.path };
    let mut raw = format!("{} {target} HTTP/1.1\r\nhost: {}\r\n", sent.method, sent.host);
    sent.headers.iter().for_each(|(name, value)| raw.push_str(&format!("{name}: {value}\r\n")));
    let response = client::send(address, &ClientRequest::raw(raw + "\r\n"), None)?.context("no answer")?;
    if let Some(route) = response.header(ROUTE) {
        return Ok(Outcome::Route(route));
    }
    // A client of gRPC gets statuses of its own.
    Ok(match (response.status, response.header("grpc-status").as_deref()) {
        (404, _) | (200, Some("12")) => Outcome::NoRoute,
        (400, _) | (200, Some("13")) => Outcome::Refused,
        (301 | 307, _) | (200, Some("2")) => Outcome::Redirected,
        other => bail!("{other:?} for {sent:?}"),
    })
}

/// What the crate says.
fn ours(manager: &HttpConnectionManager<'_>, port: u16, sent: &Sent) -> Result<Outcome> {
    let table = manager.route_config.as_ref().context("no table")?;
    let mut request = Request {
        method: sent.method.to_owned(),
        authority: authority::effective(&sent.host, port, manager),
        headers: sent.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), (*value).to_owned())).collect(),
        port,
        envoy: Some(40),
        ..Request::default()
    };
    request.path = match normalized(&sent.path, request.is_grpc(), manager) {
        Normalized::Path(path) => path,
        Normalized::Refused => return Ok(Outcome::Refused),
        Normalized::Redirected(_) => return Ok(Outcome::Redirected),
    };
    let Some(host) = answer_of_table(table, &request).chosen else { return Ok(Outcome::NoRoute) };
    Ok(match host.route {
        RouteChoice::Certain(index) => Outcome::Route(host.host.routes[index].name.to_string()),
        RouteChoice::None => Outcome::NoRoute,
        RouteChoice::TlsRedirect => Outcome::Redirected,
        RouteChoice::Open { .. } | RouteChoice::Tree | RouteChoice::ExternalTlsRedirect => Outcome::Unknown,
    })
}

const HOSTS: [&str; 30] = [
    "headers.example",
    "headers.example",
    "headers.example",
    "headers.example",
    "query.example",
    "query.example",
    "any.org",
    "any.org",
    "any.org",
    "www.shop.example",
    "WWW.Shop.Example",
    "upper.shop.example",
    "www.shop.example:8080",
    "www.shop.example:81",
    "a-eu.shop.example",
    "-eu.shop.example",
    ".shop.example",
    "shop.example",
    "x.eu.shop.example",
    "shop.eu.org",
    "shop.",
    "www.x",
    "dotted.example.",
    "dotted.example",
    "dotted.example.:80",
    "10.0.0.1",
    "[fd00::1]",
    "[fd00::1]:8080",
    "secure.example",
    "none.example",
];
const BEGINNINGS: [&str; 14] = [
    "/beta",
    "/Beta",
    "/exact",
    "/folded",
    "/old/abc",
    "/older",
    "/part",
    "/case",
    "/item/1",
    "/one/x",
    "/dots/./a/b",
    "/dots//a",
    "/dots/x/../a",
    "/",
];
const ENDINGS: [&str; 24] = [
    "",
    "",
    "",
    "/",
    "x",
    "/x",
    "/end",
    "/a/b",
    "//",
    "/..",
    "/../..",
    "/.",
    "%2Fa",
    "%5ca",
    "%41",
    "\\b",
    ";v=1",
    ";v=1/x",
    "/%2e%2e/a",
    "%zz",
    "/a|b",
    "/a^b",
    "/~%7E",
    "/a{b}`\"<>",
];
const QUERIES: [&str; 16] = [
    "",
    "",
    "",
    "?a=1",
    "?a=one",
    "?a",
    "?a=",
    "?b=x",
    "?a=2&a=1",
    "?b=zxz&a",
    "?a=%31",
    "?A=1",
    "?a=1#x",
    "?&&a=1",
    "?=1",
    "?q=//../a%2F",
];
const HEADERS: [(&str, &str); 20] = [
    ("x-a", "one"),
    ("x-a", "one"),
    ("x-a", "two"),
    ("x-a", "One"),
    ("x-a", ""),
    ("x-a", "none"),
    ("X-A", "one"),
    ("x-n", "5"),
    ("x-n", "-5"),
    ("x-n", "10"),
    ("x-n", "x"),
    ("x-n", "5.0"),
    ("x-user", "tester"),
    ("x-user", "Tester"),
    ("cookie", "user=jason"),
    ("cookie", "a=b; user=jason"),
    ("content-type", "application/grpc"),
    ("content-type", "application/grpc+proto"),
    ("content-type", "application/grpc-web"),
    ("cookie", "user=jasons"),
];

fn random(random: &mut fastrand::Rng, routes: &BTreeMap<&str, Vec<String>>) -> Sent {
    let host = HOSTS[random.usize(..HOSTS.len())];
    // Most go to a path that the host has a route for.
    let own = routes.get(host).filter(|_| random.u8(..) < 200);
    let beginning = own.map_or(BEGINNINGS[random.usize(..BEGINNINGS.len())], |own| &own[random.usize(..own.len())]);
    let ending = ENDINGS[random.usize(..ENDINGS.len())];
    let query = QUERIES[random.usize(..QUERIES.len())].split('#').next().unwrap_or_default();
    let headers = (0..random.usize(..4)).map(|_| HEADERS[random.usize(..HEADERS.len())]).collect();
    let method = ["GET", "GET", "POST"][random.usize(..3)];
    Sent { method, host: host.to_owned(), path: format!("{beginning}{ending}{query}"), headers }
}

/// Requests that chance does not find.
fn chosen(port: u16) -> Vec<Sent> {
    let get = |path: &str, headers: &[(&'static str, &'static str)]| Sent {
        method: "GET",
        host: "headers.example".to_owned(),
        path: path.to_owned(),
        headers: headers.to_vec(),
    };
    vec![
        Sent { method: "CONNECT", host: "any.org:443".to_owned(), ..get("", &[]) },
        Sent { host: format!("www.shop.example:{port}"), ..get("/", &[]) },
        Sent { host: "query.example".to_owned(), ..get("/two?a&b=axb", &[]) },
        get("/upgrade", &[("upgrade", "websocket"), ("connection", "x")]),
        get("/upgrade", &[("upgrade", "websocket"), ("connection", "Upgrade")]),
        get("/joined", &[("x-a", "one"), ("x-a", "two")]),
        get("/joined", &[("x-a", "one,two")]),
        get("/exact", &[("x-a", "one")]),
        get("/not-exact", &[("x-a", "two")]),
        get("/not-regex", &[("x-a", "one,two")]),
        get("/regex", &[("x-a", "one")]),
        get("/regex", &[("x-a", "twenty two")]),
        get("/both", &[("x-a", "one"), ("x-n", "5")]),
        get("/both", &[("x-a", "one"), ("x-n", "4")]),
        get("/whole-path?a=1", &[]),
        get("/not-range", &[]),
        get("/range", &[("x-n", "50"), ("x-n", "5")]),
        get("/not-range", &[("x-n", "50"), ("x-n", "5")]),
    ]
}

/// Routes that no request can take.
const NEVER: [&str; 5] = ["headers-8", "headers-32", "headers-33", "secure-0", "none-0"];

fn names(table: &Value) -> impl Iterator<Item = String> {
    let routes = table.as_array().into_iter().flatten().flat_map(|host| host["routes"].as_array().into_iter().flatten());
    routes.filter_map(|route| route["name"].as_str().map(str::to_owned))
}

/// How many random requests go to each listener.
const RANDOM: usize = 700;

#[test]
fn a_request_takes_the_route_that_the_dump_says() -> Result<()> {
    let directory = RunDirectory::new("routes")?;
    let envoy = Envoy::start(&locate()?, &bootstrap()?, directory.path())?;
    let dump = envoy.admin("/config_dump")?;
    let dump = ConfigDump::read(dump.as_bytes());
    ensure!(dump.is_dump() && dump.faults.is_empty(), "{:?}", dump.faults);
    let table = table()?;
    let routes: BTreeMap<&str, Vec<String>> = table
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|host| Some((host["domains"][0].as_str()?, host["routes"].as_array()?)))
        .map(|(domain, routes)| {
            (domain, routes.iter().filter_map(|route| route["match"]["prefix"].as_str().map(str::to_owned)).collect())
        })
        .filter(|(_, prefixes): &(_, Vec<String>)| !prefixes.is_empty())
        .collect();
    let mut rng = fastrand::Rng::with_seed(18);
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut wrong = Vec::new();
    for (name, address) in envoy.listeners() {
        let (_, listener) = dump.listeners.iter().find(|(_, listener)| &*listener.name == name).context("listener")?;
        let mut requests: Vec<Sent> = (0..RANDOM).map(|_| random(&mut rng, &routes)).collect();
        requests.extend(chosen(address.port()));
        let manager = listener.filter_chains[0].connection_manager().context("no connection manager")??;
        for sent in requests {
            let (theirs, ours) = (envoys(address, &sent)?, ours(&manager, address.port(), &sent)?);
            seen.insert(format!("{theirs:?}"));
            if theirs != ours {
                wrong.push(format!("{name}: {sent:?}\n  Envoy {theirs:?}, meshwhy {ours:?}"));
            }
        }
    }
    ensure!(wrong.is_empty(), "{} answers differ:\n{}", wrong.len(), wrong.join("\n"));
    let unseen: Vec<_> = names(&table).filter(|name| !seen.contains(&format!("{:?}", Outcome::Route(name.clone())))).collect();
    ensure!(unseen == NEVER, "routes that no request took: {unseen:?}");
    Ok(())
}
