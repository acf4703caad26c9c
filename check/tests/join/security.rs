//! TLS and policies.

use super::*;

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
