//! From facts of a failed request to the line of the manifests: each case marks the line with `# here`, or none.
//!
//! Whole cases of a recorded mesh are in `cli/tests/join.rs`, since it takes log lines to get there.

#![allow(clippy::unwrap_used, reason = "a broken case must fail loudly")]

use meshwhy_check::join::{explain, hidden_failure};
use meshwhy_check::mesh::Settings;
use meshwhy_check::report::{location, with_mesh};
use meshwhy_check::rules::run;
use meshwhy_check::source::Source;
use meshwhy_core::facts::Fact;
use meshwhy_core::{Cause, Facts};

const REVIEWS: &str = "
apiVersion: v1
kind: Service
metadata: {name: reviews, namespace: shop}
spec:
  selector: {app: reviews}
  ports:
  - {name: http, port: 9080}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: reviews, namespace: shop}
spec:
  template:
    metadata: {labels: {app: reviews, version: v1}}
    spec: {containers: [{name: reviews, ports: [{containerPort: 9080}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template: {metadata: {labels: {app: web}}}
---
";

/// The facts of a request from `web` to `reviews`, and others as `key=value` by their names in `docs/facts.md`.
fn facts<'a>(more: &[&'a str]) -> Facts<'a> {
    let usual = ["pod=web-5d8f7-abcde", "side=outbound", "method=GET", "path=/list", "authority=reviews:9080", "status=503"];
    let mut facts = Facts::default();
    for pair in usual.iter().chain(more) {
        let (name, value) = pair.split_once('=').unwrap();
        let fact = Fact::ALL.iter().find(|fact| fact.name() == name).unwrap();
        facts.put(*fact, value.into());
    }
    facts
}

/// The line that is named, beside the one that is marked.
fn lines(slug: &str, more: &[&str], manifests: &str) -> (Option<u32>, Option<u32>) {
    let cause = Cause::find(slug).unwrap();
    let text = format!("{REVIEWS}{manifests}");
    let marked = text.lines().zip(1..).find(|(line, _)| line.ends_with("# here")).map(|(_, number)| number);
    let files = [Source { name: "all.yaml".to_owned(), text }];
    let named = with_mesh(&files, None, &Settings::default(), |mesh, sources| {
        explain(mesh, cause, &facts(more), &run(mesh)).map(|cause| location(sources, cause.place).line)
    });
    (named, marked)
}

#[track_caller]
fn named(slug: &str, more: &[&str], manifests: &str) {
    let (named, marked) = lines(slug, more, manifests);
    assert!(marked.is_some(), "nothing is marked");
    assert_eq!(named, marked, "{slug}: {more:?}");
}

#[track_caller]
fn silent(slug: &str, more: &[&str], manifests: &str) {
    assert_eq!(lines(slug, more, manifests).0, None, "{slug}: {more:?}");
}

/// A manifest of `shop` with a spec in flow style or block.
fn manifest(kind: &str, name: &str, spec: &str) -> String {
    let group = match kind {
        "AuthorizationPolicy" | "PeerAuthentication" | "RequestAuthentication" => "security.istio.io/v1",
        "EnvoyFilter" => "networking.istio.io/v1alpha3",
        "HTTPRoute" => "gateway.networking.k8s.io/v1",
        _ => "networking.istio.io/v1",
    };
    format!("apiVersion: {group}\nkind: {kind}\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n{spec}\n---\n")
}

fn routes(http: &str) -> String {
    manifest("VirtualService", "reviews", &format!("  hosts: [reviews]\n  http:\n{http}"))
}

fn policy(traffic: &str) -> String {
    manifest("DestinationRule", "reviews", &format!("  host: reviews\n  trafficPolicy:\n{traffic}"))
}

const CLUSTER: &str = "cluster=outbound|9080||reviews.shop.svc.cluster.local";

#[test]
fn clusters_that_are_not_there() {
    named(
        "no-cluster",
        &["route=list"],
        &routes(
            "
  - name: other
    route: [{destination: {host: nothing}}]
  - name: list
    route:
    - destination:
        host: reviews
        subset: v3 # here",
        ),
    );
    named(
        "no-cluster",
        &[],
        &routes(
            "
  - match: [{uri: {prefix: /admin}}]
    route: [{destination: {host: reviews, subset: v9}}]
  - route:
    - destination: {host: reviews}
    - destination:
        host: reviewz # here",
        ),
    );
    named(
        "no-cluster",
        &[],
        &routes(
            "
  - route:
    - destination:
        host: reviews
        port:
          number: 80 # here",
        ),
    );
    named(
        "no-cluster",
        &[],
        &manifest(
            "HTTPRoute",
            "reviews",
            "
  parentRefs: [{kind: Service, group: '', name: reviews}]
  rules:
  - backendRefs:
    - name: reviewz # here
      port: 9080",
        ),
    );
    silent(
        "no-cluster",
        &["route=default"],
        &routes(
            "
  - match: [{uri: {prefix: /admin}}]
    route: [{destination: {host: reviews, subset: v9}}]",
        ),
    );
}

#[test]
fn requests_that_no_match_fits() {
    named(
        "no-route",
        &["path=/Items/1"],
        &routes(
            "
  - match:
    - uri: {prefix: /other}
    - uri:
        prefix: /items # here
    route: [{destination: {host: reviews}}]",
        ),
    );
    named(
        "no-route",
        &["path=/items"],
        &routes(
            "
  - match:
    - uri:
        prefix: /items/ # here
    - uri: {prefix: /x}
    route: [{destination: {host: reviews}}]",
        ),
    );
    named(
        "no-route",
        &["path=/items", "method=POST"],
        &routes(
            "
  - match:
    - uri: {prefix: /items}
      method:
        exact: GET # here
    - uri: {prefix: /x}
    route: [{destination: {host: reviews}}]",
        ),
    );
    named(
        "no-route",
        &["path=/items"],
        &routes(
            "
  - match:
    - uri: {prefix: /items}
      headers:
        x-version: # here
          exact: v2
    route: [{destination: {host: reviews}}]",
        ),
    );
    named(
        "no-route",
        &["path=/items"],
        &routes(
            "
  - match:
    - sourceLabels:
        app: shop # here
    route: [{destination: {host: reviews}}]",
        ),
    );
    silent(
        "no-route",
        &["path=/items"],
        &routes(
            "
  - match: [{uri: {prefix: /items}}]
    route: [{destination: {host: reviews}}]",
        ),
    );
}

#[test]
fn gateways_that_have_another_host_or_route() {
    const EDGE: &str = "
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 8080, name: http, protocol: HTTP}
    hosts:
    - shop.example.com";
    let asked =
        ["pod=istio-ingressgateway-1", "side=gateway", "authority=www.example.com", "downstream_local_address=10.0.0.1:8080"];
    let bound = |gateway: &str, host: &str| {
        manifest(
            "VirtualService",
            "edge",
            &format!(
                "
  hosts:
  - {host}
  gateways:
  - {gateway}
  http:
  - route: [{{destination: {{host: reviews}}}}]"
            ),
        )
    };
    let edge = |mark: &str| manifest("Gateway", "edge", &format!("{EDGE}{mark}"));
    named("no-route", &asked, &(edge(" # here") + &bound("edge", "www.example.com")));
    let shop =
        ["pod=istio-ingressgateway-1", "side=gateway", "authority=shop.example.com", "downstream_local_address=10.0.0.1:8080"];
    named("no-route", &shop, &(edge("") + &bound("other # here", "shop.example.com")));
    named("no-route", &shop, &(edge("") + &bound("edge", "stop.example.com # here")));
    silent("no-route", &shop, &edge(""));
    silent("no-route", &asked, &(edge("") + &bound("edge", "shop.example.com")));
}

#[test]
fn what_the_route_sets() {
    let slow = "
  - match: [{uri: {prefix: /list}}]
    timeout: 1s # here
    route: [{destination: {host: reviews}}]
  - timeout: 9s
    route: [{destination: {host: reviews}}]";
    named("request-timeout", &[CLUSTER, "details=response_timeout", "flags=UT"], &routes(slow));
    named(
        "request-timeout",
        &[CLUSTER, "details=upstream_per_try_timeout", "flags=UT"],
        &routes(
            "
  - timeout: 9s
    retries:
      attempts: 2
      perTryTimeout: 1s # here
    route: [{destination: {host: reviews}}]",
        ),
    );
    silent("request-timeout", &[CLUSTER, "details=response_timeout", "route=default"], &routes(slow));
    named(
        "fault-injected",
        &[CLUSTER, "flags=DI"],
        &routes(
            "
  - fault:
      delay:
        percentage: {value: 100}
        fixedDelay: 5s # here
    route: [{destination: {host: reviews}}]",
        ),
    );
    named(
        "direct-response",
        &["details=direct_response"],
        &routes(
            "
  - directResponse:
      status: 503 # here",
        ),
    );
    named(
        "redirect-loop",
        &["status=301"],
        &routes(
            "
  - match: [{uri: {prefix: /list}}]
    redirect:
      uri: /list # here",
        ),
    );
    named(
        "keepalive-race",
        &[CLUSTER],
        &routes(
            "
  - retries:
      attempts: 0 # here
    route: [{destination: {host: reviews}}]",
        ),
    );
    named(
        "app-error",
        &[CLUSTER, "status=404", "details=via_upstream"],
        &routes(
            "
  - rewrite:
      uri: /v2 # here
    route: [{destination: {host: reviews}}]",
        ),
    );
    silent(
        "app-error",
        &[CLUSTER, "status=500", "details=via_upstream"],
        &routes(
            "
  - rewrite: {uri: /v2}
    route: [{destination: {host: reviews}}]",
        ),
    );
}

#[test]
fn numbers_of_the_destination_rule() {
    named(
        "circuit-breaker-overflow",
        &[CLUSTER, "flags=UO"],
        &policy(
            "
    connectionPool:
      tcp: {maxConnections: 100}
      http:
        http1MaxPendingRequests: 1 # here
        http2MaxRequests: 10",
        ),
    );
    named(
        "circuit-breaker-overflow",
        &["cluster=outbound|9080|v1|reviews.shop.svc.cluster.local"],
        &manifest(
            "DestinationRule",
            "reviews",
            "
  host: reviews
  trafficPolicy: {connectionPool: {http: {http2MaxRequests: 10}}}
  subsets:
  - name: v1
    labels: {version: v1}
    trafficPolicy:
      connectionPool:
        http:
          http2MaxRequests: 500 # here",
        ),
    );
    named(
        "no-healthy-endpoints",
        &["cluster=outbound|9080|v2|reviews.shop.svc.cluster.local"],
        &manifest(
            "DestinationRule",
            "reviews",
            "
  host: reviews
  subsets:
  - name: v2
    labels:
      app: reviews
      version: v2 # here",
        ),
    );
    named(
        "no-healthy-endpoints",
        &[CLUSTER],
        &policy(
            "
    outlierDetection:
      consecutive5xxErrors: 1 # here",
        ),
    );
    named(
        "protocol-error-upstream",
        &[CLUSTER],
        &policy(
            "
    connectionPool:
      http:
        h2UpgradePolicy: UPGRADE # here",
        ),
    );
    silent(
        "upstream-connection-timeout",
        &[CLUSTER],
        &policy(
            "
    connectionPool: {tcp: {connectTimeout: 1s}}",
        ),
    );
}

#[test]
fn tls_that_both_ends_do_not_agree_on() {
    let strict =
        |more: &str, mark: &str| manifest("PeerAuthentication", "strict", &format!("{more}  mtls:\n    mode: STRICT{mark}"));
    let plain = |mark: &str| policy(&format!("    tls:\n      mode: DISABLE{mark}"));
    named("plaintext-to-tls-port", &[CLUSTER], &(strict("", "") + &plain(" # here")));
    named("plaintext-to-tls-port", &[CLUSTER], &(strict("  selector: {matchLabels: {app: reviews}}\n", " # here") + &plain("")));
    named("plaintext-to-tls-port", &[CLUSTER], &strict("", " # here"));
    named("upstream-closed-connection", &[CLUSTER], &(strict("", "") + &plain(" # here")));
    silent("upstream-closed-connection", &[CLUSTER], &strict("", ""));
    named(
        "no-filter-chain",
        &["pod=reviews-1-2", "side=inbound", "downstream_local_address=10.0.0.1:9080"],
        &strict("", " # here"),
    );
    named("tls-to-plaintext-port", &[CLUSTER], &policy("    tls:\n      mode: SIMPLE # here"));
    named(
        "certificate-verify-failed",
        &[
            CLUSTER,
            "details=upstream_reset_before_response_started{remote_connection_failure|TLS_error:|CERTIFICATE_VERIFY_FAILED:verify_cert_failed:_SAN_matcher,_certificate_SANs_are_[a.example,_*.b.example]:TLS_error_end}",
        ],
        &policy(
            "
    tls:
      mode: SIMPLE
      subjectAltNames:
      - x.b.example
      - c.example # here",
        ),
    );
    silent(
        "certificate-verify-failed",
        &[CLUSTER, "upstream_transport_failure=TLS_error:|CERTIFICATE_VERIFY_FAILED:certificate_has_expired"],
        &policy(
            "
    tls: {mode: SIMPLE, caCertificates: /etc/ca.pem}",
        ),
    );
}

#[test]
fn policies_that_refuse() {
    let policy = |name: &str, spec: &str| {
        manifest("AuthorizationPolicy", name, &format!("  selector: {{matchLabels: {{app: reviews}}}}\n{spec}"))
    };
    let inbound = |details: &'static str| ["pod=reviews-1-2", "side=inbound", "cluster=inbound|9080||", "status=403", details];
    named(
        "rbac-denied",
        &inbound("details=rbac_access_denied_matched_policy[ns[shop]-policy[deny]-rule[1]]"),
        &policy(
            "deny",
            "
  action: DENY
  rules:
  - to: [{operation: {paths: ['/list']}}]
  - from: [{source: {principals: ['*']}}]
    to:
    - operation:
        paths:
        - /other
        - /li* # here",
        ),
    );
    named(
        "rbac-denied",
        &inbound("details=rbac_access_denied_matched_policy[none]"),
        &policy(
            "allow",
            "
  rules:
  - to:
    - operation:
        methods: [POST] # here
  - to: [{operation: {paths: [/x]}}]",
        ),
    );
    named(
        "rbac-denied",
        &inbound("details=rbac_access_denied_matched_policy[none]"),
        &policy(
            "allow",
            "
  rules:
  - to: [{operation: {methods: [POST]}}]
  - from:
    - source:
        principals: [cluster.local/ns/shop/sa/web] # here
    to: [{operation: {methods: [GET]}}]",
        ),
    );
    silent(
        "rbac-denied",
        &inbound("details=rbac_access_denied_matched_policy[ns[other]-policy[deny]-rule[0]]"),
        &policy(
            "deny",
            "
  action: DENY
  rules: [{to: [{operation: {paths: ['/list']}}]}]",
        ),
    );
    let tokens = manifest(
        "RequestAuthentication",
        "login",
        "
  selector: {matchLabels: {app: reviews}}
  jwtRules:
  - jwksUri: https://login.example/keys
    issuer: https://login.example # here",
    );
    named("jwt-rejected", &inbound("details=jwt_authn_access_denied{Jwt_issuer_is_not_configured}"), &tokens);
    silent("jwt-rejected", &inbound("details=jwt_authn_access_denied{Jwt_is_expired}"), &tokens);
}

#[test]
fn limits_of_envoy_filters() {
    let filter = |value: &str| {
        manifest(
            "EnvoyFilter",
            "limit",
            &format!(
                "
  configPatches:
  - applyTo: NETWORK_FILTER
    match: {{context: SIDECAR_OUTBOUND}}
    patch:
      operation: MERGE
      value:
        typed_config:
          {value}"
            ),
        )
    };
    named("headers-too-large", &["status=431"], &filter("max_request_headers_kb: 1 # here"));
    named(
        "too-many-headers",
        &["status=431"],
        &filter("common_http_protocol_options:\n            max_headers_count: 10 # here"),
    );
    named("stream-idle-timeout", &["status=408"], &filter("streamIdleTimeout: 1s # here"));
    silent("stream-idle-timeout", &["status=408", "side=inbound"], &filter("stream_idle_timeout: 1s"));
}

#[test]
fn workloads_that_listen_elsewhere() {
    let ingress = manifest(
        "Sidecar",
        "reviews",
        "
  workloadSelector: {labels: {app: reviews}}
  ingress:
  - port: {number: 9080, name: http, protocol: HTTP}
    defaultEndpoint: 127.0.0.1:7777 # here",
    );
    let inbound = ["pod=reviews-1-2", "side=inbound", "cluster=inbound|9080||", "upstream_host=127.0.0.1:7777"];
    named("upstream-connection-refused", &inbound, &ingress);
    silent("upstream-connection-refused", &inbound, &ingress.replace("7777", "9080"));
    silent("upstream-connection-refused", &[CLUSTER, "upstream_host=10.0.0.1:9080"], "");
}

#[test]
fn what_looks_healthy_is_a_failure_where_the_files_prove_it() {
    let hidden = |more: &[&str], manifests: &str| {
        let files = [Source { name: "all.yaml".to_owned(), text: format!("{REVIEWS}{manifests}") }];
        with_mesh(&files, None, &Settings::default(), |mesh, _| hidden_failure(mesh, &facts(more)).map(|(cause, _)| cause.slug))
    };
    let redirect = |to: &str| routes(&format!("  - match: [{{uri: {{prefix: /list}}}}]\n    redirect: {{{to}}}"));
    let moved = ["status=301", "details=direct_response"];
    assert_eq!(hidden(&moved, &redirect("uri: /list/all")), Some("redirect-loop"));
    assert_eq!(hidden(&moved, &redirect("uri: /other")), None);
    assert_eq!(hidden(&moved, &redirect("authority: elsewhere.example.com")), None);
}

#[test]
fn the_timeout_that_was_over_is_named() {
    let two = |first: &str, second: &str| {
        routes(&format!(
            "  - match: [{{headers: {{x-user: {{exact: a}}}}}}]\n    timeout: {first}\n    route: [{{destination: {{host: reviews}}}}]\n  \
             - timeout: {second}\n    route: [{{destination: {{host: reviews}}}}]"
        ))
    };
    let took = |duration: &'static str| [CLUSTER, "details=response_timeout", "flags=UT", duration];
    named("request-timeout", &took("duration_ms=2003"), &two("2s # here", "500ms"));
    named("request-timeout", &took("duration_ms=501"), &two("2s", "500ms # here"));
}

#[test]
fn servers_that_pass_tls_through() {
    let edge = |mark: &str| {
        manifest(
            "Gateway",
            "edge",
            &format!(
                "  selector: {{istio: ingressgateway}}\n  servers:\n  - port: {{number: 443, name: tls, protocol: TLS}}\n    hosts: \
                 ['*.example.com']\n    tls:\n      mode: PASSTHROUGH{mark}"
            ),
        )
    };
    let routed = |list: &str| {
        let common = "  hosts: ['*.example.com']\n  gateways: [edge]\n";
        manifest("VirtualService", "edge", &format!("{common}{list}\n    route: [{{destination: {{host: reviews}}}}]"))
    };
    let asked =
        ["pod=istio-ingressgateway-1", "side=gateway", "server_name=a.example.com", "downstream_local_address=10.0.0.1:8443"];
    named("no-filter-chain", &asked, &(edge(" # here") + &routed("  http:\n  - name: all")));
    named(
        "no-filter-chain",
        &asked,
        &(edge("") + &routed("  tls:\n  - match:\n    - sniHosts:\n      - z.other.org\n      - b.example.com # here")),
    );
    silent("no-filter-chain", &asked, &(edge("") + &routed("  tls:\n  - match: [{sniHosts: [a.example.com]}]")));
}

#[test]
fn endpoints_of_service_entries() {
    let cluster = |flags| ["cluster=outbound|80||db.other.svc.cluster.local", "authority=db.other", flags];
    let entry = |more: &str| {
        manifest(
            "ServiceEntry",
            "db",
            &format!("  hosts: [db.other.svc.cluster.local]\n  ports: [{{number: 80, name: http, protocol: HTTP}}]\n{more}"),
        )
    };
    let machine = manifest("WorkloadEntry", "vm", "  address: 10.0.0.9\n  labels: {app: db}");
    let selecting = |app: &str| entry(&format!("  workloadSelector:\n    labels:\n      app: {app}"));
    named("no-healthy-endpoints", &cluster("flags=UH"), &(selecting("dbs # here") + &machine));
    silent("no-healthy-endpoints", &cluster("flags=UH"), &(selecting("db") + &machine));
    named(
        "tls-to-plaintext-port",
        &cluster("flags=UF"),
        &entry("  endpoints:\n  - address: 10.0.0.9\n    labels:\n      security.istio.io/tlsMode: istio # here"),
    );
    named(
        "certificate-verify-failed",
        &cluster(
            "upstream_transport_failure=TLS_error:|CERTIFICATE_VERIFY_FAILED:verify_cert_failed:_SAN_matcher,\
             _certificate_SANs_are_[spiffe://cluster.local/ns/other/sa/new]:TLS_error_end",
        ),
        &entry("  endpoints:\n  - address: 10.0.0.9\n    serviceAccount: old # here"),
    );
}

#[test]
fn ports_that_are_declared_as_something_else() {
    let entry = |port: i64, protocol: &str| {
        let spec = format!("  hosts: [api.example.com]\n  ports:\n  - number: {port}\n    name: web\n    protocol: {protocol}");
        manifest("ServiceEntry", "api", &spec)
    };
    let http2 = ["cluster=outbound|80||api.example.com", "authority=api.example.com", "flags=UPE", "protocol=HTTP/1.1"];
    named("protocol-error-upstream", &http2, &entry(80, "HTTP2 # here"));
    silent("protocol-error-upstream", &http2, &entry(80, "HTTP"));
}
