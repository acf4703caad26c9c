//! Responses as clients print them, pieces of lines, and that no text breaks a reader.

use meshwhy_core::event::Event;
use meshwhy_core::{Flag, ResponseFlags};
use proptest::prelude::*;

use super::*;

fn flags(flag: Flag) -> Option<ResponseFlags> {
    Some(ResponseFlags(flag.mask()))
}

fn detailed(text: &str) -> Option<String> {
    response(text).and_then(|facts| facts.decisive.details).map(Into::into)
}

#[test]
fn a_body_behind_its_headers_decides() {
    let curl = "> GET / HTTP/1.1\n> Host: cart.shop:8080\n> x-request-id: r-1\n>\n< HTTP/1.1 503 Service Unavailable\n< content-length: 95\n< content-type: text/plain\n< server: envoy\n<\nupstream connect error or disconnect/reset before headers. reset reason: connection termination* Connection #0 to host cart.shop left intact";
    let facts = response(curl).unwrap();
    assert_eq!(facts.status, Some(503));
    assert_eq!(facts.details.as_deref(), Some("upstream_reset_before_response_started{connection_termination}"));
    assert_eq!((facts.context.method.as_deref(), facts.context.path.as_deref()), (Some("GET"), Some("/")));
    assert_eq!((facts.context.authority.as_deref(), facts.context.request_id.as_deref()), (Some("cart.shop:8080"), Some("r-1")));
    let relayed =
        "HTTP/1.1 403 Forbidden\ncontent-length: 19\nserver: envoy\nx-envoy-upstream-service-time: 1\n\nRBAC: access denied";
    assert_eq!(detailed(relayed).as_deref(), Some("rbac_access_denied_matched_policy[]"));
}

#[test]
fn without_a_body_its_length_decides_where_one_reply_has_it() {
    let head =
        |status: &str, length: usize| format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nserver: istio-envoy\r\n\r\n");
    for (status, length, details) in [
        ("502 Bad Gateway", 87, "upstream_reset_before_response_started{protocol_error}"),
        ("503 Service Unavailable", 95, "upstream_reset_before_response_started{connection_termination}"),
        ("503 Service Unavailable", 81, "upstream_reset_before_response_started{overflow}"),
        ("503 Service Unavailable", 19, "no_healthy_upstream"),
        ("504 Gateway Timeout", 24, "response_timeout"),
        ("403 Forbidden", 19, "rbac_access_denied_matched_policy[]"),
        ("401 Unauthorized", 14, "jwt_authn_access_denied{Jwt_is_missing}"),
        ("429 Too Many Requests", 18, "local_rate_limited"),
        ("426 Upgrade Required", 16, "low_version"),
    ] {
        assert_eq!(detailed(&head(status, length)).as_deref(), Some(details), "{status} {length}");
    }
    // 91 is `connection failure` and `connection timeout`: only the flag is sure.
    let either = response(&head("503 Service Unavailable", 91)).map(Facts::into_owned).unwrap();
    assert_eq!((either.details.as_deref(), either.flags), (None, flags(Flag::UF)));
    // Another length, and a server that is not Envoy.
    for text in [head("503 Service Unavailable", 70), head("503 Service Unavailable", 95).replace("istio-envoy", "nginx")] {
        let facts = response(&text).unwrap();
        assert_eq!((facts.status, facts.details.as_deref(), facts.flags), (Some(503), None, None), "{text}");
    }
}

#[test]
fn empty_replies_of_envoy_and_answers_of_the_application() {
    let empty = |status: u16, more: &str| format!("< HTTP/1.1 {status} X\n{more}< server: envoy\n< content-length: 0\n<\n");
    assert_eq!(response(&empty(404, "")).unwrap().flags, flags(Flag::NR));
    assert_eq!(response(&empty(503, "")).unwrap().flags, flags(Flag::NC));
    let blackhole = empty(502, "< location: http://x/\n");
    let facts = response(&blackhole).unwrap();
    assert_eq!((facts.details.as_deref(), facts.route.as_deref()), (Some("direct_response"), Some("block_all")));
    assert_eq!(detailed(&format!("> upgrade: TLS/1.2\n{}", empty(403, ""))).as_deref(), Some("upgrade_failed"));
    for status in [404, 502, 503, 500] {
        let answered = empty(status, "< x-envoy-upstream-service-time: 3\n");
        assert_eq!(detailed(&answered).as_deref(), Some("via_upstream"), "{status}");
    }
}

#[test]
fn grpc_trailers_headers_of_envoy_and_proxy_status() {
    let grpc = "< HTTP/2 200\n< content-type: application/grpc\n< grpc-status: 14\n< grpc-message: upstream%20request%20timeout\n< server: envoy\n";
    let facts = response(grpc).unwrap();
    assert_eq!((facts.status, facts.grpc_status, facts.details.as_deref()), (Some(200), Some(14), Some("response_timeout")));
    let own = "HTTP/2 200\ngrpc-status: 12\ngrpc-message: unknown method\nx-envoy-upstream-service-time: 2\nserver: envoy\n";
    assert_eq!(detailed(own).as_deref(), Some("via_upstream"));
    assert_eq!(detailed("HTTP/1.1 429 X\nx-envoy-ratelimited: true\nserver: envoy\n").as_deref(), Some("request_rate_limited"));
    let overloaded = "HTTP/1.1 503 X\nx-envoy-overloaded: true\n";
    assert_eq!(response(overloaded).unwrap().flags, flags(Flag::UO));
    let member = "HTTP/1.1 503 X\nserver: envoy\nproxy-status: cart-1.shop; error=connection_refused; mw-cause=MW3002\n";
    assert_eq!(response(member).unwrap().annotated_code.as_deref(), Some("MW3002"));
}

#[test]
fn other_printers() {
    let java = "cause=INTERNAL: HTTP status code 431\n  invalid content-type: null\n  trailers: Metadata(:status=431,date=Wed, 14 Sep 2022 13:36:25 GMT,server=envoy)";
    assert_eq!(response(java).unwrap().status, Some(431));
    let data = "headers: Metadata(:status=503,content-length=19,content-type=text/plain,server=envoy)\nDATA-----------------------------\nno healthy upstream";
    let facts = response(data).unwrap();
    assert_eq!((facts.status, facts.details.as_deref()), (Some(503), Some("no_healthy_upstream")));
    let dump = "encoding headers via codec (end_stream=true):\n':status', '503'\n'content-length', '19'\n'server', 'envoy'\n";
    assert_eq!(detailed(dump).as_deref(), Some("no_healthy_upstream"));
    let wireshark = "Hypertext Transfer Protocol\n    GET /a/b HTTP/1.1\\r\\n\n    X-B3-Sampled: 0\\r\\n\n    Host: web:80\\r\\n";
    let facts = response(wireshark).unwrap();
    assert_eq!((facts.event, facts.context.authority.as_deref()), (Some(Event::TraceNotSampled), Some("web:80")));
}

#[test]
fn the_last_response_counts_and_healthy_ones_fail_nothing() {
    let redirected =
        "HTTP/1.1 301 Moved\nlocation: /x\nserver: envoy\n\nHTTP/1.1 404 Not Found\ncontent-length: 0\nserver: envoy\n\n";
    assert_eq!(response(redirected).unwrap().status, Some(404));
    for healthy in [
        "HTTP/1.1 200 OK\nserver: envoy\ncontent-length: 19\n\nno healthy upstream",
        "':status', '200'\n'content-type', 'application/grpc'",
        "':authority', 'web'\n'x-b3-sampled', '0'\n':status', '200'",
        "HTTP/2 200\ngrpc-status: 0\n",
    ] {
        assert!(response(healthy).is_none_or(|facts| !facts.shows_failure()), "{healthy}");
    }
    assert_eq!(response("Dear all,\nplease: see below\n"), None);
}

#[test]
fn pieces_of_lines() {
    let is = |text: &str, status: Option<u16>, flags: &str, details: Option<&str>| {
        let facts = fragment(text).unwrap_or_else(|| panic!("{text}"));
        let said = facts.flags.map_or(String::new(), |set| set.to_string());
        assert_eq!((facts.status, said.as_str(), facts.details.as_deref()), (status, flags, details), "{text}");
    };
    is("UF,URX", None, "UF,URX", None);
    is("UF URX", None, "UF,URX", None);
    is("NoHealthyUpstream", None, "UH", None);
    is("503 UC", Some(503), "UC", None);
    is("we see 503 NR all the time", Some(503), "NR", None);
    is("response flag: UH", None, "UH", None);
    is("0 DC downstream_remote_disconnect", Some(0), "DC", Some("downstream_remote_disconnect"));
    is("401 jwt_authn_access_denied{Jwt_is_missing}", Some(401), "", Some("jwt_authn_access_denied{Jwt_is_missing}"));
    is("got (no_healthy_upstream).", None, "", None.or(Some("no_healthy_upstream")));
    is("429 local_rate_limited", Some(429), "", Some("local_rate_limited"));
    is("response_flags=8388608", None, "UPE", None);
    is("\"response_flags\":\"UF,URX\",\"upstream_cluster\":\"outbound|80||a\"", None, "UF,URX", None);
    is("response_code: 503, response_flags: UO", Some(503), "UO", None);
    is("responseFlags: \"UH\" and so on", None, "UH", None);
    for lone in ["503", "HTTP 503", "503 Service Unavailable", "curl: (22) The requested URL returned error: 503", "状态码：503"]
    {
        is(lone, Some(503), "", None);
    }
    let old = "upstream_reset_before_response_started{connection failure,TLS error: 268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER}";
    is(old, None, "", Some(old));
    assert_eq!(fragment("response_code_details\":\"upstream_reset_bef").and_then(|facts| facts.flags), None);
    for text in [
        "",
        "-",
        "OK",
        "U",
        "UX",
        "A,B",
        "the DC of the US",
        "use UH or not",
        "503 apples",
        "response_code=0",
        "overflow",
        "timeout",
        "mcp_server_config",
        "via_upstream",
        "200 - via_upstream",
        "the_word no_such_word",
        "response_flags=-",
    ] {
        assert!(fragment(text).is_none_or(|facts| !facts.shows_failure()), "{text}");
    }
}

#[test]
fn json_lines_and_events() {
    let envoy = r#"{"time":"2024-07-02T21:48:43.116090Z","level":"debug","scope":"envoy http","msg":"Sending local reply with details upgrade_failed","caller":"external/envoy/source/common/http/filter_manager.cc:1075","thread":"38","Connecti"#;
    assert_eq!(line(envoy).unwrap().details.as_deref(), Some("upgrade_failed"));
    let router = r#"{"level":"debug","scope":"envoy router","msg":"[C1][S2] upstream timeout"}"#;
    assert_eq!(line(router).unwrap().details.as_deref(), Some("response_timeout"));
    let event = r#"{"kind":"Event","type":"Warning","reason":"FailedMount","message":"MountVolume.SetUp failed for volume \"istio-token\" : failed to fetch token","involvedObject":{"kind":"Pod","name":"web-1"}}"#;
    let list = format!("{{\"apiVersion\":\"v1\",\"items\":[{{\"message\":\"Pulled image\"}},{event}],\"kind\":\"List\"}}");
    let read: Vec<_> = events(&list).unwrap().into_iter().map(|facts| facts.event).collect();
    assert_eq!(read, [Some(Event::TokenMountFailed)]);
    for text in [event, event.strip_suffix("}}").unwrap()] {
        let facts = line(text).unwrap();
        assert_eq!(facts.event, Some(Event::TokenMountFailed), "{text}");
        assert!(facts.context.pod.is_none_or(|pod| pod == "web-1"));
    }
    let ztunnel = r#"{"level":"error","scope":"access","message":"connection complete","src.addr":"10.0.0.1:4","dst.hbone_addr":"10.0.0.2:80","direction":"inbound","error":"connection closed due to policy rejection"}"#;
    assert_eq!(line(ztunnel).unwrap().details.as_deref(), Some("rbac_access_denied_matched_policy[none]"));
    for text in ["{}", "{", "{\"msg\":", r#"{"msg":"Envoy proxy is ready"}"#, r#"{"level":"info","msg":"started"#] {
        assert_eq!(line(text), None, "{text}");
    }
}

#[test]
fn the_status_of_a_pod_says_why_a_container_of_the_mesh_does_not_run() {
    let pod =
        |statuses: &str| format!(r#"{{"kind":"Pod","metadata":{{"name":"pay-1","namespace":"shop"}},"status":{{{statuses}}}}}"#);
    let killed = r#""containerStatuses":[{"name":"istio-proxy","state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"reason":"OOMKilled","exitCode":137,"finishedAt":"2026-11-27T10:00:00Z"}}}]"#;
    let back_off = r#""containerStatuses":[{"name":"istio-proxy","state":{"waiting":{"reason":"CrashLoopBackOff"}}}]"#;
    let redirection = r#""initContainerStatuses":[{"name":"istio-init","state":{"waiting":{"reason":"CrashLoopBackOff"}}}]"#;
    let application = r#""containerStatuses":[{"name":"pay","lastState":{"terminated":{"reason":"OOMKilled"}}},{"name":"istio-proxy","state":{"running":{}}}]"#;
    for (statuses, expected) in [
        (killed, Event::ProxyOutOfMemory),
        (back_off, Event::ProxyBackOff),
        (redirection, Event::RedirectionFailed),
        (application, Event::ContainerOutOfMemory),
    ] {
        let text = pod(statuses);
        let facts = line(&text).unwrap();
        assert_eq!((facts.event, facts.context.pod.as_deref()), (Some(expected), Some("pay-1")), "{text}");
    }
    assert_eq!(line(&pod(killed)).unwrap().context.start_time.as_deref(), Some("2026-11-27T10:00:00Z"));
    // The application's own crashes are not the mesh's.
    let crash = r#""containerStatuses":[{"name":"pay","state":{"waiting":{"reason":"CrashLoopBackOff"}}},{"name":"istio-proxy","ready":true}]"#;
    assert_eq!(line(&pod(crash)), None);
}

proptest! {
    #[test]
    fn any_text_is_read(text in any::<String>()) {
        let _ = (line(&text), fragment(&text), response(&text));
    }

    #[test]
    fn any_text_like_evidence_is_read(
        parts in prop::collection::vec(prop::sample::select(vec![
            "gRPC config stream", " closed", ": 14", ", ", "TLS error:", "268435703:SSL routines:OPENSSL_internal:", "TLS_error_end",
            "upstream connect error or disconnect/reset before headers", ". reset reason: ", "overflow", "src.addr=", "\"", "error=",
            "HTTP/1.1 503 x\n", "content-length: ", "server: envoy\n", "\n\n", "Metadata(", ":status=", "é", "{", "}", "rejected:", "503",
            "UC", "Jwt ", "is missing", "unmounted volumes=[", "istio-token", "{\"msg\":\"", "\\", "response_flags", "=", "'", "x-b3-sampled",
            "response_code,", ",", "|", "\n", "NAME  READY  STATUS  RESTARTS\n", "1/2  ", "NotReady", "[C26] using existing connection\n",
            "remote close", "Server Software: envoy", "Non-2xx responses: 1", "upstream_cx_overflow: ", "9", "::health_flags::/failed",
            "http.status=", "gateway=", "reason=NoHealthyBackend", "４０４", "=>", "**",
        ]), 0..24)
    ) {
        let text = parts.concat();
        let _ = (line(&text), fragment(&text), response(&text), table::read(&text), pods::read(&text), connection::read(&text));
    }
}

#[test]
fn what_the_cluster_says_of_pods_and_webhooks() {
    let event = |text: &str| line(text).and_then(|facts| facts.event);
    let injector = "failed calling webhook \"namespace.sidecar-injector.istio.io\": Post \"https://istiod.istio-system.svc:443/inject?timeout=10s\"";
    for (text, expected) in [
        (format!("{injector}: context deadline exceeded"), Event::WebhookUnreachable),
        (format!("{injector}: no endpoints available for service \"istiod\""), Event::WebhookUnreachable),
        (format!("{injector}: dial tcp 10.96.0.5:15017: connect: connection refused"), Event::WebhookUnreachable),
        (format!("{injector}: x509: certificate signed by unknown authority"), Event::WebhookUntrusted),
        (
            "admission webhook \"validation.istio.io\" denied the request: configuration is invalid: x".into(),
            Event::ConfigurationRefused,
        ),
        (
            "MountVolume.SetUp failed for volume \"istiod-ca-cert\" : configmap \"istio-ca-root-cert\" not found".into(),
            Event::RootCertificateMissing,
        ),
        (
            "Failed to create pod sandbox: plugin type=\"istio-cni\" name=\"istio-cni\" failed (add): x".into(),
            Event::RedirectionFailed,
        ),
        ("iptables-restore: unable to initialize table 'nat'".into(), Event::RedirectionFailed),
        (
            "Error connecting to 127.0.0.6:15002: dial tcp 127.0.0.6:15002: connect: connection refused".into(),
            Event::RedirectionFailed,
        ),
        ("container istio-proxy was OOMKilled".into(), Event::ProxyOutOfMemory),
        ("assert failure: fd_ != -1".into(), Event::FileDescriptorsExhausted),
        ("no port available".into(), Event::PlatformMessage),
    ] {
        assert_eq!(event(&text), Some(expected), "{text}");
    }
    assert_eq!(event("reason: OOMKilled"), Some(Event::ContainerOutOfMemory));
    assert_eq!(event("admission webhook \"policy.example.com\" denied the request: no"), None);
}

#[test]
fn a_probe_that_fails_for_hours_is_no_start() {
    let read =
        |seen: &str, why: &str| line(&format!("Warning  Unhealthy  {seen}  kubelet  {why}")).map(Facts::into_owned).unwrap();
    let silent = "Readiness probe failed: HTTP probe failed with statuscode: 503";
    for (seen, expected) in [
        ("2m", Event::ProbeFailed),
        ("2m (x3 over 10m)", Event::ProbeFailed),
        ("2m (x60 over 1m)", Event::ProbeFailed),
        ("2m (x130 over 4d1h)", Event::ProbeKeepsFailing),
        ("2m (x13 over 4d1h)", Event::ProbeKeepsFailing),
        ("2m (x200 over 30m)", Event::ProbeKeepsFailing),
    ] {
        assert_eq!(read(seen, silent).event, Some(expected), "{seen}");
    }
    // Where the kubelet names an address, it is whose probe it is.
    let asked = |port: u16, error: &str| {
        read("2m (x130 over 4d1h)", &format!("Startup probe failed: Get \"http://10.0.0.1:{port}/x\": {error}"))
    };
    let refused = "dial tcp 10.0.0.1:1: connect: connection refused";
    for (port, error, expected) in [
        (15021, refused, Event::ProxyNotStarted),
        (15020, refused, Event::ProxyNotStarted),
        (15021, "context deadline exceeded", Event::ProxyNotReady),
        (15020, "context deadline exceeded", Event::ProbeKeepsFailing),
        (8080, "context deadline exceeded", Event::ProbeKeepsFailing),
    ] {
        assert_eq!(asked(port, error).event, Some(expected), "{port} {error}");
    }
    assert_eq!((asked(8080, refused).event, asked(8080, refused).seen_by_client), (None, Some(true)));
}

/// Every kind of event that is read, in every form that tells how often it happened.
#[test]
fn events_count_as_often_as_they_happened() {
    for (reason, message, expected) in [
        ("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", Event::ProbeKeepsFailing),
        ("Unhealthy", "Startup probe errored: rpc error: code = Unknown", Event::ProbeKeepsFailing),
        ("FailedMount", "MountVolume.SetUp failed for volume \"istio-token\" : failed to fetch token", Event::TokenMountFailed),
        (
            "FailedMount",
            "Unable to attach or mount volumes: unmounted volumes=[istiod-ca-cert], unattached volumes=[x]: timed out",
            Event::RootCertificateMissing,
        ),
        ("FailedMount", "configmap \"istio-ca-root-cert\" not found", Event::RootCertificateMissing),
        (
            "FailedCreate",
            "Error creating: Internal error occurred: failed calling webhook \"namespace.sidecar-injector.istio.io\": Post \"https://istiod.istio-system.svc:443/inject\": context deadline exceeded",
            Event::WebhookUnreachable,
        ),
        (
            "FailedCreate",
            "failed calling webhook \"namespace.sidecar-injector.istio.io\": Post \"https://istiod.istio-system.svc:443/inject\": x509: certificate signed by unknown authority",
            Event::WebhookUntrusted,
        ),
        (
            "FailedPostStartHook",
            "Exec lifecycle hook ([pilot-agent wait]) for Container \"istio-proxy\" failed",
            Event::ProxyNotReady,
        ),
        ("BackOff", "Back-off restarting failed container istio-proxy in pod web-1", Event::ProxyBackOff),
        ("BackOff", "Back-off restarting failed container istio-validation in pod web-1", Event::RedirectionFailed),
        (
            "FailedCreatePodSandBox",
            "Failed to create pod sandbox: plugin type=\"istio-cni\" name=\"istio-cni\" failed (add): x",
            Event::RedirectionFailed,
        ),
        ("OOMKilling", "Container istio-proxy was OOMKilled", Event::ProxyOutOfMemory),
    ] {
        let escaped = message.replace('"', "\\\"");
        let times = "\"2026-11-17T10:00:00Z\",\"lastTimestamp\":\"2026-11-21T11:00:00Z\"";
        for text in [
            format!("  Warning  {reason}  2m (x13 over 4d1h)  kubelet  {message}"),
            format!("2m (x13 over 4d1h)   Warning   {reason}   Pod/web-1   {message}"),
            format!(
                "2m17s  4d1h  13  web-1.17ab34cd56ef7890  Pod  spec.containers{{x}}  Warning  {reason}  kubelet, node-1  {message}"
            ),
            format!(
                "2m17s  Warning  {reason}  pod/web-1  spec.containers{{x}}  kubelet, node-1  {message}  4d1h  13  web-1.17ab34cd56ef7890"
            ),
            format!(
                "{{\"kind\":\"Event\",\"reason\":\"{reason}\",\"count\":13,\"firstTimestamp\":{times},\"message\":\"{escaped}\"}}"
            ),
            format!(
                "{{\"regarding\":{{\"kind\":\"Pod\",\"name\":\"web-1\"}},\"series\":{{\"count\":13,\"lastObservedTime\":\"2026-11-21T11:00:00.000000Z\"}},\"eventTime\":\"2026-11-17T10:00:00.000000Z\",\"note\":\"{escaped}\"}}"
            ),
        ] {
            let facts = line(&text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((facts.event, facts.context.occurrences), (Some(expected), Some(13)), "{text}");
        }
        assert_eq!(line(&format!("2m  Warning  {reason}  pod/web-1  {message}")).unwrap().context.occurrences, None);
    }
    // An application's own number is no event's.
    let own = r#"{"msg":"Envoy proxy is NOT ready: x","count":13}"#;
    assert_eq!(line(own).unwrap().context.occurrences, None);
    assert_eq!(line("Back-off restarting failed container web in pod web-1"), None);
}

/// Words that are no proxy's make nothing certain, whichever library says them.
#[test]
fn what_clients_and_servers_say_of_a_connection_is_theirs() {
    for (text, expected) in [
        ("curl: (56) Recv failure: Connection reset by peer", "upstream-closed-connection"),
        ("curl: (52) Empty reply from server", "upstream-closed-connection"),
        (
            "Get \"http://web/\": read tcp 10.0.0.5:50000->10.96.0.9:80: read: connection reset by peer",
            "upstream-closed-connection",
        ),
        ("Error: socket hang up", "upstream-closed-connection"),
        (
            "('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))",
            "upstream-closed-connection",
        ),
        ("java.net.SocketException: Connection reset", "upstream-closed-connection"),
        ("curl: (28) Failed to connect to web port 80 after 130000 ms: Connection timed out", "upstream-connection-timeout"),
        ("java.net.SocketTimeoutException: connect timed out", "upstream-connection-timeout"),
        ("connect() failed (111: Connection refused) while connecting to upstream", "upstream-connection-refused"),
        ("Get \"https://api.x.com/\": http: server gave HTTP response to HTTPS client", "tls-to-plaintext-port"),
        ("javax.net.ssl.SSLException: Unsupported or unrecognized SSL message", "tls-to-plaintext-port"),
        ("ssl.SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1129)", "tls-to-plaintext-port"),
        ("curl: (35) error:1408F10B:SSL routines:ssl3_get_record:wrong version number", "tls-to-plaintext-port"),
        (
            "write EPROTO 140:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../x.c:332:",
            "tls-to-plaintext-port",
        ),
        ("400 The plain HTTP request was sent to HTTPS port", "plaintext-to-tls-port"),
        ("Client sent an HTTP request to an HTTPS server.", "plaintext-to-tls-port"),
        (
            "SSL_do_handshake() failed (SSL: error:1407609C:SSL routines:SSL23_GET_CLIENT_HELLO:http request) while SSL handshaking",
            "plaintext-to-tls-port",
        ),
        ("curl: (60) SSL certificate problem: unable to get local issuer certificate", "certificate-verify-failed"),
        ("Get \"https://api.x.com/\": x509: certificate signed by unknown authority", "certificate-verify-failed"),
        ("SSLHandshakeException: PKIX path building failed: x", "certificate-verify-failed"),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1129)",
            "certificate-expired",
        ),
        ("AxiosError: Request failed with status code 503", "unknown"),
        ("wget: server returned error: HTTP/1.1 503 Service Unavailable", "unknown"),
        ("requests.exceptions.HTTPError: 503 Server Error: Service Unavailable for url: http://web/", "unknown"),
    ] {
        let facts = line_or_fragment(text).unwrap_or_else(|| panic!("{text}"));
        let verdict = meshwhy_core::judge(&facts).unwrap_or_else(|| panic!("{text}"));
        assert_eq!((verdict.cause.slug, verdict.confidence), (expected, meshwhy_core::Confidence::Likely), "{text}");
    }
    // Istio's own programs say it of their own connections.
    let agent = "2026-11-21T10:00:00.000001Z\terror\tcache\tfailed: x509: certificate signed by unknown authority";
    assert_eq!(line(agent).unwrap().seen_by_client, None);
}

#[test]
fn a_client_speaks_for_itself_and_ports_of_istio_for_istio() {
    let read = |text: &str| line(text).map(|facts| (facts.event, facts.seen_by_client)).unwrap();
    for text in [
        "dial tcp 10.0.0.1:8080: connect: connection refused",
        "curl: (7) Failed to connect to reviews port 9080: Connection refused",
        "java.net.ConnectException: Connection refused",
        "Error: connect ECONNREFUSED 10.1.2.3:3306",
        "ConnectionRefusedError: [Errno 111] Connection refused",
    ] {
        assert_eq!(read(text), (None, Some(true)), "{text}");
    }
    for (port, event) in [
        (15000, Event::ProxyNotStarted),
        (15001, Event::ProxyNotStarted),
        (15002, Event::RedirectionFailed),
        (15006, Event::ProxyNotStarted),
        (15010, Event::XdsUnreachable),
        (15012, Event::XdsUnreachable),
        (15014, Event::XdsUnreachable),
        (15017, Event::WebhookUnreachable),
        (15020, Event::ProxyNotStarted),
        (15021, Event::ProxyNotStarted),
        (15053, Event::ProxyNotStarted),
        (15090, Event::ProxyNotStarted),
    ] {
        assert_eq!(read(&format!("connect ECONNREFUSED 10.1.2.3:{port}")).0, Some(event), "{port}");
        assert_eq!(read(&format!("dial tcp 10.1.2.3:{port}: connect: connection refused")).0, Some(event), "{port}");
    }
}
