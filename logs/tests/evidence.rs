//! Phrases of real logs, events and bodies, and texts that are nearly the same and say nothing.

use meshwhy_core::event::Event;
use meshwhy_core::{Facts, judge};
use meshwhy_logs::{Formats, LineContent, parse_line};

fn facts(line: &str) -> Option<Facts<'static>> {
    match parse_line(line.as_bytes(), &Formats::default()).content {
        LineContent::Facts(facts, _) => Some(facts.into_owned()),
        _ => None,
    }
}

fn event(line: &str) -> Option<Event> {
    facts(line).and_then(|facts| facts.event)
}

fn details(line: &str) -> Option<String> {
    facts(line).and_then(|facts| facts.decisive.details).map(Into::into)
}

#[test]
fn the_control_plane_stream() {
    use Event::{CertificateUntrusted, SecretMissing, XdsControlPlaneError, XdsReconnect, XdsUnreachable, XdsWarning};
    const ENVOY: &str = "2024-04-11T17:39:13.039681Z\twarning\tenvoy config external/envoy/source/extensions/config_subscription/grpc/grpc_stream.h:190\t";
    for (text, expected) in [
        ("gRPC config stream closed: 13, ", XdsReconnect),
        ("StreamAggregatedResources gRPC config stream closed: 0, ", XdsReconnect),
        ("DeltaAggregatedResources gRPC config stream to xds-grpc closed: 14, transport is closing\tthread=28", XdsReconnect),
        (
            "StreamAggregatedResources gRPC config stream closed: 14, closing transport due to: connection error: desc = \"error reading from server: EOF\", received prior goaway: code: NO_ERROR, debug data: max_age",
            XdsReconnect,
        ),
        (
            "StreamAggregatedResources gRPC config stream to xds-grpc closed since 760s ago: 14, connection error: desc = \"transport: authentication handshake failed: read tcp 10.42.0.21:53054->198.19.0.100:15012: read: connection reset by peer\"",
            XdsUnreachable,
        ),
        ("gRPC config stream closed: 14, no healthy upstream", XdsUnreachable),
        (
            "gRPC config stream closed: 14, upstream connect error or disconnect/reset before headers. reset reason: connection failure",
            XdsUnreachable,
        ),
        (
            "gRPC config stream closed: 14, upstream connect error or disconnect/reset before headers. reset reason: connection termination",
            XdsReconnect,
        ),
        (
            "StreamAggregatedResources gRPC config stream closed: 14, connection error: desc = \"transport: authentication handshake failed: x509: certificate signed by unknown authority\"",
            CertificateUntrusted,
        ),
        ("gRPC config stream closed: 16, request authenticate failure", XdsControlPlaneError),
        ("StreamAggregatedResources gRPC config stream closed: 2, no instances found for 10.0.0.1", XdsControlPlaneError),
        ("gRPC config stream closed: 13, panic while building clusters", XdsControlPlaneError),
        (
            "StreamSecrets gRPC config stream closed: 2, failed to generate secret for file-cert:/etc/certs/cert-chain.pem: open /etc/certs/cert-chain.pem: no such file or directory",
            SecretMissing,
        ),
        ("StreamSecrets gRPC config stream closed: 2, failed to get root cert", SecretMissing),
        ("Unable to establish new stream", XdsUnreachable),
        ("gRPC config: initial fetch timed out for type.googleapis.com/envoy.config.cluster.v3.Cluster", XdsUnreachable),
        (
            "gRPC config: initial fetch timed out for type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
            SecretMissing,
        ),
        ("Ignoring unwatched type URL type.googleapis.com/envoy.config.route.v3.RouteConfiguration", XdsWarning),
        (
            "Ignoring the message for type URL type.googleapis.com/envoy.config.route.v3.RouteConfiguration as it has no current subscribers.",
            XdsWarning,
        ),
    ] {
        assert_eq!(event(&format!("{ENVOY}{text}")), Some(expected), "{text}");
        assert_eq!(event(text), Some(expected), "{text}");
    }
    for (line, expected) in [
        (
            "2021-03-01T10:00:00.000001Z\terror\txdsproxy\tupstream [12] terminated with unexpected error rpc error: code = Unavailable desc = error reading from server: EOF",
            XdsReconnect,
        ),
        (
            "2021-03-01T10:00:00.000001Z\twarn\txdsproxy\tupstream [3] terminated with unexpected error rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing dial tcp: lookup istiod.istio-system.svc: no such host\"",
            XdsUnreachable,
        ),
        (
            "2021-03-01T10:00:00Z\tinfo\tads\tADS: \"10.0.0.4:33878\" router~10.0.0.4~gw.istio-system~istio-system.svc.cluster.local-1 terminated rpc error: code = Canceled desc = context canceled",
            XdsReconnect,
        ),
        (
            "2024-09-26T10:15:42.309427Z warn xds::client XDS client connection error: gRPC connection error:status: Unknown, message: \"client error (Connect)\", source: tcp connect error: deadline has elapsed, retrying in 15s",
            XdsUnreachable,
        ),
        (
            "2025-09-09T08:42:05.768764Z\twarn\tsds\tfailed to warm certificate: failed to generate workload certificate: create certificate: rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: dial tcp 10.35.98.33:15012: i/o timeout\"",
            XdsUnreachable,
        ),
        (
            "2025-02-05T09:29:16.132688Z\terror\tcitadelclient\tfailed to sign CSR: create certificate: rpc error: code = Unauthenticated desc = request authenticate failure",
            SecretMissing,
        ),
        (
            "2021-08-23T05:58:53.770959Z\terror\tgoogleca\tFailed to create certificate: rpc error: code = Unavailable desc = connection error: desc = \"transport: authentication handshake failed: x509: certificate signed by unknown authority\"",
            CertificateUntrusted,
        ),
    ] {
        assert_eq!(event(line), Some(expected), "{line}");
    }
}

#[test]
fn configuration_that_envoy_refuses() {
    use Event::{
        ConfigRejected, DuplicateDomain, JwksFetchFailed, ListenerConflict, ProxyNotStarted, SecretMissing, WasmLoadFailed,
    };
    for (line, expected) in [
        (
            "warning\tenvoy config\tgRPC config for type.googleapis.com/envoy.config.listener.v3.Listener rejected: Error adding/updating listener(s) 0.0.0.0_8081: duplicate listener 0.0.0.0_8081 found",
            ListenerConflict,
        ),
        (
            "[2018-06-18 12:06:33.618][12][warning][config] external/envoy/source/server/listener_manager_impl.cc:378] error adding listener: 'http_10.0.0.1_80' has duplicate address '10.0.0.1:80' as existing listener",
            ListenerConflict,
        ),
        (
            "gRPC config for type.googleapis.com/envoy.api.v2.Listener rejected: Error adding/updating listener ingress: cannot bind '0.0.0.0:7014': Address already in use",
            ListenerConflict,
        ),
        (
            "gRPC config for type.googleapis.com/envoy.config.listener.v3.Listener rejected: Error adding/updating listener(s) 0.0.0.0_443: cannot bind '0.0.0.0:443': Permission denied",
            ConfigRejected,
        ),
        (
            "gRPC config for type.googleapis.com/envoy.api.v2.RouteConfiguration rejected: Only unique values for domains are permitted. Duplicate entry of domain a.b",
            DuplicateDomain,
        ),
        (
            "\"ADS:RDS: ACK ERROR web.shop Internal:Only unique values for domains are permitted. Duplicate entry of domain a.b.svc.cluster.local in route 9100.ipv6\"",
            DuplicateDomain,
        ),
        (
            "2021-04-02T07:57:14.951105Z\twarn\tads\tADS:LDS: ACK ERROR sidecar~10.0.0.7~a.b~b.svc.cluster.local-20 Internal:Error adding/updating listener(s) virtualInbound: Invalid path: /var/local/lib/x",
            ConfigRejected,
        ),
        (
            "gRPC config for type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig rejected: Unable to create Wasm HTTP filter",
            WasmLoadFailed,
        ),
        (
            "gRPC config for type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret rejected: Failed to load certificate chain from <inline>",
            SecretMissing,
        ),
        (
            "gRPC config for type.googleapis.com/envoy.api.v2.Listener rejected: Error adding/updating listener(s) virtualInbound: Proto constraint validation failed (JwtAuthenticationValidationError.Providers[key] | caused by JwtProviderValidationError.LocalJwks",
            JwksFetchFailed,
        ),
        (
            "[2018-08-30 23:03:32.470][23][critical][main] external/envoy/source/server/server.cc:78] error initializing configuration '/etc/istio/proxy/envoy.yaml': unable to read file: /etc/certs/root-cert.pem",
            SecretMissing,
        ),
        (
            "[critical][main] error initializing configuration '': Protobuf message (type envoy.config.bootstrap.v3.Bootstrap) has unknown fields",
            ProxyNotStarted,
        ),
        (
            "2022-05-18T10:18:02.435367Z\terror\tenvoy wasm\tFailed to load Wasm module due to a missing import: wasi_snapshot_preview1.fd_prestat_get",
            WasmLoadFailed,
        ),
        (
            "2026-11-21T17:41:40.494098Z\terror\tenvoy wasm source/extensions/common/wasm/wasm_vm.cc:38\tFunction: proxy_on_log failed: Uncaught RuntimeError: unreachable\tthread=27008",
            WasmLoadFailed,
        ),
        (
            "warn model skipping server on gateway shop/gw port https.443.HTTPS: conflict with existing server 80/http",
            ListenerConflict,
        ),
    ] {
        assert_eq!(event(line), Some(expected), "{line}");
    }
    let unknown = "gRPC config for type.googleapis.com/envoy.config.listener.v3.Listener rejected: Error adding/updating listener(s) a: route: unknown weighted cluster 'b'";
    assert_eq!(details(unknown).as_deref(), Some("cluster_not_found"));
}

#[test]
fn modules_that_envoy_fetches_itself() {
    use Event::{WasmLoadFailed, WasmLoadPending, WasmPluginMissing};
    for (level, logger, message, expected) in [
        ("warning", "wasm", "createWasm: failed to load (in progress) from http://module:8080/m.wasm", Some(WasmLoadPending)),
        ("warning", "wasm", "createWasm: failed to load (cached) from http://module:8080/m.wasm", Some(WasmLoadPending)),
        ("critical", "wasm", "Plugin meshwhy failed to load", Some(WasmPluginMissing)),
        ("critical", "wasm", "Plugin configured to fail closed failed to load", Some(WasmPluginMissing)),
        ("warning", "config", "Retry limit exceeded for fetching data from remote data source.", Some(WasmLoadFailed)),
        ("warning", "wasm", "Wasm remote code fetch is unstable and may cause a crash", None),
    ] {
        for line in [
            format!("2026-11-26T15:46:41.945000Z\t{level}\tenvoy {logger} source/x.cc:626\t{message}\tthread=26604"),
            format!("[2026-11-26 15:46:41.945][26604][{level}][{logger}] [source/x.cc:626] {message}"),
            format!(
                r#"{{"level":"{level}","time":"2026-11-26T15:46:41.945000Z","scope":"envoy {logger}","msg":"{message}","caller":"source/x.cc:626","thread":"26604"}}"#
            ),
        ] {
            let said = facts(&line).expect(&line);
            assert_eq!(said.event, expected, "{line}");
            let is_harmless = matches!(expected, None | Some(WasmLoadPending));
            assert_eq!(judge(&said).is_none(), is_harmless, "{line}");
        }
    }
}

#[test]
fn proxies_that_are_not_ready() {
    use Event::{ConfigRejected, ProxyNotReady, ProxyNotStarted, XdsUnreachable};
    for (why, expected) in [
        (
            "failed retrieving Envoy stats: Get http://127.0.0.1:15000/stats?usedonly: dial tcp 127.0.0.1:15000: connect: connection refused",
            ProxyNotStarted,
        ),
        ("failed to get readiness stats: Get \"http://127.0.0.1:15000/stats\": context deadline exceeded", ProxyNotReady),
        (
            "config not received from Pilot (is Pilot running?): cds updates: 0 successful, 0 rejected; lds updates: 0 successful, 0 rejected",
            XdsUnreachable,
        ),
        (
            "config not received from XDS server (is Istiod running?): cds updates: 0 successful, 0 rejected; lds updates: 0 successful, 0 rejected",
            XdsUnreachable,
        ),
        (
            "config not received from Pilot (is Pilot running?): cds updates: 2 successful, 0 rejected; lds updates: 0 successful, 2 rejected",
            ConfigRejected,
        ),
        (
            "config received from XDS server, but was rejected: cds updates: 1 successful, 0 rejected; lds updates: 0 successful, 1 rejected",
            ConfigRejected,
        ),
        (
            "config not fully received from XDS server: cds updates: 1 successful, 0 rejected; lds updates: 0 successful, 0 rejected",
            ProxyNotReady,
        ),
        ("workers have not yet started", ProxyNotReady),
        ("server is not live, current state is: PRE_INITIALIZING", ProxyNotReady),
    ] {
        assert_eq!(
            event(&format!("2019-04-07T17:49:01.724828Z\tinfo\tEnvoy proxy is NOT ready: {why}")),
            Some(expected),
            "{why}"
        );
    }
    assert_eq!(event("2020-01-01T00:00:00Z\twarn\tEpoch 0 terminated with an error: exit status 1"), Some(ProxyNotStarted));
}

#[test]
fn events_of_the_cluster() {
    use Event::{ProbeFailed, ProxyNotReady, RootCertificateMissing, TokenMountFailed, WebhookUntrusted};
    for (line, expected) in [
        (
            "  Warning  FailedMount  6m40s (x2 over 9m)  kubelet  Unable to attach or mount volumes: unmounted volumes=[istio-token], unattached volumes=[inject istio-token]: timed out waiting for the condition",
            TokenMountFailed,
        ),
        (
            "  Warning  FailedMount  9s  kubelet  MountVolume.SetUp failed for volume \"istio-token\" : failed to fetch token: the API server does not have TokenRequest endpoints enabled",
            TokenMountFailed,
        ),
        (
            "  Warning  FailedMount  2s  kubelet  MountVolume.SetUp failed for volume \"istiod-ca-cert\" : configmap \"istio-ca-root-cert\" not found",
            RootCertificateMissing,
        ),
        (
            "29m  Warning  Unhealthy  pod/istio-cni-node-p8wcz  Readiness probe failed: HTTP probe failed with statuscode: 503",
            ProbeFailed,
        ),
        (
            "  Warning  Unhealthy  3m  kubelet  Startup probe failed: Get \"http://10.0.0.9:15021/healthz/ready\": dial tcp 10.0.0.9:15021: connect: connection refused",
            ProbeFailed,
        ),
        (
            "Warning  FailedCreate  4m  replicaset-controller  Error creating: Internal error occurred: failed calling webhook \"namespace.sidecar-injector.istio.io\": failed to call webhook: Post \"https://istiod.istio-system.svc:443/inject?timeout=10s\": x509: certificate has expired or is not yet valid",
            WebhookUntrusted,
        ),
        (
            "2023-01-01T00:00:00Z\tinfo\thttp: TLS handshake error from 10.0.0.1:34566: remote error: tls: bad certificate",
            WebhookUntrusted,
        ),
        (
            "  Warning  FailedPostStartHook  1m  kubelet  Exec lifecycle hook ([pilot-agent wait]) for Container \"istio-proxy\" failed - error: command 'pilot-agent wait' exited with 255: Error: timeout waiting for Envoy proxy to become ready. Last error: HTTP status code 503",
            ProxyNotReady,
        ),
    ] {
        assert_eq!(event(line), Some(expected), "{line}");
    }
    let pod = facts("29m  Warning  Unhealthy  pod/web-1  Readiness probe failed: HTTP probe failed with statuscode: 503")
        .unwrap()
        .context
        .pod;
    assert_eq!(pod.as_deref(), Some("web-1"));
}

#[test]
fn envoy_s_own_log() {
    const HEAD: &str =
        "[2024-11-20 19:16:00.927][16][debug][http] [source/common/http/filter_manager.cc:1065] [Tags: \"ConnectionId\":\"19\"] ";
    for (text, expected) in [
        ("Sending local reply with details upgrade_failed", "upgrade_failed"),
        (
            "Sending local reply with details upstream_reset_before_response_started{connection failure,TLS error: 268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER}",
            "upstream_reset_before_response_started{connection failure,TLS error: 268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER}",
        ),
        ("stream reset: reset reason: local reset, response details: http1.codec_error", "http1.codec_error"),
        (
            "dispatch error: http/1.1 protocol error: HPE_INVALID_METHOD",
            "codec_error:http/1.1 protocol error: HPE_INVALID_METHOD",
        ),
        ("enforced denied, matched policy none", "rbac_access_denied_matched_policy[none]"),
        (
            "enforced denied, matched policy ns[shop]-policy[deny]-rule[0]",
            "rbac_access_denied_matched_policy[ns[shop]-policy[deny]-rule[0]]",
        ),
        ("Jwt authentication completed with: Jwt is expired", "jwt_authn_access_denied{Jwt_is_expired}"),
        ("no healthy host for HTTP connection pool", "no_healthy_upstream"),
        ("no cluster match for URL '/productpage'", "route_not_found"),
        ("no route match for URL '/x'", "route_not_found"),
        ("unknown cluster 'outbound|80|v3|web'", "cluster_not_found"),
        ("closing connection: no matching filter chain found", "filter_chain_not_found"),
        (
            "upstream reset: reset reason: remote connection failure, transport failure reason: delayed connect error: Connection refused",
            "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}",
        ),
        ("ext_authz filter rejected the request with an error. Response status code: 500", "ext_authz_error"),
        ("Stream max duration time reached", "max_duration_timeout"),
    ] {
        assert_eq!(details(&format!("{HEAD}{text}")).as_deref(), Some(expected), "{text}");
    }
    let close = |line: &str| facts(line).and_then(|facts| facts.decisive.upstream_local_close).map(String::from);
    let client = "[2019-12-03 08:43:58.578][32261][debug][client] [source/common/http/codec_client.cc:127] [C1] ";
    assert_eq!(
        close(&format!("{client}protocol error: The user callback function failed")).as_deref(),
        Some("The user callback function failed")
    );
    assert_eq!(
        close("2022-04-28T14:17:49Z debug envoy client [C6170] Error dispatching received data: headers count exceeds limit")
            .as_deref(),
        Some("headers count exceeds limit")
    );
    assert_eq!(
        close("protocol error: http/1.1 protocol error: transfer encoding not allowed in 1xx or 204").as_deref(),
        Some("transfer encoding not allowed in 1xx or 204")
    );
    assert_eq!(
        event("[2019-08-29 00:01:02.600][29][debug][http2] [source/x.cc:620] [C3787] sent reset code=2"),
        Some(Event::StreamResetByCodec)
    );
    assert_eq!(event("[2019-08-29 00:01:02.600][29][debug][http2] [source/x.cc:620] [C3787] sent reset code=0"), None);
    let tls =
        facts("2020-09-19T00:50:14.165940Z\tdebug\tenvoy connection\t[C42] TLS error: 268436576:SSL routines:OPENSSL_internal:")
            .unwrap();
    assert!(tls.upstream_transport().is_some());
    let accepting = facts(
        "2020-09-19T00:50:14Z debug envoy connection [C42] TLS error: 268435612:SSL routines:OPENSSL_internal:HTTP_REQUEST",
    )
    .unwrap();
    assert!(accepting.downstream_transport().is_some() && accepting.upstream_transport().is_none());
}

#[test]
fn signing_keys() {
    for line in [
        "debug    envoy filter    onSuccess: fetch pubkey [uri = https://{TENANT}.idp.example.com/jwks.json]: response status code {code}",
        "debug envoy filter onSuccess: fetch pubkey [uri = https://idp/jwks.json]: response status code 503",
        "debug envoy filter onFailure: fetch pubkey [uri = https://idp/jwks.json]: network error 0",
        "Jwt authentication completed with: Jwks remote fetch is failed",
        "2018-07-07T09:04:53.717443Z\terror\tmodel\tFailed to fetch pubkey from \"http://idp/certs\": Get http://idp/certs: net/http: request canceled",
        "error model Failed to fetch public key from \"https://idp/jwks\": Get \"https://idp/jwks\": x509: certificate signed by unknown authority",
        "2018-07-07T09:04:53.717509Z\twarn\tFailed to fetch jwt public key from \"http://idp/certs\"",
        r#"{"level":"info","time":"2025-10-23T08:55:24.684352Z","scope":"model","msg":"The JWKS key is not yet fetched for issuer https://my.issuer.com (), using a fake JWKS for now"}"#,
    ] {
        assert_eq!(event(line), Some(Event::JwksFetchFailed), "{line}");
    }
    for line in [
        "debug envoy filter onSuccess: fetch pubkey [uri = https://idp/jwks.json]: success",
        "debug envoy filter fetch pubkey [uri = https://idp/jwks.json]: start",
    ] {
        assert_eq!(facts(line), None, "{line}");
    }
}

#[test]
fn bodies_wherever_they_are_quoted() {
    for (text, expected) in [
        (
            "upstream connect error or disconnect/reset before headers. reset reason: overflow",
            "upstream_reset_before_response_started{overflow}",
        ),
        (
            "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: connection failure, transport failure reason: delayed connect error: 113",
            "upstream_reset_before_response_started{connection_failure|delayed_connect_error:_113}",
        ),
        ("upstream connect error or disconnect/reset before headers", "upstream_reset_before_response_started"),
        (
            "UNAVAILABLE: upstream connect error or disconnect/reset before headers. reset reason: remote reset",
            "upstream_reset_before_response_started{remote_reset}",
        ),
        ("no healthy upstream", "no_healthy_upstream"),
        ("rpc error: code = Unavailable desc = no healthy upstream", "no_healthy_upstream"),
        ("RBAC: access denied", "rbac_access_denied_matched_policy[]"),
        ("PERMISSION_DENIED: RBAC: access denied", "rbac_access_denied_matched_policy[]"),
        ("upstream request timeout", "response_timeout"),
        ("  Message: stream timeout", "stream_idle_timeout"),
        ("Jwt verification fails", "jwt_authn_access_denied{Jwt_verification_fails}"),
        (
            "Jwks doesn't have key to match kid or alg from Jwt",
            "jwt_authn_access_denied{Jwks_doesn't_have_key_to_match_kid_or_alg_from_Jwt}",
        ),
        ("local_rate_limited", "local_rate_limited"),
        ("fault filter abort", "fault_filter_abort"),
        ("envoy overloaded", "overload"),
        ("Payload Too Large", "request_payload_too_large"),
    ] {
        assert_eq!(details(text).as_deref(), Some(expected), "{text}");
        assert!(judge(&facts(text).unwrap()).is_some(), "{text}");
    }
    let mixer = facts("UNAVAILABLE:no healthy upstream").unwrap();
    assert_eq!(mixer.policy_status.as_deref(), Some("UNAVAILABLE:no healthy upstream"));
    assert_eq!(
        facts("Upstream connect error with TLS error: 33556294:system library:OPENSSL_internal:unknown error").unwrap().details,
        None
    );
}

#[test]
fn ztunnel_lines() {
    let line = |error: &str| {
        format!(
            "2024-08-10T15:09:10.826611Z\terror\taccess\tconnection complete\tsrc.addr=10.0.0.1:46264 src.workload=\"web\" src.namespace=\"shop\" dst.addr=10.0.0.2:15008 dst.hbone_addr=10.0.0.2:5432 dst.service=\"db.shop.svc.cluster.local\" dst.workload=\"db\" dst.namespace=\"data\" direction=\"outbound\" bytes_sent=0 bytes_recv=0 duration=\"15515ms\" error=\"{error}\""
        )
    };
    let read = |error: &str| facts(&line(error)).unwrap();
    let refused = read("io error: Connection refused (os error 111)");
    assert_eq!(refused.upstream_transport_failure.as_deref(), Some("delayed connect error: Connection refused"));
    assert_eq!((refused.context.workload.as_deref(), refused.context.namespace.as_deref()), (Some("web"), Some("shop")));
    assert_eq!((refused.upstream_host.as_deref(), refused.duration_ms), (Some("10.0.0.2:5432"), Some(15515)));
    let timeout = read("connection timed out, maybe a NetworkPolicy is blocking HBONE port 15008: deadline has elapsed");
    assert_eq!(timeout.upstream_transport_failure.as_deref(), Some("delayed connect error: Connection timed out"));
    for (error, expected) in [
        (
            "connection closed due to policy rejection: allow policies exist, but none allowed",
            "rbac_access_denied_matched_policy[none]",
        ),
        (
            "connection closed due to policy rejection: explicitly denied by: istio-system/strict",
            "rbac_access_denied_matched_policy[istio-system/strict]",
        ),
        ("http status: 401 Unauthorized", "rbac_access_denied_matched_policy[none]"),
        ("no healthy upstream: 10.0.0.2:80", "no_healthy_upstream"),
    ] {
        assert_eq!(read(error).details.as_deref(), Some(expected), "{error}");
    }
    for error in [
        "receive: client disconnected before all data was written",
        "connection closed due to connection drain",
        "tls error: tls handshake eof",
    ] {
        assert_eq!(read(error).event, Some(Event::ZtunnelBenign), "{error}");
    }
    assert_eq!(read("tls error: invalid peer certificate: UnknownIssuer").event, Some(Event::CertificateUntrusted));
    assert!(judge(&read("something that nobody has seen")).is_some());
    let routine = "2023-02-15T20:54:40.204428Z  WARN xds{id=1}: ztunnel::xds::client: XDS client error: gRPC error (Unknown error): error reading a body from connection: broken pipe, retrying";
    assert_eq!(event(routine), Some(Event::ZtunnelBenign));
    let old = facts("2023-05-10T10:00:00Z  WARN outbound{id=c0fb}: ztunnel::proxy::outbound: failed dur=1.2ms err=io error: Connection refused (os error 111)").unwrap();
    assert!(old.upstream_transport().is_some());
    let healthy = line("").replace(" error=\"\"", "").replace("\terror\t", "\tinfo\t");
    assert!(facts(&healthy).is_none_or(|facts| judge(&facts).is_none()));
}

#[test]
fn clients() {
    assert_eq!(event("curl: (47) Maximum (50) redirects followed"), Some(Event::RedirectLoop));
    assert_eq!(event("Get \"http://a/\": stopped after 10 redirects"), Some(Event::RedirectLoop));
    assert_eq!(
        event("curl: (92) HTTP/2 stream 1 was not closed cleanly: INTERNAL_ERROR (err 2)"),
        Some(Event::StreamResetByCodec)
    );
    let cut = facts("  Message: stream terminated by RST_STREAM with error code: NO_ERROR").unwrap();
    assert_eq!((cut.grpc_status, cut.flags.map(|set| set.to_string()).as_deref()), (Some(13), Some("UT")));
    assert_eq!(
        facts("rpc error: unexpected HTTP status code received from server: 503 (Service Unavailable)").unwrap().status,
        Some(503)
    );
    let transport = |line: &str| facts(line).and_then(|facts| facts.decisive.upstream_transport_failure).map(String::from);
    assert_eq!(
        transport("dial tcp 10.0.0.7:8080: connect: connection refused").as_deref(),
        Some("delayed connect error: Connection refused")
    );
    let plain = "curl: (35) error:1408F10B:SSL routines:ssl3_get_record:wrong version number";
    assert!(transport(plain).is_some_and(|reason| reason.ends_with("WRONG_VERSION_NUMBER")));
    assert_eq!(event("dial tcp 10.0.0.1:15012: connect: connection refused"), Some(Event::XdsUnreachable));
    assert_eq!(event("X-B3-Sampled: 0"), Some(Event::TraceNotSampled));
}

#[test]
fn lines_that_say_that_all_is_well_and_prose() {
    for line in [
        "[1][info][upstream] [source/common/upstream/cds_api_helper.cc:28] cds: add 2 cluster(s), remove 0 cluster(s)",
        "2023-06-11T13:50:48.018459Z\tinfo\tEnvoy proxy is ready",
        "2023-06-11T13:50:48.162287Z\tinfo\txdsproxy\tconnected to delta upstream XDS server: istiod.istio-system.svc:15012",
        "2022-12-05T02:32:02.185442Z\tdebug\tenvoy config\tduplicate/locked listener '10.96.0.10_53'. no add/update\tthread=22",
        "[2024-09-26 11:40:13.329][3492045][debug][rbac] [source/x.cc:182] enforced allowed, matched policy whitelist",
        "[2024-09-26 11:40:13.329][3492045][debug][rbac] [source/x.cc:182] shadow denied, matched policy a",
        "[2024-07-01 04:11:05.661][22][debug][jwt] [source/x.cc:111] Jwt authentication completed with: OK",
        "[2024-09-03 05:22:02.120][24][debug][router] [source/common/router/router.cc:1551] [C1][S2] upstream headers complete: end_stream=false",
        "':status', '200'",
        "2023-01-01T00:00:00Z\tinfo\thttp: TLS handshake error from 10.0.0.1:34566: EOF",
        "  Normal  Pulled  1m  kubelet  Container image \"docker.io/istio/proxyv2:1.20.0\" already present on machine",
        "  Warning  FailedMount  1m  kubelet  MountVolume.SetUp failed for volume \"config\" : configmap \"web\" not found",
        "2026-11-26T15:46:41Z\tcritical\tpluginhost\tPlugin search failed to load",
        "Plugin search failed to load",
        "the upstream timeout of our service is five seconds",
        "Jwt tokens are checked by the gateway",
        "we set TLS error handling to strict",
        "a protocol error: nobody knows",
        "x-b3-sampled: 1",
        "HTTP status code 200",
    ] {
        assert!(facts(line).is_none_or(|facts| judge(&facts).is_none()), "{line}: {:?}", facts(line));
    }
}

#[test]
fn a_value_means_the_same_as_key_value_and_in_json() {
    let verdict = |line: &str| facts(line).and_then(|facts| judge(&facts)).map(|verdict| verdict.cause.slug);
    for (status, key, value) in
        [("200", "grpc_status", "Unavailable"), ("200", "response_flags", "UF,Acme"), ("503.0", "route", "-")]
    {
        let json = verdict(&format!(r#"{{"response_code":"{status}","{key}":"{value}","upstream_cluster":"a"}}"#));
        assert!(json.is_some(), "{status} {key}={value}");
        assert_eq!(verdict(&format!("response_code={status} {key}={value} upstream_cluster=a")), json, "{status} {key}={value}");
    }
}
