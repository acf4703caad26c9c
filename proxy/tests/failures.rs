//! Failures as proxies of Istio 1.29 log them, and what the dumps of these proxies say of each.

use meshwhy_core::causes::{Cause, app_error, no_cluster, no_healthy_endpoints, no_route, passthrough_blackhole, rbac_denied};
use meshwhy_core::facts::Fact;
use meshwhy_core::{Facts, Lang, Side};
use meshwhy_proxy::ConfigDump;
use meshwhy_proxy::route::report::Outcome;
use meshwhy_proxy::route::{Agreement, FailureReport, explain_failure};

const CLIENT: &str = include_str!("data/client-sidecar-outbound.json");
const GATEWAY: &str = include_str!("data/gateway-tls.json");
const SERVER: &str = include_str!("data/server-sidecar-inbound.json");

fn logged(method: &'static str, authority: &'static str, path: &'static str, local: &'static str) -> Facts<'static> {
    let mut facts = Facts::default();
    facts.put(Fact::Method, method.into());
    facts.put(Fact::Authority, authority.into());
    facts.put(Fact::Path, path.into());
    facts.put(Fact::DownstreamLocalAddress, local.into());
    facts
}

fn at_catalog(path: &'static str) -> Facts<'static> {
    logged("GET", "catalog:8080", path, "10.96.4.20:8080")
}

fn explain(dump: &str, cause: &Cause, facts: &Facts<'_>) -> Option<FailureReport> {
    explain_failure(&ConfigDump::read(dump.as_bytes()), None, cause, facts, Lang::En)
}

fn answer(dump: &str, cause: &Cause, facts: &Facts<'_>) -> Option<(Agreement, Outcome)> {
    explain(dump, cause, facts).map(|report| (report.agreement, report.route.outcome))
}

#[test]
fn the_configuration_that_failed_is_found() {
    use Agreement::Explains;
    assert_eq!(answer(CLIENT, &no_cluster::CAUSE, &at_catalog("/v3/items")), Some((Explains, Outcome::NoCluster)));
    assert_eq!(answer(CLIENT, &no_healthy_endpoints::CAUSE, &at_catalog("/old/items")), Some((Explains, Outcome::NoEndpoint)));
    let unknown_service = logged("GET", "catalogue.bookstore:8080", "/", "10.96.4.20:8080");
    assert_eq!(answer(CLIENT, &passthrough_blackhole::CAUSE, &unknown_service), Some((Explains, Outcome::Answered)));

    let mut unknown_host = logged("GET", "harbor.example", "/", "10.245.91.2:8080");
    unknown_host.side = Some(Side::Gateway);
    let report = explain(GATEWAY, &no_route::CAUSE, &unknown_host).unwrap();
    assert_eq!((report.agreement, report.route.outcome), (Explains, Outcome::NoVirtualHost));
    assert_eq!(report.route.near_hosts[0].domain, "*.harbor.example");
}

#[test]
fn a_header_that_no_log_has_leaves_it_open() {
    let report = explain(CLIENT, &no_route::CAUSE, &at_catalog("/beta/1")).unwrap();
    assert_eq!((report.agreement, report.route.outcome), (Agreement::Open, Outcome::Unknown));
    let open = &report.route.near_routes[0];
    assert_eq!(open.name, "beta");
    assert_eq!(open.conditions[1].detail, "header `x-user`: wanted exact `tester`: cannot be known from here");
}

#[test]
fn who_called_is_in_no_log_so_that_policies_are_open() {
    let mut facts = logged("PUT", "orders:8301", "/", "10.245.90.20:8301");
    facts.side = Some(Side::Inbound);
    facts.put(Fact::ServerName, "outbound_.8301_._.orders.shop.svc.cluster.local".into());
    let report = explain(SERVER, &rbac_denied::CAUSE, &facts).unwrap();
    assert_eq!(report.agreement, Agreement::Open);
    let [login, storefront] = report.route.near_policies.as_slice() else { panic!("{:?}", report.route.near_policies) };
    assert_eq!(login.resource.as_deref(), Some("AuthorizationPolicy shop/need-login rule 0"));
    assert_eq!(storefront.resource.as_deref(), Some("AuthorizationPolicy shop/from-storefront rule 0"));
    assert_eq!(storefront.conditions[1].detail, "method: wanted exact `GET`, request has `PUT`");
}

#[test]
fn a_dump_of_another_time_explains_nothing() {
    let answered = answer(CLIENT, &no_route::CAUSE, &at_catalog("/v3/items"));
    assert_eq!(answered, Some((Agreement::Contradicts, Outcome::NoCluster)));
}

#[test]
fn what_no_configuration_decides_is_not_asked() {
    assert_eq!(explain(CLIENT, &app_error::CAUSE, &at_catalog("/v3/items")), None);
    let mut passed_on = at_catalog("/v3/items");
    passed_on.put(Fact::RelayedFrom, "pay-1.shop".into());
    assert_eq!(explain(CLIENT, &no_cluster::CAUSE, &passed_on), None);
    let without_path = logged("GET", "catalog:8080", "", "10.96.4.20:8080");
    assert_eq!(explain(CLIENT, &no_cluster::CAUSE, &without_path), None);
    let without_address = logged("GET", "catalog:8080", "/v3/items", "-");
    assert_eq!(explain(CLIENT, &no_cluster::CAUSE, &without_address), None);
}
