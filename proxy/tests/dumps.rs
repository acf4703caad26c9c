//! Requests through the dumps of real proxies of Istio 1.29: what the manifests beside them say is what comes out.

use meshwhy_core::Lang;
use meshwhy_proxy::ConfigDump;
use meshwhy_proxy::matching::Truth;
use meshwhy_proxy::route::report::Outcome;
use meshwhy_proxy::route::{DomainMiss, Question, Request, RouteReport, Side, route};

const CLIENT: &str = include_str!("data/client-sidecar-outbound.json");
const GATEWAY: &str = include_str!("data/gateway-tls.json");
const SERVER: &str = include_str!("data/server-sidecar-inbound.json");

fn ask(dump: &str, side: Option<Side>, request: &Request) -> RouteReport {
    let dump = ConfigDump::read(dump.as_bytes());
    assert!(dump.is_dump() && dump.faults.is_empty(), "{:?}", dump.faults);
    route(&dump, None, &Question { request, side, listener: None, lang: Lang::En })
}

fn http(authority: &str, port: u16, path: &str) -> Request {
    Request { method: "GET".into(), authority: authority.into(), port, path: path.into(), ..Request::default() }
}

fn https(name: &str, path: &str) -> Request {
    Request { tls: true, server_name: Some(name.into()), ..http(name, 8443, path) }
}

#[test]
fn a_sidecar_sends_to_the_subset_of_the_first_rule_that_matches() {
    let mut request = http("catalog", 8080, "/beta/x");
    let report = ask(CLIENT, None, &request);
    assert_eq!(report.outcome, Outcome::Forwarded);
    let shares: Vec<_> = report.destinations.iter().map(|it| (it.cluster.as_str(), it.weight)).collect();
    let (v1, v2) =
        ("outbound|8080|v1|catalog.bookstore.svc.cluster.local", "outbound|8080|v2|catalog.bookstore.svc.cluster.local");
    assert_eq!(shares, [(v1, 80), (v2, 20)]);
    let nearest = &report.near_routes[0];
    assert_eq!((nearest.name.as_str(), nearest.resource.as_deref()), ("beta", Some("VirtualService bookstore/catalog")));
    assert_eq!(nearest.conditions[1].detail, "header `x-user`: wanted exact `tester`, request has none");

    request.headers.push(("x-user".into(), "tester".into()));
    let report = ask(CLIENT, None, &request);
    assert_eq!(report.destinations.iter().map(|it| it.cluster.as_str()).collect::<Vec<_>>(), [v2]);
}

#[test]
fn what_is_missing_fails() {
    let outcome = |authority, path| ask(CLIENT, None, &http(authority, 8080, path)).outcome;
    assert_eq!(outcome("catalog", "/v3/x"), Outcome::NoCluster);
    assert_eq!(outcome("catalog", "/old/x"), Outcome::NoEndpoint);
    assert_eq!(outcome("mailer.comms", "/"), Outcome::NoEndpoint);
    assert_eq!(outcome("prices", "/x"), Outcome::NoRoute);
    assert_eq!(ask(CLIENT, None, &http("catalog", 81, "/")).outcome, Outcome::NoListener);
    let blocked = ask(CLIENT, None, &http("catalogue.bookstore", 8080, "/"));
    assert_eq!((blocked.outcome, blocked.status), (Outcome::Answered, Some(502)));
    assert_eq!((blocked.near_hosts[0].domain.as_str(), blocked.near_hosts[0].miss), ("catalog.bookstore", DomainMiss::Spelling));
}

#[test]
fn faults_and_direct_responses_are_seen() {
    let report = ask(CLIENT, None, &http("prices", 8080, "/prices/1"));
    assert!(report.remarks.iter().any(|remark| remark.contains("5 % of the requests are answered 500")), "{:?}", report.remarks);
    let report = ask(CLIENT, None, &http("prices", 8080, "/maintenance"));
    assert_eq!((report.outcome, report.status, report.is_failure()), (Outcome::Answered, Some(503), true));
}

#[test]
fn tcp_goes_on_without_a_route() {
    let report = ask(CLIENT, None, &http("postgres", 5432, "/"));
    assert_eq!(report.outcome, Outcome::ForwardedAsTcp);
    assert_eq!(report.destinations[0].cluster, "outbound|5432||postgres.bookstore.svc.cluster.local");
}

#[test]
fn a_gateway_chooses_by_the_name_in_the_hello() {
    assert_eq!(ask(GATEWAY, None, &https("shop.harbor.example", "/")).outcome, Outcome::Forwarded);
    assert_eq!(ask(GATEWAY, None, &https("vpn.harbor.example", "/")).outcome, Outcome::ForwardedAsTcp);
    assert_eq!(ask(GATEWAY, None, &https("blog.harbor.example", "/")).outcome, Outcome::NoRoute);
    // The endpoints of `blog` are nowhere.
    assert_eq!(ask(GATEWAY, None, &https("blog.harbor.example", "/posts/1")).outcome, Outcome::NoEndpoint);
    assert_eq!(ask(GATEWAY, None, &https("other.example", "/")).outcome, Outcome::NoFilterChain);
    assert_eq!(ask(GATEWAY, None, &http("shop.harbor.example", 8443, "/")).outcome, Outcome::NoFilterChain);
    let redirected = ask(GATEWAY, None, &http("any.harbor.example", 80, "/"));
    assert_eq!((redirected.outcome, redirected.status), (Outcome::Redirected, Some(301)));
    assert_eq!(ask(GATEWAY, None, &http("harbor.example", 8080, "/")).outcome, Outcome::NoVirtualHost);
}

#[test]
fn a_workload_under_strict_mtls_takes_no_plaintext() {
    let request = http("orders", 8301, "/");
    assert_eq!(ask(SERVER, Some(Side::Inbound), &request).outcome, Outcome::NoFilterChain);
    let report = ask(SERVER, Some(Side::Inbound), &mutual("spiffe://cluster.local/ns/shop/sa/storefront", 8301, "/"));
    assert_eq!(report.destinations[0].cluster, "inbound|8301||");
    assert!(report.steps.iter().all(|step| step.passed == Truth::Yes));
}

fn mutual(principal: &str, port: u16, path: &str) -> Request {
    let mut request = Request { tls: true, ..http("orders", port, path) };
    request.peer.principal = Some(principal.into());
    request
}

#[test]
fn policies_decide_before_routes() {
    let (storefront, other) = ("spiffe://cluster.local/ns/shop/sa/storefront", "spiffe://cluster.local/ns/shop/sa/other");
    let inbound = |request: &Request| ask(SERVER, Some(Side::Inbound), request);
    let denied = inbound(&mutual(storefront, 8301, "/admin/x"));
    assert_eq!((denied.outcome, denied.status), (Outcome::Denied, Some(403)));
    assert!(denied.headline.contains("AuthorizationPolicy shop/deny-admin rule 0 denies it"), "{}", denied.headline);
    // Envoy compares the path that it has made canonical.
    assert_eq!(inbound(&mutual(storefront, 8301, "/x/../admin/x")).outcome, Outcome::Denied);

    let mut request = mutual(other, 8301, "/");
    let report = inbound(&request);
    assert_eq!(report.outcome, Outcome::Denied);
    let nearest = &report.near_policies[0];
    assert_eq!(nearest.resource.as_deref(), Some("AuthorizationPolicy shop/from-storefront rule 0"));
    let details: Vec<&str> = nearest.conditions.iter().map(|condition| condition.detail.as_str()).collect();
    assert_eq!(details, [format!("principal: wanted exact `{storefront}`, request has `{other}`")]);
    // A token may be one that the other rule takes.
    request.headers.push(("authorization".into(), "Bearer x".into()));
    assert_eq!(inbound(&request).outcome, Outcome::Unknown);

    // A provider that is missing closes the TCP port to everybody.
    let closed = inbound(&mutual(storefront, 8302, "/"));
    assert_eq!((closed.outcome, closed.status), (Outcome::Denied, None));
    assert!(closed.headline.contains("AuthorizationPolicy shop/opa rule 0 (CUSTOM"), "{}", closed.headline);
}

#[test]
fn a_dump_that_is_cut_claims_nothing_of_what_is_gone() {
    let cut = CLIENT.find("RoutesConfigDump\"").unwrap();
    let dump = ConfigDump::read(&CLIENT.as_bytes()[..cut]);
    let request = http("catalog", 8080, "/");
    let report = route(&dump, None, &Question { request: &request, side: None, listener: None, lang: Lang::En });
    assert_eq!((report.outcome, report.unreadable.len()), (Outcome::Unknown, 1));
}
