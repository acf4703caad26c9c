//! What `meshwhy-proxy` says that policies make of a request, the real Envoy's RBAC filter makes of it: random trees of permissions and
//! principals, read from that Envoy's own `/config_dump`.

use anyhow::{Context, Result, ensure};
use meshwhy_core::Lang;
use meshwhy_integration::RunDirectory;
use meshwhy_integration::client::{self, request::ClientRequest};
use meshwhy_integration::envoy::{Envoy, locate};
use meshwhy_proxy::ConfigDump;
use meshwhy_proxy::matching::Truth;
use meshwhy_proxy::policy::Policies;
use meshwhy_proxy::route::Request;
use serde_json::{Value, json};

/// Filters, each in a listener of its own, and requests to each.
const FILTERS: usize = 24;
const REQUESTS: usize = 60;
/// The details of the answer, and so the policy that refused it.
const DETAILS: &str = "x-details";

fn leaf(random: &mut fastrand::Rng, of_principal: bool) -> Value {
    let header = |matcher: Value| json!({"header": matcher});
    match random.u8(..14) {
        0 => header(json!({"name": ":method", "string_match": {"exact": "GET"}})),
        1 => header(json!({"name": "x-a", "string_match": {"exact": "one"}})),
        2 => header(json!({"name": "x-a", "present_match": true})),
        3 => header(json!({"name": "x-a", "string_match": {"safe_regex": {"regex": "o.*"}}, "invert_match": true})),
        4 => header(json!({"name": ":authority", "string_match": {"prefix": "SHOP", "ignore_case": true}})),
        5 => json!({"url_path": {"path": {"prefix": "/admin/"}}}),
        6 => json!({"url_path": {"path": {"exact": "/a"}}}),
        7 => json!({"any": true}),
        8 if of_principal => json!({"direct_remote_ip": {"address_prefix": "127.0.0.0", "prefix_len": 8}}),
        9 if of_principal => json!({"remote_ip": {"address_prefix": "10.0.0.0", "prefix_len": 8}}),
        10 if of_principal => json!({"authenticated": {"principal_name": {"exact": "spiffe://a"}}}),
        11 if of_principal => {
            json!({"filter_state": {"key": "io.istio.peer_principal", "string_match": {"prefix": "spiffe://"}}})
        }
        12 if of_principal => json!({"metadata": {
            "filter": "envoy.filters.http.jwt_authn", "path": [{"key": "payload"}, {"key": "iss"}], "value": {"string_match": {"exact": "a"}},
        }}),
        8 => json!({"destination_port": 9}),
        9 => json!({"destination_ip": {"address_prefix": "127.0.0.1", "prefix_len": 32}}),
        10 => json!({"requested_server_name": {"exact": "shop"}}),
        11 => json!({"destination_port_range": {"start": 1024, "end": 65535}}),
        12 => json!({"uri_template": {
            "name": "t",
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig", "path_template": "/item/{i}/**"},
        }}),
        _ => header(json!({"name": "x-b"})),
    }
}

fn tree(random: &mut fastrand::Rng, of_principal: bool, depth: u8) -> Value {
    let (and, or, not, list) =
        if of_principal { ("and_ids", "or_ids", "not_id", "ids") } else { ("and_rules", "or_rules", "not_rule", "rules") };
    let kind = if depth == 0 { 3 } else { random.u8(..5) };
    match kind {
        0 | 1 => {
            let all: Vec<Value> = (0..random.usize(1..4)).map(|_| tree(random, of_principal, depth - 1)).collect();
            json!({if kind == 0 { and } else { or }: {list: all}})
        }
        2 => json!({not: tree(random, of_principal, depth - 1)}),
        _ => leaf(random, of_principal),
    }
}

fn bootstrap(random: &mut fastrand::Rng) -> Value {
    let listeners: Vec<Value> = (0..FILTERS).map(|index| listener(random, &format!("rbac-{index}"), index % 2 == 1)).collect();
    json!({
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        "static_resources": {"listeners": listeners},
    })
}

fn listener(random: &mut fastrand::Rng, name: &str, denies: bool) -> Value {
    let policies: serde_json::Map<String, Value> = (0..random.usize(1..4))
        .map(|index| {
            let (permission, principal) = (tree(random, false, 2), tree(random, true, 2));
            (format!("ns[shop]-policy[p{index}]-rule[0]"), json!({"permissions": [permission], "principals": [principal]}))
        })
        .collect();
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}]}]},
        "local_reply_config": {"mappers": [{
            "filter": {"status_code_filter": {"comparison": {"op": "GE", "value": {"default_value": 400, "runtime_key": "none"}}}},
            "headers_to_add": [{"header": {"key": DETAILS, "value": "%RESPONSE_CODE_DETAILS%"}}],
        }]},
        "http_filters": [
            {"name": "envoy.filters.http.rbac", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
                "rules": {"action": if denies { "DENY" } else { "ALLOW" }, "policies": policies},
            }},
            {"name": "envoy.filters.http.router", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}},
        ],
    });
    json!({
        "name": name,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}],
    })
}

const PATHS: [&str; 7] = ["/a", "/a?b=c", "/admin/x", "/admin", "/item/1/x", "/item/1", "/"];
const HOSTS: [&str; 3] = ["shop", "Shop.example", "other"];
const HEADERS: [(&str, &str); 6] = [("x-a", "one"), ("x-a", "two"), ("x-a", ""), ("x-b", "1"), ("x-a", "one"), ("x-c", "1")];

#[test]
fn a_policy_decides_as_envoy_does() -> Result<()> {
    let mut random = fastrand::Rng::with_seed(18);
    let directory = RunDirectory::new("policies")?;
    let envoy = Envoy::start(&locate()?, &bootstrap(&mut random), directory.path())?;
    let dump = envoy.admin("/config_dump")?;
    let dump = ConfigDump::read(dump.as_bytes());
    let (mut wrong, mut passed, mut refused) = (Vec::new(), 0, 0);
    for (name, address) in envoy.listeners() {
        let (_, listener) = dump.listeners.iter().find(|(_, listener)| &*listener.name == name).context("listener")?;
        let manager = listener.filter_chains[0].connection_manager().context("no connection manager")??;
        let policies = Policies::of(&manager.http_filters[0]).context("no policies")?;
        for _ in 0..REQUESTS {
            let method = ["GET", "POST"][random.usize(..2)];
            let (path, host) = (PATHS[random.usize(..PATHS.len())], HOSTS[random.usize(..HOSTS.len())]);
            let headers: Vec<_> = (0..random.usize(..3)).map(|_| HEADERS[random.usize(..HEADERS.len())]).collect();
            let mut raw = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n");
            headers.iter().for_each(|(name, value)| raw.push_str(&format!("{name}: {value}\r\n")));
            let response = client::send(address, &ClientRequest::raw(raw.clone() + "\r\n"), None)?.context("no answer")?;
            let mut request = Request {
                method: method.into(),
                authority: host.into(),
                path: path.into(),
                headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
                port: address.port(),
                destination: Some(address.ip()),
                has_no_token: true,
                envoy: Some(40),
                ..Request::default()
            };
            request.peer.address = Some([127, 0, 0, 1].into());
            let decision = policies.decide(&request);
            let passes = Truth::from(response.status == 200);
            let details = response.header(DETAILS).unwrap_or_default();
            let by = decision.by.clone().filter(|_| passes == Truth::No).unwrap_or_else(|| "none".to_owned());
            let names_it = passes == Truth::Yes || details == format!("rbac_access_denied_matched_policy[{by}]");
            if decision.passes != passes || !names_it {
                wrong.push(format!("{name} {raw:?}\n  Envoy {} {details}, meshwhy {:?} {by}", response.status, decision.passes));
            }
            if passes == Truth::Yes {
                passed += 1
            } else {
                refused += 1
            }
            // Who is refused because no policy matches is owed what kept each from it.
            let is_owed = decision.passes == Truth::No && decision.by.is_none();
            ensure!(!is_owed || decision.near.iter().all(|(_, misses)| !misses.is_empty()), "{name} {raw:?}: {decision:#?}");
            decision.near.iter().flat_map(|(_, misses)| misses).for_each(|miss| assert!(!miss.prose(Lang::Zh).is_empty()));
        }
    }
    ensure!(passed > 100 && refused > 100, "{passed} passed, {refused} were refused");
    ensure!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}
