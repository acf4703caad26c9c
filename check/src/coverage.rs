//! Which entry answers which problem that people write about: the rows of five collections of Istio problems, in their order.
//!
//! Rules and causes are named by their statics, so that none can be misspelt or gone; a test demands an answer for every row, and `docs/coverage.md`
//! is generated from it.

use meshwhy_core::{Cause, causes};

use crate::rules::{self, Rule};

/// What answers a problem.
#[derive(Debug, Clone, Copy)]
pub enum CoverageAnswer {
    /// A rule on manifests; its folder holds its tests.
    Rule(&'static Rule),
    /// A cause of failed requests; its folder holds its cases.
    Cause(&'static Cause),
    /// Something that is no finding: a command, or nothing that could be detected.
    Help(&'static str),
}

/// A problem.
#[derive(Debug, Clone, Copy)]
pub struct CoverageRow {
    /// Its number.
    pub id: &'static str,
    /// What people see.
    pub symptom: &'static str,
    /// What answers it.
    pub answers: &'static [CoverageAnswer],
}

use CoverageAnswer::{Cause as C, Help, Rule as R};

/// All rows.
pub const ROWS: &[CoverageRow] = &[
    CoverageRow {
        id: "R01",
        symptom: "A pod with a sidecar cannot reach a Service without",
        answers: &[
            R(&rules::istio_mutual_without_proxy::RULE),
            R(&rules::mtls_label_without_proxy::RULE),
            C(&causes::tls_to_plaintext_port::CAUSE),
        ],
    },
    CoverageRow {
        id: "R02",
        symptom: "A load test with HTTP/1.0 never trips the circuit breaker",
        answers: &[C(&causes::http10_rejected::CAUSE)],
    },
    CoverageRow {
        id: "R03",
        symptom: "A port of Istio's own is declared; listeners are rejected",
        answers: &[
            R(&rules::reserved_port::RULE),
            R(&rules::refused_configuration::RULE),
            C(&causes::config_rejected::CAUSE),
            C(&causes::listener_conflict::CAUSE),
        ],
    },
    CoverageRow {
        id: "R04",
        symptom: "gRPC config stream closed: 13 or 14",
        answers: &[C(&causes::xds_disconnect_benign::CAUSE), C(&causes::xds_unreachable::CAUSE)],
    },
    CoverageRow {
        id: "R05",
        symptom: "The volume istio-token cannot be mounted",
        answers: &[C(&causes::istio_token_mount::CAUSE), C(&causes::root_certificate_missing::CAUSE)],
    },
    CoverageRow {
        id: "R06",
        symptom: "Ports, annotations, supported versions",
        answers: &[Help("the sources of every entry, `meshwhy causes CODE` and `meshwhy rules CODE`")],
    },
    CoverageRow {
        id: "R07",
        symptom: "Locality-aware routing has no effect",
        answers: &[R(&rules::locality_without_outlier_detection::RULE)],
    },
    CoverageRow {
        id: "R08",
        symptom: "Locality has no effect on a headless Service",
        answers: &[R(&rules::headless_load_balancing::RULE)],
    },
    CoverageRow {
        id: "R09",
        symptom: "The proxy's locality is not known",
        answers: &[Help("`node.locality` of a config dump; confirmed in the texts of locality-without-outlier-detection")],
    },
    CoverageRow {
        id: "R10",
        symptom: "Certificates of a sidecar",
        answers: &[
            R(&rules::invalid_gateway_credential::RULE),
            R(&rules::proxy_certificate_expired::RULE),
            R(&rules::still_warming::RULE),
            C(&causes::certificate_expired::CAUSE),
            C(&causes::certificate_verify_failed::CAUSE),
        ],
    },
    CoverageRow {
        id: "R11",
        symptom: "istiod cannot be reached",
        answers: &[C(&causes::xds_unreachable::CAUSE), R(&rules::debug_endpoint_unauthenticated::RULE)],
    },
    CoverageRow {
        id: "R12",
        symptom: "Statistics of a proxy",
        answers: &[Help("the steps to confirm in texts, `pilot-agent request GET stats`")],
    },
    CoverageRow { id: "R13", symptom: "Injection turned off by annotation", answers: &[R(&rules::deprecated_annotation::RULE)] },
    CoverageRow {
        id: "R14",
        symptom: "CPU and memory of the proxy",
        answers: &[R(&rules::proxy_resources::RULE), R(&rules::invalid_annotation::RULE), C(&causes::proxy_out_of_memory::CAUSE)],
    },
    CoverageRow { id: "R15", symptom: "Log levels of the proxy", answers: &[R(&rules::invalid_annotation::RULE)] },
    CoverageRow {
        id: "R16",
        symptom: "IP ranges that are not intercepted",
        answers: &[
            R(&rules::excluded_cluster_ips::RULE),
            R(&rules::excluded_service_port::RULE),
            R(&rules::invalid_annotation::RULE),
        ],
    },
    CoverageRow { id: "R17", symptom: "Mutual TLS off for the mesh", answers: &[R(&rules::mesh_mtls_disabled::RULE)] },
    CoverageRow {
        id: "R18",
        symptom: "Header limits by EnvoyFilter",
        answers: &[
            R(&rules::deprecated_filter_name::RULE),
            R(&rules::header_limit_out_of_range::RULE),
            R(&rules::missing_filter_match::RULE),
            C(&causes::headers_too_large::CAUSE),
        ],
    },
    CoverageRow {
        id: "R19",
        symptom: "Header names in their case, by EnvoyFilter",
        answers: &[R(&rules::capital_type_url::RULE), R(&rules::unknown_type_url::RULE)],
    },
    CoverageRow {
        id: "R20",
        symptom: "gzip on the gateway",
        answers: &[R(&rules::relative_without_priority::RULE), R(&rules::relative_to_patched_filter::RULE)],
    },
    CoverageRow {
        id: "R21",
        symptom: "A header by Lua",
        answers: &[R(&rules::lua_inline_code::RULE), R(&rules::deprecated_filter_name::RULE)],
    },
    CoverageRow {
        id: "R22",
        symptom: "431",
        answers: &[
            C(&causes::headers_too_large::CAUSE),
            C(&causes::too_many_headers::CAUSE),
            C(&causes::cookies_too_large::CAUSE),
            R(&rules::header_limit_out_of_range::RULE),
        ],
    },
    CoverageRow {
        id: "R23",
        symptom: "404 for the address of a pod",
        answers: &[R(&rules::headless_http_port::RULE), C(&causes::no_route::CAUSE), C(&causes::no_virtual_host::CAUSE)],
    },
    CoverageRow {
        id: "R24",
        symptom: "426 for clients with HTTP/1.0",
        answers: &[C(&causes::http10_rejected::CAUSE), R(&rules::http10_setting::RULE)],
    },
    CoverageRow { id: "R25", symptom: "Building Istio from source", answers: &[Help("nothing to detect")] },
    CoverageRow {
        id: "R26",
        symptom: "The protocol of a port is not declared",
        answers: &[
            R(&rules::port_without_protocol::RULE),
            R(&rules::http_route_on_tcp_port::RULE),
            R(&rules::conflicting_service_protocols::RULE),
            R(&rules::external_name_port::RULE),
        ],
    },
    CoverageRow {
        id: "R27",
        symptom: "503 for a moment while rules are applied",
        answers: &[R(&rules::missing_subset::RULE), C(&causes::no_cluster::CAUSE), Help("`meshwhy plan OLD NEW`")],
    },
    CoverageRow {
        id: "R28",
        symptom: "Nobody knows which hop answered",
        answers: &[Help("`meshwhy diagnose`: every entry names its hop and side, and whose decision it was")],
    },
    CoverageRow {
        id: "R29",
        symptom: "No healthy upstream",
        answers: &[
            C(&causes::no_healthy_endpoints::CAUSE),
            R(&rules::service_selects_no_pod::RULE),
            R(&rules::zero_replicas::RULE),
        ],
    },
    CoverageRow {
        id: "R30",
        symptom: "A subset is missing",
        answers: &[R(&rules::missing_subset::RULE), R(&rules::missing_destination_host::RULE), C(&causes::no_cluster::CAUSE)],
    },
    CoverageRow {
        id: "R31",
        symptom: "The port does not listen",
        answers: &[
            C(&causes::upstream_connection_refused::CAUSE),
            C(&causes::upstream_connection_timeout::CAUSE),
            C(&causes::upstream_host_unreachable::CAUSE),
            R(&rules::target_port_not_in_container::RULE),
        ],
    },
    CoverageRow {
        id: "R32",
        symptom: "The application starts before the proxy",
        answers: &[R(&rules::start_order::RULE), C(&causes::proxy_not_started::CAUSE)],
    },
    CoverageRow {
        id: "R33",
        symptom: "Errors while pods stop",
        answers: &[R(&rules::drain::RULE), C(&causes::listener_drain::CAUSE), C(&causes::upstream_closed_connection::CAUSE)],
    },
    CoverageRow {
        id: "R34",
        symptom: "The gateway's Service lacks the port",
        answers: &[R(&rules::gateway_port_not_on_service::RULE), R(&rules::gateway_selects_no_pod::RULE)],
    },
    CoverageRow { id: "R35", symptom: "A VirtualService lost mesh", answers: &[R(&rules::lost_mesh_gateway::RULE)] },
    CoverageRow { id: "R36", symptom: "A second VirtualService for a host", answers: &[R(&rules::conflicting_mesh_hosts::RULE)] },
    CoverageRow {
        id: "R37",
        symptom: "Traces are not joined",
        answers: &[
            C(&causes::trace_context_missing::CAUSE),
            C(&causes::trace_not_sampled::CAUSE),
            R(&rules::no_tracing_provider::RULE),
            R(&rules::removed_tracing_provider::RULE),
            R(&rules::unknown_telemetry_provider::RULE),
        ],
    },
    CoverageRow {
        id: "R38",
        symptom: "Connections end once a DestinationRule is there",
        answers: &[
            R(&rules::plaintext_to_strict::RULE),
            C(&causes::plaintext_to_tls_port::CAUSE),
            C(&causes::upstream_closed_connection::CAUSE),
        ],
    },
    CoverageRow {
        id: "R39",
        symptom: "An application that binds one address",
        answers: &[R(&rules::localhost_listener::RULE), C(&causes::upstream_connection_refused::CAUSE)],
    },
    CoverageRow {
        id: "R40",
        symptom: "503 with NR, UO or UF; no access log",
        answers: &[
            R(&rules::no_access_log::RULE),
            R(&rules::access_log_hides_failures::RULE),
            C(&causes::no_route::CAUSE),
            C(&causes::circuit_breaker_overflow::CAUSE),
        ],
    },
    CoverageRow {
        id: "R41",
        symptom: "Rules seem to be ignored",
        answers: &[R(&rules::unreachable_route::RULE), R(&rules::ineffective_match::RULE)],
    },
    CoverageRow {
        id: "R42",
        symptom: "A DestinationRule causes 503",
        answers: &[R(&rules::plaintext_to_strict::RULE), R(&rules::auto_mtls_off::RULE)],
    },
    CoverageRow {
        id: "R43",
        symptom: "Subsets have no effect for requests from the gateway",
        answers: &[R(&rules::subset_lost_at_gateway::RULE)],
    },
    CoverageRow {
        id: "R44",
        symptom: "Envoy runs out of descriptors",
        answers: &[
            C(&causes::file_descriptors_exhausted::CAUSE),
            C(&causes::overload::CAUSE),
            C(&causes::proxy_out_of_memory::CAUSE),
        ],
    },
    CoverageRow {
        id: "R45",
        symptom: "nginx speaks HTTP/1.0",
        answers: &[R(&rules::nginx_http10::RULE), C(&causes::http10_rejected::CAUSE)],
    },
    CoverageRow {
        id: "R46",
        symptom: "The address of a pod under STRICT",
        answers: &[
            R(&rules::headless_http_port::RULE),
            C(&causes::upstream_closed_connection::CAUSE),
            C(&causes::no_filter_chain::CAUSE),
        ],
    },
    CoverageRow {
        id: "R47",
        symptom: "HTTPS to a port declared HTTP",
        answers: &[R(&rules::https_declared_as_http::RULE), C(&causes::protocol_error_downstream::CAUSE)],
    },
    CoverageRow {
        id: "R48",
        symptom: "TLS mode of a Gateway against routes",
        answers: &[
            R(&rules::gateway_tls_route_mismatch::RULE),
            R(&rules::invalid_regex::RULE),
            R(&rules::gateway_protocol_without_tls::RULE),
        ],
    },
    CoverageRow { id: "R49", symptom: "TLS twice", answers: &[R(&rules::double_tls::RULE)] },
    CoverageRow {
        id: "R50",
        symptom: "One certificate on several Gateways",
        answers: &[R(&rules::duplicate_gateway_certificate::RULE), R(&rules::conflicting_gateways::RULE)],
    },
    CoverageRow {
        id: "R51",
        symptom: "No SNI is sent",
        answers: &[R(&rules::unmatched_sni::RULE), C(&causes::no_filter_chain::CAUSE)],
    },
    CoverageRow {
        id: "R52",
        symptom: "An EnvoyFilter stops working",
        answers: &[
            R(&rules::relative_without_priority::RULE),
            R(&rules::relative_to_patched_filter::RULE),
            R(&rules::filter_after_router::RULE),
            R(&rules::match_of_another_object::RULE),
            R(&rules::filter_patch_not_landed::RULE),
        ],
    },
    CoverageRow {
        id: "R53",
        symptom: "A fault together with retries",
        answers: &[R(&rules::fault_with_retries::RULE), C(&causes::fault_injected::CAUSE)],
    },
    CoverageRow {
        id: "R54",
        symptom: "JWT login fails",
        answers: &[
            C(&causes::jwt_rejected::CAUSE),
            C(&causes::jwks_fetch_failed::CAUSE),
            R(&rules::unknown_field::RULE),
            R(&rules::authentication_without_requirement::RULE),
            R(&rules::jwks_fetch_unrestricted::RULE),
        ],
    },
    CoverageRow {
        id: "R55",
        symptom: "A policy denies or allows too much",
        answers: &[
            C(&causes::rbac_denied::CAUSE),
            R(&rules::deny_everything::RULE),
            R(&rules::allow_everything::RULE),
            R(&rules::policy_selects_nothing::RULE),
            R(&rules::principals_need_mtls::RULE),
        ],
    },
    CoverageRow {
        id: "R56",
        symptom: "istiod refuses a policy",
        answers: &[C(&causes::configuration_invalid::CAUSE), R(&rules::unknown_value::RULE), R(&rules::exclusive_fields::RULE)],
    },
    CoverageRow {
        id: "R57",
        symptom: "istiod does not push a policy",
        answers: &[Help("`istioctl proxy-status`, in the steps to confirm of rbac-denied")],
    },
    CoverageRow {
        id: "R58",
        symptom: "Clocks differ",
        answers: &[C(&causes::jwt_rejected::CAUSE), C(&causes::certificate_expired::CAUSE)],
    },
    CoverageRow {
        id: "R59",
        symptom: "Prometheus does not see Istio",
        answers: &[R(&rules::reserved_scrape_port::RULE), R(&rules::scrape_refused_by_strict_mtls::RULE)],
    },
    CoverageRow {
        id: "R60",
        symptom: "Validation fails",
        answers: &[
            C(&causes::admission_refused::CAUSE),
            C(&causes::configuration_invalid::CAUSE),
            R(&rules::malformed_value::RULE),
            R(&rules::missing_field::RULE),
            R(&rules::wrong_type::RULE),
        ],
    },
    CoverageRow {
        id: "R61",
        symptom: "istioctl analyze, describe, check-inject",
        answers: &[Help("`meshwhy check`, and in the steps to confirm")],
    },
    CoverageRow { id: "R62", symptom: "Logs of Envoy and istiod", answers: &[Help("`meshwhy diagnose` reads both")] },
    CoverageRow {
        id: "R63",
        symptom: "Traffic between clusters fails",
        answers: &[
            R(&rules::unknown_network_registry::RULE),
            C(&causes::upstream_connection_timeout::CAUSE),
            C(&causes::certificate_verify_failed::CAUSE),
        ],
    },
    CoverageRow {
        id: "R64",
        symptom: "A policy does not reach the other cluster",
        answers: &[Help("manifests of both clusters, one after the other: `meshwhy check`")],
    },
    CoverageRow { id: "R65", symptom: "no port available", answers: &[C(&causes::platform_message::CAUSE)] },
    CoverageRow {
        id: "R66",
        symptom: "A page of the platform",
        answers: &[Help("a healthy page of the platform's own; nothing in it says whose it is")],
    },
    CoverageRow { id: "R67", symptom: "proxy request failed(data)", answers: &[C(&causes::platform_message::CAUSE)] },
    CoverageRow {
        id: "R68",
        symptom: "upstream connect error … Connection refused",
        answers: &[C(&causes::upstream_connection_refused::CAUSE)],
    },
    CoverageRow { id: "R69", symptom: "no healthy upstream", answers: &[C(&causes::no_healthy_endpoints::CAUSE)] },
    CoverageRow {
        id: "R70",
        symptom: "A subset that selects no pod",
        answers: &[R(&rules::subset_selects_no_pod::RULE), C(&causes::no_healthy_endpoints::CAUSE)],
    },
    CoverageRow {
        id: "R71",
        symptom: "The init container fails without iptables modules",
        answers: &[C(&causes::traffic_redirection_failed::CAUSE)],
    },
    CoverageRow { id: "R72", symptom: "Labels app and version", answers: &[R(&rules::missing_app_label::RULE)] },
    CoverageRow { id: "R73", symptom: "Port names", answers: &[R(&rules::port_without_protocol::RULE)] },
    CoverageRow {
        id: "R74",
        symptom: "The way LDS, RDS, CDS, EDS",
        answers: &[Help("the steps to confirm of no-route, no-cluster and no-healthy-endpoints, in this order")],
    },
    CoverageRow {
        id: "R75",
        symptom: "Circuit breaking without tls under mutual TLS",
        answers: &[R(&rules::plaintext_to_strict::RULE), C(&causes::upstream_closed_connection::CAUSE)],
    },
    CoverageRow {
        id: "R76",
        symptom: "The server's log shows nothing",
        answers: &[C(&causes::tls_handshake_failed::CAUSE), C(&causes::no_filter_chain::CAUSE)],
    },
    CoverageRow {
        id: "R77",
        symptom: "Is it the breaker?",
        answers: &[C(&causes::circuit_breaker_overflow::CAUSE), R(&rules::connection_pool_of_one::RULE)],
    },
    CoverageRow {
        id: "R78",
        symptom: "consecutiveErrors; the order of DestinationRules",
        answers: &[R(&rules::deprecated_outlier_field::RULE), R(&rules::conflicting_destination_rules::RULE)],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_there_and_has_an_answer() {
        let ids: Vec<&str> = ROWS.iter().map(|row| row.id).collect();
        let wanted: Vec<String> = (1..=78).map(|number| format!("R{number:02}")).collect();
        assert_eq!(ids, wanted);
        assert!(ROWS.iter().all(|row| !row.answers.is_empty()));
    }
}
