//! What was set for a route, a host or a proxy.

use super::*;

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
