//! Whether anything failed at all: examples, one rule at a time.

use meshwhy_core::event::Event;
use meshwhy_core::{Decisive, ResponseFlags};

fn http(status: u16, flags: &str, details: &'static str) -> Decisive<'static> {
    Decisive { status: Some(status), flags: ResponseFlags::parse(flags), details: Some(details.into()), ..Decisive::default() }
}

#[test]
fn what_failed_and_what_did_not() {
    const REFUSED: &str = "delayed_connect_error:_111";
    const INSPECTED: &str = "TLS_error|error:1000009c:SSL routines:OPENSSL_internal:HTTP_REQUEST";
    let facts = Decisive::default;
    let upstream = |facts| Decisive { upstream_transport_failure: Some(REFUSED.into()), ..facts };
    let downstream = |reason: &'static str, facts| Decisive { downstream_transport_failure: Some(reason.into()), ..facts };
    let terminated = |facts| Decisive { termination_details: Some("rbac_access_denied_matched_policy[none]".into()), ..facts };
    let upstream_codec = |facts| Decisive { upstream_local_close: Some("codec_error:http2.violation".into()), ..facts };
    let downstream_codec = |facts| Decisive { downstream_local_close: Some("codec_error:http2.flood".into()), ..facts };
    let grpc = |status, facts| Decisive { grpc_status: Some(status), ..facts };
    let noticed = |event| Decisive { event: Some(event), ..Decisive::default() };
    let healthy = [
        facts(),
        http(0, "-", ""),
        http(200, "-", "via_upstream"),
        http(399, "-", "direct_response"),
        http(200, "DI", "via_upstream"),
        http(200, "RFCF", "cache.response_from_cache_filter"),
        // A retry may have succeeded after a connection that failed.
        upstream(http(200, "-", "via_upstream")),
        downstream(INSPECTED, http(200, "-", "via_upstream")),
        http(101, "UC", "upstream_reset_after_response_started{connection_termination}"),
        grpc(0, http(200, "-", "via_upstream")),
        grpc(14, http(302, "-", "via_upstream")),
        http(0, "DR", "http2.remote_reset"),
        http(0, "DR", "http3.remote_reset"),
        http(200, "DR", "http2.remote_reset"),
        terminated(http(0, "DR", "http2.remote_reset")),
        downstream_codec(http(0, "DR", "http2.remote_reset")),
        terminated(http(200, "-", "via_upstream")),
        downstream_codec(http(200, "-", "via_upstream")),
        http(0, "-", "via_upstream"),
        noticed(Event::WasmLoadPending),
    ];
    let failed = [
        http(400, "-", "via_upstream"),
        http(503, "DI", "direct_response"),
        upstream(facts()),
        upstream(http(0, "-", "via_upstream")),
        downstream("TLS error: 268435612:SSL routines:OPENSSL_internal:HTTP_REQUEST", facts()),
        downstream(INSPECTED, http(0, "NR", "filter_chain_not_found")),
        http(200, "UC", "via_upstream"),
        http(200, "DI,UC", "via_upstream"),
        // A flag of a later Envoy.
        Decisive { flags: Some(ResponseFlags(1 << 60)), ..http(200, "-", "via_upstream") },
        // Envoy refuses a gRPC call with status 200.
        http(200, "-", "rbac_access_denied_matched_policy[none]"),
        http(200, "-", "route_not_found"),
        grpc(14, http(200, "-", "via_upstream")),
        grpc(14, facts()),
        http(0, "DR", "downstream_remote_disconnect"),
        http(0, "-", "downstream_remote_disconnect"),
        http(0, "-", "of a later Envoy"),
        terminated(http(0, "-", "http2.remote_reset")),
        terminated(facts()),
        upstream_codec(facts()),
        downstream_codec(facts()),
        noticed(Event::TraceContextMissing),
    ];
    for (cases, fails) in [(healthy.as_slice(), false), (&failed, true)] {
        for facts in cases {
            assert_eq!(facts.shows_failure(), fails, "{facts:?}");
        }
    }
}
