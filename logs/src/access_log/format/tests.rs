//! Formats compiled, lines rendered from them and read back, and where formats are found.

use meshwhy_core::{Context, Decisive, Facts, ResponseFlags, Side};
use proptest::prelude::*;

use super::*;

/// Istio's default since 1.9.
const ISTIO: &str = "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% \"%UPSTREAM_TRANSPORT_FAILURE_REASON%\" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n";

const LINE: &str = r#"[2026-11-21T06:36:37.876Z] "GET /price HTTP/1.1" 503 UF reset{a_b} - "TLS error: x" 0 121 61 - "10.1.1.1" "curl" "ba75" "pricing:8085" "10.244.31.50:9030" outbound|8085||a.b - 10.96.70.2:8085 10.244.31.9:51347 - my route"#;

fn read<'a>(formats: &Formats, line: &'a str) -> (Facts<'a>, bool) {
    match crate::access_log::parse(line, formats) {
        Some(AccessLog::Facts { facts, truncated, .. }) => (facts, truncated),
        other => panic!("{other:?}: {line}"),
    }
}

fn compile(format: &str) -> Formats {
    Formats::compile(format).unwrap()
}

#[test]
fn every_operator_of_a_fact() {
    let operators = [
        ("%RESPONSE_CODE%", "503"),
        ("%RESPONSE_FLAGS_LONG%", "UpstreamConnectionFailure"),
        ("%RESPONSE_CODE_DETAILS%", "d1"),
        ("%CONNECTION_TERMINATION_DETAILS%", "d2"),
        ("%UPSTREAM_TRANSPORT_FAILURE_REASON:20%", "d3"),
        ("%DOWNSTREAM_TRANSPORT_FAILURE_REASON%", "d4"),
        ("%UPSTREAM_LOCAL_CLOSE_REASON%", "d5"),
        ("%DOWNSTREAM_LOCAL_CLOSE_REASON%", "d6"),
        ("%GRPC_STATUS(SNAKE_STRING)%", "UNAVAILABLE"),
        ("%PROTOCOL%", "HTTP/2"),
        ("%REQ(:METHOD)%", "POST"),
        ("%REQ(:AUTHORITY)%", "a:80"),
        ("%REQ(X-ENVOY-ORIGINAL-PATH?:PATH):64%", "/p"),
        ("%REQ(X-REQUEST-ID)%", "r-1"),
        ("%TRACE_ID%", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("%ROUTE_NAME%", "to reviews"),
        ("%VIRTUAL_HOST_NAME%", "-"),
        ("%UPSTREAM_CLUSTER%", "inbound|80||"),
        ("%UPSTREAM_REMOTE_ADDRESS%", "1.1.1.1:1"),
        ("%UPSTREAM_LOCAL_ADDRESS%", "2.2.2.2:2"),
        ("%DOWNSTREAM_LOCAL_ADDRESS%", "3.3.3.3:3"),
        ("%DOWNSTREAM_REMOTE_ADDRESS%", "4.4.4.4:4"),
        ("%REQUESTED_SERVER_NAME%", "sni"),
        ("%START_TIME(%Y/%m/%d %H:%M)%", "2026/11/21 06:36"),
        ("%DURATION%", "12"),
        ("%COMMON_DURATION(US_CX_BEG:DS_RX_BEG:us)%", "1745924"),
        ("%DYNAMIC_METADATA(istio.mixer:status)%", "OK"),
        ("%RESP(PROXY-STATUS)%", "w.s; error=connection_refused; mw-cause=MW3002"),
    ];
    let expected = Facts {
        decisive: Decisive {
            status: Some(503),
            flags: ResponseFlags::parse("UF"),
            details: Some("d1".into()),
            termination_details: Some("d2".into()),
            upstream_transport_failure: Some("d3".into()),
            downstream_transport_failure: Some("d4".into()),
            upstream_local_close: Some("d5".into()),
            downstream_local_close: Some("d6".into()),
            grpc_status: Some(14),
            route: Some("to reviews".into()),
            virtual_host: Some("".into()),
            cluster: Some("inbound|80||".into()),
            upstream_host: Some("1.1.1.1:1".into()),
            duration_ms: Some(12),
            upstream_connection_age_us: Some(1_745_924),
            policy_status: Some("OK".into()),
            annotated_code: Some("MW3002".into()),
            side: Some(Side::Inbound),
            ..Decisive::default()
        },
        context: Context {
            protocol: Some("HTTP/2".into()),
            method: Some("POST".into()),
            authority: Some("a:80".into()),
            path: Some("/p".into()),
            request_id: Some("r-1".into()),
            trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".into()),
            upstream_local_address: Some("2.2.2.2:2".into()),
            downstream_local_address: Some("3.3.3.3:3".into()),
            downstream_remote_address: Some("4.4.4.4:4".into()),
            server_name: Some("sni".into()),
            start_time: Some("2026/11/21 06:36".into()),
            ..Context::default()
        },
    };
    let format: Vec<String> = operators.iter().map(|(operator, _)| format!("<{operator}>")).collect();
    let line: Vec<String> = operators.iter().map(|(_, value)| format!("<{value}>")).collect();
    assert_eq!(read(&compile(&format.join(" ")), &line.join(" ")), (expected.clone(), false));

    let labels: Map<String, Value> = operators.iter().map(|(operator, _)| ((*operator).to_owned(), (*operator).into())).collect();
    let object: Map<String, Value> =
        operators.iter().map(|(operator, value)| ((*operator).to_owned(), (*value).into())).collect();
    let (labels, object) = (Value::from(labels).to_string(), Value::from(object).to_string());
    assert_eq!(read(&compile(&labels), &object), (expected, false));
}

#[test]
fn headers_carry_trace_ids() {
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    for (header, value) in [("TRACEPARENT", format!("00-{id}-00f067aa0ba902b7-01")), ("x-b3-traceid", id.to_owned())] {
        let formats = compile(&format!("%RESPONSE_CODE% %REQ({header})% %RESPONSE_FLAGS%"));
        assert_eq!(read(&formats, &format!("503 {value} UF")).0.context.trace_id.as_deref(), Some(id));
    }
}

#[test]
fn a_label_may_hold_several_operators() {
    let formats =
        compile(r#"{"what":"%PROTOCOL% %RESPONSE_CODE%/%RESPONSE_FLAGS%","who":"%UPSTREAM_CLUSTER%","fixed":"x","n":1}"#);
    let (facts, _) = read(&formats, r#"{"who":"outbound|80||a","what":"HTTP/1.1 503/UF\u002cURX","response_code":200}"#);
    assert_eq!((facts.status, facts.flags), (Some(200), ResponseFlags::parse("UF,URX")));
    assert_eq!(facts.side, Some(Side::Outbound));
    assert!(crate::access_log::parse(r#"{"other":"503"}"#, &formats).is_none());
}

#[test]
fn istios_own_format_as_a_custom_one() {
    let formats = compile(ISTIO);
    let (facts, truncated) = read(&formats, LINE);
    assert_eq!(
        (facts.status, facts.details.as_deref(), facts.route.as_deref()),
        (Some(503), Some("reset{a_b}"), Some("my route"))
    );
    assert_eq!(
        (facts.context.authority.as_deref(), facts.context.request_id.as_deref(), truncated),
        (Some("pricing:8085"), Some("ba75"), false)
    );
    let healthy = LINE.replace("503 UF", "200 -").replace("reset{a_b}", "via_upstream");
    assert!(matches!(formats.parse(&healthy), Some(AccessLog::Healthy(_))));
    for end in LINE.find("- \"TLS").unwrap()..LINE.len() - 12 {
        let (facts, truncated) = read(&formats, &LINE[..end]);
        assert_eq!((facts.status, truncated), (Some(503), true), "{}", &LINE[..end]);
    }
}

#[test]
fn a_client_forges_nothing() {
    let agent = r#"x" "r" "evil" "h" outbound|1||evil.a 1 2 3 4 5"#;
    let line = LINE.replace("\"curl\"", &format!("\"{agent}\"")).replace("/price", "/p\"x");
    let (facts, _) = read(&compile(ISTIO), &line);
    assert_eq!(
        (facts.context.authority.as_deref(), facts.cluster.as_deref()),
        (Some("pricing:8085"), Some("outbound|8085||a.b"))
    );

    let commas = compile("%REQ(:PATH)%,%RESPONSE_CODE%,%RESPONSE_FLAGS%");
    assert_eq!(read(&commas, "/x,200,-,503,UF").0.status, Some(503));

    let between = compile(r#"%RESPONSE_CODE% "%REQ(USER-AGENT)%" "%UPSTREAM_CLUSTER%" "%REQ(X-TEAM)%""#);
    let honest = r#"503 "curl" "outbound|80||a" "red""#;
    assert_eq!(read(&between, honest).0.cluster.as_deref(), Some("outbound|80||a"));
    for forged in [honest.replace("curl", r#"curl" "evil" "x"#), honest.replace("red", r#"red" "evil" "x"#)] {
        let (facts, _) = read(&between, &forged);
        assert_eq!((facts.status, facts.decisive.cluster), (Some(503), None), "{forged}");
    }
}

#[test]
fn formats_that_cannot_be_used() {
    let error = |format: &str| Formats::compile(format).unwrap_err().to_string();
    assert_eq!(
        error("%RESPONSE_CODE%%RESPONSE_FLAGS%"),
        "nothing separates %RESPONSE_CODE% from %RESPONSE_FLAGS% at byte 15 of the format"
    );
    assert_eq!(error("a %RESPONSE_CODE b"), "the operator at byte 2 of the format is not closed: %RESPONSE_CODE b");
    assert!(matches!(Formats::compile("%BYTES_SENT% x"), Err(FormatError::NoOutcome)));
    assert!(matches!(Formats::compile(""), Err(FormatError::NoOutcome)));
    assert!(matches!(Formats::compile("{\"a\":\"%BYTES_SENT%\"}"), Err(FormatError::NoOutcome)));
    assert_eq!(read(&compile("100%% %RESPONSE_CODE%"), "100% 503").0.status, Some(503));
}

#[test]
fn lines_of_other_formats_are_left_alone() {
    let formats = compile("%RESPONSE_CODE% %RESPONSE_FLAGS% %REQ(USER-AGENT)%");
    for line in ["", "503", "hello world x", "503 nothing curl", "99999 UF curl", LINE] {
        assert!(formats.parse(line).is_none(), "{line}");
    }
    assert!(Formats::default().parse(LINE).is_none());
}

#[test]
fn formats_are_found_wherever_they_stand() {
    let text = "'%RESPONSE_CODE% %RESPONSE_FLAGS% %DURATION%'";
    let providers = "extensionProviders:\n- name: a\n  zipkin: {service: z, port: 1}\n- name: b\n  envoyFileAccessLog:\n    path: /dev/stdout\n    logFormat:";
    for yaml in [
        format!("accessLogFormat: {text}"),
        format!("meshConfig:\n  accessLogEncoding: TEXT\n  accessLogFormat: {text}\nglobal: {{}}"),
        format!("apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n  meshConfig:\n    accessLogFormat: {text}"),
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: istio}}\ndata:\n  mesh: |\n    accessLogFile: /dev/stdout\n    accessLogFormat: {text}"
        ),
        format!("{providers}\n      text: {text}"),
        format!(
            "kind: Telemetry\n---\nkind: EnvoyFilter\nspec:\n- log_format:\n    text_format_source:\n      inline_string: {text}"
        ),
    ] {
        let formats = Formats::from_mesh_config(&yaml).unwrap_or_else(|error| panic!("{error}: {yaml}"));
        assert_eq!(read(&formats, "503 UF 7").0.duration_ms, Some(7), "{yaml}");
    }
    for yaml in [
        format!("{providers}\n      labels:\n        code: '%RESPONSE_CODE%'\n        flags: '%RESPONSE_FLAGS%'"),
        "accessLogEncoding: JSON\naccessLogFormat: '{\"code\":\"%RESPONSE_CODE%\",\"flags\":\"%RESPONSE_FLAGS%\"}'".to_owned(),
        "json_format:\n  code: '%RESPONSE_CODE%'\n  flags: '%RESPONSE_FLAGS%'".to_owned(),
    ] {
        let formats = Formats::from_mesh_config(&yaml).unwrap_or_else(|error| panic!("{error}: {yaml}"));
        let (facts, _) = read(&formats, r#"{"flags":"UF","code":503,"x":1}"#);
        assert_eq!((facts.status, facts.flags), (Some(503), ResponseFlags::parse("UF")), "{yaml}");
    }
}

#[test]
fn configurations_without_a_format() {
    let empty = Formats::from_mesh_config("accessLogFile: /dev/stdout\naccessLogFormat: \"\"\naccessLogEncoding: JSON").unwrap();
    assert!(empty.texts.is_empty() && empty.labels.is_empty());
    let telemetry = "kind: Telemetry\nspec:\n  accessLogging:\n  - providers:\n    - name: envoy";
    assert!(matches!(Formats::from_mesh_config(telemetry), Err(FormatError::Missing)));
    assert!(matches!(Formats::from_mesh_config("a: [1"), Err(FormatError::Yaml(_))));
    assert!(matches!(Formats::from_mesh_config("accessLogFormat: '%X'"), Err(FormatError::Unclosed { .. })));
    assert!(Formats::from_mesh_config(&"[".repeat(50_000)).is_err());
}

/// An operator with texts that Envoy may print for it.
#[derive(Debug, Clone)]
struct Sample {
    operator: &'static str,
    value: String,
    get: fn(&Facts<'_>) -> Option<String>,
}

macro_rules! sample {
    ($operator:literal, $($field:ident).+, $values:expr) => {{
        fn get(facts: &Facts<'_>) -> Option<String> {
            facts.$($field).+.as_ref().map(ToString::to_string)
        }
        $values.prop_map(|value| Sample { operator: $operator, value, get }).boxed()
    }};
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let word = "[a-z0-9./:|_]{1,12}";
    let nothing = |_: &Facts<'_>| None;
    let all = vec![
        sample!("%RESPONSE_CODE%", status, (300_u16..600).prop_map(|status| status.to_string())),
        sample!("%RESPONSE_FLAGS%", flags, prop::sample::select(vec!["-", "UF", "UF,URX", "DC"]).prop_map(str::to_owned)),
        sample!("%DURATION%", duration_ms, any::<u32>().prop_map(|number| number.to_string())),
        sample!("%RESPONSE_CODE_DETAILS%", details, "[a-z_{}:]{2,20}"),
        sample!("%UPSTREAM_TRANSPORT_FAILURE_REASON%", upstream_transport_failure, "[a-zA-Z][a-z_: ]{1,20}[a-z]"),
        sample!("%UPSTREAM_CLUSTER%", cluster, word),
        sample!("%UPSTREAM_HOST%", upstream_host, word),
        sample!("%REQ(:PATH)%", context.path, "/[a-z\\[\\]']{0,12}"),
        sample!("%REQ(:AUTHORITY):20%", context.authority, word),
        sample!("%ROUTE_NAME%", route, "[a-z]{1,5} [a-z]{1,5}"),
        "[a-zA-Z\"<;() ]{0,20}".prop_map(move |value| Sample { operator: "%REQ(USER-AGENT)%", value, get: nothing }).boxed(),
        "[a-z\"; ]{0,20}".prop_map(move |value| Sample { operator: "%DYNAMIC_METADATA(a:b)%", value, get: nothing }).boxed(),
    ];
    let count = all.len();
    (all, Just((0..count).collect::<Vec<_>>()).prop_shuffle(), 3..count)
        .prop_map(|(all, order, keep)| order.into_iter().take(keep).filter_map(|at| all.get(at).cloned()).collect())
}

proptest! {
    #[test]
    fn what_is_rendered_is_read_back(samples in samples(), separator in prop::sample::select(vec!["\t", "\u{1f}", " ~ ", ">,<"])) {
        let format = samples.iter().map(|sample| sample.operator).collect::<Vec<_>>().join(separator);
        let line = samples.iter().map(|sample| sample.value.as_str()).collect::<Vec<_>>().join(separator);
        let Ok(formats) = Formats::compile(&format) else { return Ok(()) };
        let (facts, truncated) = read(&formats, &line);
        prop_assert!(!truncated);
        for sample in &samples {
            if let Some(found) = (sample.get)(&facts) {
                prop_assert_eq!(&found, &sample.value, "{} in {}", sample.operator, line);
            } else if sample.operator != "%REQ(USER-AGENT)%" && sample.operator != "%DYNAMIC_METADATA(a:b)%" {
                prop_assert!(false, "{} is missing in {}", sample.operator, line);
            }
        }
    }

    #[test]
    fn random_formats_never_panic(format in "[%A-Z_()?: x\"{}0-9é]{0,60}", line in "\\PC{0,60}") {
        if let Ok(formats) = Formats::compile(&format) {
            let _ = crate::access_log::parse(&line, &formats);
        }
        let _ = Formats::from_mesh_config(&format);
    }

    #[test]
    fn mutated_lines_never_panic(at in 0_usize..400, with in "\\PC{0,3}", cut in 0_usize..30) {
        let at = at % LINE.len();
        let mut line = LINE.to_owned();
        line.replace_range(at..(at + cut).min(LINE.len()), &with);
        let _ = compile(ISTIO).parse(&line);
    }
}
