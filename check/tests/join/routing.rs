//! Where a request was to go.

use super::*;

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
