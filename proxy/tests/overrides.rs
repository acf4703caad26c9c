//! What routes say otherwise than the filters and the listener, in the dump of a real proxy.

use meshwhy_core::Lang;
use meshwhy_proxy::ConfigDump;
use meshwhy_proxy::matching::Truth;
use meshwhy_proxy::route::report::{Outcome, StepKind};
use meshwhy_proxy::route::{Question, Request, RouteReport, Side, route};

const SERVER: &str = include_str!("data/server-sidecar-inbound.json");
const HOST: &str = "\"name\": \"inbound|http|8301\",";
const ROUTE: &str = "\"decorator\": {";
const STOREFRONT: &str = "spiffe://cluster.local/ns/shop/sa/storefront";
const OTHER: &str = "spiffe://cluster.local/ns/shop/sa/other";

/// Rules that let only requests for `/open` pass, in the place of those of the filters.
const OPEN: &str = r#""typed_per_filter_config":{"envoy.filters.http.rbac":{
    "@type":"type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute","rbac":{"rules":{"policies":{"open":{
    "principals":[{"any":true}],"permissions":[{"url_path":{"path":{"prefix":"/open"}}}]}}}}}},"#;
const OFF: &str = r#""typed_per_filter_config":{"envoy.filters.http.rbac":{
    "@type":"type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute"}},"#;

fn with(place: &str, config: &str) -> String {
    let changed = SERVER.replace(place, &format!("{config}{place}"));
    assert_ne!(changed, SERVER);
    changed
}

fn ask(dump: &str, principal: &str, path: &str) -> RouteReport {
    let mut request = Request {
        method: "GET".into(),
        authority: "orders".into(),
        port: 8301,
        path: path.into(),
        tls: true,
        ..Request::default()
    };
    request.peer.principal = Some(principal.into());
    let dump = ConfigDump::read(dump.as_bytes());
    assert!(dump.faults.is_empty(), "{:?}", dump.faults);
    route(&dump, None, &Question { request: &request, side: Some(Side::Inbound), listener: None, lang: Lang::En })
}

#[test]
fn policies_of_a_route_replace_those_of_the_filters() {
    assert_eq!(ask(SERVER, OTHER, "/open").outcome, Outcome::Denied);
    for place in [HOST, ROUTE] {
        let dump = with(place, OPEN);
        assert_eq!(ask(&dump, OTHER, "/open").outcome, Outcome::Forwarded);
        let denied = ask(&dump, STOREFRONT, "/");
        assert_eq!((denied.outcome, denied.status), (Outcome::Denied, Some(403)));
        let policies = denied.steps.iter().find(|step| step.step == StepKind::Policies).map(|step| step.detail.as_str());
        assert_eq!(
            policies,
            Some("none of 1 rules matches (rules of the route: `typed_per_filter_config` replaces the filter's)")
        );
    }
    // The route has the last word; what switches the filter off lets everybody in.
    let both = with(HOST, OPEN).replace(ROUTE, &format!("{OFF}{ROUTE}"));
    assert_eq!(ask(&both, OTHER, "/admin").outcome, Outcome::Forwarded);
}

#[test]
fn policies_of_one_cluster_of_several_leave_it_open() {
    let weighted = format!(
        r#""weighted_clusters":{{"clusters":[{{{OPEN}"name":"inbound|8301||","weight":1}},{{"name":"inbound|8301||","weight":1}}]}}"#
    );
    let dump = SERVER.replace("\"cluster\": \"inbound|8301||\"", &weighted);
    assert_ne!(dump, SERVER);
    let report = ask(&dump, OTHER, "/open");
    assert_eq!((report.outcome, report.steps.last().map(|step| step.step)), (Outcome::Unknown, Some(StepKind::Route)));
    assert!(report.steps.iter().any(|step| step.step == StepKind::Policies && step.passed == Truth::Unknown));
}

#[test]
fn a_redirect_of_external_clients_depends_on_who_asks() {
    let outcome = |tls| {
        let changed = with(HOST, "\"require_tls\": \"EXTERNAL_ONLY\",");
        let plain = changed.replace("\"transport_protocol\": \"tls\"", "\"transport_protocol\": \"raw_buffer\"");
        let dump = if tls { &changed } else { &plain };
        let dump = dump.replace("\"transport_socket\"", if tls { "\"transport_socket\"" } else { "\"no_transport_socket\"" });
        let dump = dump.replace("filters.http.rbac.v3.RBAC", "filters.http.rbac.v3.None");
        let dump = ConfigDump::read(dump.as_bytes());
        let mut request = Request { tls, authority: "orders".into(), port: 8301, path: "/".into(), ..Request::default() };
        request.method = "GET".into();
        request.peer.principal = tls.then(|| STOREFRONT.into());
        route(&dump, None, &Question { request: &request, side: Some(Side::Inbound), listener: None, lang: Lang::En })
    };
    assert_eq!(outcome(true).outcome, Outcome::Forwarded);
    let plain = outcome(false);
    assert_eq!(plain.outcome, Outcome::Unknown, "{plain:?}");
    assert!(plain.headline.starts_with("The virtual host redirects plaintext of external clients"), "{}", plain.headline);
}
