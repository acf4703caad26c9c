//! The HTTP filters that istiod puts in front of the router.

use serde_json::{Value, json};

/// What every connection manager has, the policies first.
pub fn chain(policies: Vec<Value>) -> Vec<Value> {
    let rest = [
        json!({"name": "envoy.filters.http.grpc_stats", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.grpc_stats.v3.FilterConfig",
            "emit_filter_state": true,
            "stats_for_all_methods": false,
        }}),
        json!({"name": "envoy.filters.http.fault", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
        }}),
        json!({"name": "envoy.filters.http.cors", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors",
        }}),
        json!({"name": "envoy.filters.http.router", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
        }}),
    ];
    policies.into_iter().chain(rest).collect()
}

/// A CUSTOM policy for `/custom`, a RequestAuthentication that lets requests without a token pass, a DENY policy for `/admin`.
pub fn policies(authorizer: &str) -> Vec<Value> {
    let rbac = |config: Value| json!({"name": "envoy.filters.http.rbac", "typed_config": config});
    let kind = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";
    let policy = |prefix: &str| {
        json!({
            "permissions": [{"and_rules": {"rules": [{"or_rules": {"rules": [{"url_path": {"path": {"prefix": prefix}}}]}}]}}],
            "principals": [{"and_ids": {"ids": [{"any": true}]}}],
        })
    };
    vec![
        rbac(json!({
            "@type": kind,
            "shadow_rules": {"action": "DENY", "policies": {"istio-ext-authz-ns[demo]-policy[custom]-rule[0]": policy("/custom")}},
            "shadow_rules_stat_prefix": "istio_ext_authz_",
        })),
        json!({"name": "envoy.filters.http.ext_authz", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
            "transport_api_version": "V3",
            "http_service": {"server_uri": {"uri": "http://authorizer.demo.svc.cluster.local", "cluster": authorizer, "timeout": "5s"}},
            "stat_prefix": "custom",
            "filter_enabled_metadata": {
                "filter": "envoy.filters.http.rbac",
                "path": [{"key": "istio_ext_authz_shadow_effective_policy_id"}],
                "value": {"string_match": {"prefix": "istio-ext-authz"}},
            },
        }}),
        json!({"name": "envoy.filters.http.jwt_authn", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": {"origins-0": {
                "issuer": "https://login.demo",
                "local_jwks": {"inline_string": r#"{"keys": [{"kty": "oct", "alg": "HS256", "kid": "x", "k": "c2VjcmV0"}]}"#},
                "payload_in_metadata": "payload",
            }},
            "rules": [{"match": {"prefix": "/"}, "requires": {"requires_any": {"requirements": [
                {"provider_name": "origins-0"},
                {"allow_missing": {}},
            ]}}}],
            "bypass_cors_preflight": true,
        }}),
        rbac(json!({
            "@type": kind,
            "rules": {"action": "DENY", "policies": {"ns[demo]-policy[deny-admin]-rule[0]": policy("/admin")}},
            "shadow_rules_stat_prefix": "istio_dry_run_allow_",
        })),
    ]
}

/// A port that is not HTTP, with a policy that denies everyone.
pub fn denied(mut listener: Value) -> Value {
    let everyone = json!({
        "permissions": [{"and_rules": {"rules": [{"any": true}]}}],
        "principals": [{"and_ids": {"ids": [{"any": true}]}}],
    });
    let filter = json!({"name": "envoy.filters.network.rbac", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC",
        "rules": {"action": "DENY", "policies": {"ns[demo]-policy[deny-all]-rule[0]": everyone}},
        "stat_prefix": "tcp.",
        "shadow_rules_stat_prefix": "istio_dry_run_allow_",
    }});
    for chain in listener.get_mut("filter_chains").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(filters) = chain.get_mut("filters").and_then(Value::as_array_mut) {
            filters.insert(0, filter.clone());
        }
    }
    listener
}
