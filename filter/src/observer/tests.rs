//! What one request makes of a proxy: header, record, counters and host calls.

use super::*;
use crate::config::TraceCheck;
use crate::gather::PROXY_STATUS;
use crate::host::fake::FakeHost;
use meshwhy_core::Flag;

fn refused() -> FakeHost {
    FakeHost::default()
        .number("response.code", 503)
        .number("response.flags", 32)
        .property(
            "response.code_details",
            b"upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_111}",
        )
        .property("upstream.transport_failure_reason", b"delayed connect error: Connection refused")
        .property("xds.cluster_name", b"outbound|80||a.b.svc.cluster.local")
        .property("request.protocol", b"HTTP/1.1")
        .property("request.url_path", b"/pay?card=4111")
        .number("xds.listener_direction", 2)
}

#[test]
fn a_failure_gives_one_record_within_the_budget() {
    let host = refused();
    let mut observer = Observer::new(Config::default());
    observer.on_log(&host, &RequestState::default());
    let records = host.records();
    assert_eq!(records.len(), 1);
    let record = record::decode(&records[0]).unwrap();
    assert_eq!(record.code.as_deref(), Some("MW3002"));
    assert_eq!(record.facts.context.path.as_deref(), Some("/pay"));
    let first = host.calls.replace(0);
    assert!(first <= RECORD + FIRST, "{first}");
    observer.on_log(&host, &RequestState::default());
    assert_eq!(host.records().len(), 2);
    assert!(host.calls.get() <= RECORD, "{}", host.calls.get());
}

#[test]
fn the_budget_holds_whatever_the_details_are() {
    let reset = "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_111}";
    let grpc = |host: FakeHost| host.response_header("content-type", b"application/grpc").number("response.grpc_status", 14);
    for details in ["", "via_upstream", "route_not_found", "no_healthy_upstream", "direct_response", "low_version", "a(b)", reset]
    {
        for status in [None, Some(200), Some(503)] {
            let mut host = grpc(refused()).number("response.code", status.unwrap_or(0));
            host = host.property("response.code_details", details.as_bytes()).property("xds.cluster_name", b"");
            host = host.property("xds.node.id", b"router~10.0.0.1~edge-1.shop~");
            let mut request = RequestState::default();
            let mut observer = Observer::new(Config { report: RecordScope::Replies, level: Level::Full, ..Config::default() });
            for attachment in [RecordScope::Failures, RecordScope::Replies] {
                observer.on_tick(&host);
                host.calls.set(0);
                if attachment == RecordScope::Replies {
                    observer.on_response(&host, &mut request, true);
                    let made = host.calls.replace(0);
                    assert!(made <= ANNOTATION + WITHHOLDING + FIRST, "{details} {status:?}: {made} before the response");
                }
                request.reply = Some(Reply::Failed);
                observer.on_log(&host, &request);
                assert!(host.calls.get() <= RECORD + FIRST, "{details} {status:?}: {} in the log phase", host.calls.get());
            }
        }
    }
}

#[test]
fn the_page_has_the_budget() {
    let page = include_str!("../../../docs/performance.md");
    let record = format!("at most {RECORD}, and {ANNOTATION} before the response in annotate, {WITHHOLDING} more at a gateway");
    for budget in [record, format!("at most {SUPPRESSED}, and the same"), format!("cost up to {FIRST} more")] {
        assert!(page.contains(&budget), "docs/performance.md: {budget}");
    }
}

#[test]
fn a_failure_without_a_record_costs_less() {
    let host = refused();
    let mut observer = Observer::new(Config { records_per_interval: 1, ..Config::default() });
    observer.on_log(&host, &RequestState::default());
    let before = host.calls.get();
    observer.on_log(&host, &RequestState::default());
    assert!(host.calls.get() - before <= SUPPRESSED, "{}", host.calls.get() - before);
    assert_eq!(host.records().len(), 1);
}

#[test]
fn a_healthy_request_costs_one_call_and_says_nothing() {
    let host = FakeHost::default().number("response.code", 200).property("response.code_details", b"via_upstream");
    let request = RequestState { reply: Some(Reply::Fine), ..RequestState::default() };
    Observer::new(Config::default()).on_log(&host, &request);
    assert_eq!((host.calls.get(), host.lines.borrow().len()), (1, 0));
}

#[test]
fn a_response_that_began_well_and_ended_badly_is_a_failure() {
    let host = FakeHost::default()
        .number("response.code", 200)
        .number("response.flags", 64)
        .property("response.code_details", b"upstream_reset_after_response_started{connection_termination}");
    let request = RequestState { reply: Some(Reply::Fine), ..RequestState::default() };
    Observer::new(Config::default()).on_log(&host, &request);
    assert_eq!(host.records().len(), 1);
}

#[test]
fn a_reply_that_was_replaced_is_counted_and_recorded_as_what_it_became() {
    let ended = |late: FakeHost| {
        let mut observer = Observer::new(Config { visibility: MemberVisibility::Always, ..Config::default() });
        let mut request = RequestState::default();
        observer.on_response(&refused(), &mut request, false);
        observer.on_log(&late, &request);
        let counted = late.counters.borrow().iter().map(|(name, _)| name.clone()).collect::<String>();
        (late.records().first().map(|line| record::decode(line).unwrap().code.unwrap()), counted)
    };
    let (code, counted) = ended(refused());
    assert!(code.as_deref() == Some("MW3002") && counted.contains("upstream-connection-refused"), "{code:?} {counted}");
    let replaced = FakeHost::default().number("response.code", 503).property("response.code_details", b"wasm_fail_stream");
    let (code, counted) = ended(replaced);
    assert!(code.as_deref() == Some("MW7004") && counted.contains("wasm-load-failed"), "{code:?} {counted}");
    let rescued = FakeHost::default().number("response.code", 200).property("response.code_details", b"via_upstream");
    assert_eq!(ended(rescued), (None, String::new()));
}

#[test]
fn what_was_held_back_keeps_side_confidence_and_author() {
    let host = FakeHost::default().number("response.code", 503).property("response.code_details", b"via_upstream");
    let host = host.property("xds.cluster_name", b"outbound|80||a.b.svc.cluster.local");
    let host = host.response_header("proxy-status", br#""pay-0.shop"; mw-cause=MW3001; mw-side=inbound"#);
    let mut observer = Observer::new(Config { records_per_interval: 0, ..Config::default() });
    observer.on_log(&host, &RequestState::default());
    observer.on_tick(&host);
    let record = &host.records()[0];
    for part in [r#""meshwhy.side":"outbound""#, r#""meshwhy.confidence":"likely""#, r#""meshwhy.relayed_from":"pay-0.shop""#] {
        assert!(record.contains(part), "{record}");
    }
}

#[test]
fn a_failed_grpc_status_is_a_failure_for_the_access_logger() {
    let host = || FakeHost::default().number("response.code", 200).property("response.code_details", b"via_upstream");
    let grpc = || host().response_header("content-type", b"application/grpc");
    let failed = grpc().number("response.grpc_status", 13).property("request.protocol", b"HTTP/2");
    Observer::new(Config::default()).on_log(&failed, &RequestState::default());
    assert_eq!(record::decode(&failed.records()[0]).unwrap().facts.grpc_status, Some(13));
    let inferred = host().number("response.grpc_status", 2).number("response.flags", Flag::DI.mask());
    for fine in [grpc().number("response.grpc_status", 0), inferred] {
        Observer::new(Config::default()).on_log(&fine, &RequestState::default());
        assert_eq!(fine.records().len(), 0);
    }
}

#[test]
fn plaintext_for_a_plaintext_filter_chain_is_no_failure() {
    let inspected = |flags: u64| {
        let reason = b"TLS_error|error:1000009c:SSL routines:OPENSSL_internal:HTTP_REQUEST";
        FakeHost::default().number("response.flags", flags).property("connection.transport_failure_reason", reason)
    };
    for (flags, records) in [(0, 0), (Flag::NR.mask(), 1)] {
        let host = inspected(flags);
        Observer::new(Config::default()).on_log(&host, &RequestState::default());
        assert_eq!(host.records().len(), records);
    }
}

#[test]
fn a_tcp_connection_that_failed_without_a_reason_is_judged_by_how_long_it_took() {
    let code = |milliseconds: u64| {
        let host = FakeHost::default().number("response.flags", Flag::UF.mask()).property("upstream.address", b"10.0.0.7:80");
        let host = host.number("request.duration", milliseconds * 1_000_000);
        Observer::new(Config::default()).on_log(&host, &RequestState::default());
        let record = record::decode(&host.records()[0]).unwrap();
        assert_eq!(record.facts.duration_ms, Some(milliseconds));
        record.code.unwrap()
    };
    assert_eq!(code(5000), "MW3003");
    assert_ne!(code(3), "MW3003");
}

#[test]
fn an_access_logger_reads_who_refused_where_envoy_left_it() {
    let passed_on = || FakeHost::default().number("response.code", 503).property("response.code_details", b"via_upstream");
    let member = br#""pay-0.shop"; mw-cause=MW3001; mw-side=inbound; mw-flags="UH""#;
    let removed = passed_on().property("xds.node.id", b"router~10.0.0.1~edge-1.shop~");
    for (host, code) in [
        (passed_on().property("response.headers.proxy-status", member), "MW3001"),
        (removed.property("metadata.filter_metadata.meshwhy.proxy_status", member), "MW3001"),
        (passed_on().property("metadata.filter_metadata.meshwhy.proxy_status", member), "MW5004"),
        (passed_on().property("response.headers.proxy-status", b"\"x\"; mw-cause=MW9999, cdn; hit"), "MW5004"),
    ] {
        Observer::new(Config::default()).on_log(&host, &RequestState::default());
        assert_eq!(record::decode(&host.records()[0]).unwrap().code.as_deref(), Some(code));
    }
}

#[test]
fn totals_stay_exact_under_flood_control() {
    let host = refused();
    let mut observer = Observer::new(Config { records_per_interval: 3, ..Config::default() });
    for _ in 0..100 {
        observer.on_log(&host, &RequestState::default());
    }
    observer.on_tick(&host);
    let counts: Vec<u64> = host.records().iter().filter_map(|line| record::decode(line)).map(|record| record.count).collect();
    assert_eq!(counts, [1, 1, 1, 97]);
    assert_eq!(host.counters.borrow().iter().map(|(_, count)| count).sum::<u32>(), 100 + 97);
}

#[test]
fn bytes_that_are_no_text_do_no_harm() {
    let host = refused().property("request.host", b"\xa1\xb1").property("xds.route_name", b"\xff");
    Observer::new(Config::default()).on_log(&host, &RequestState::default());
    assert_eq!(host.records().len(), 1);
}

#[test]
fn a_failed_request_without_trace_context_gives_one_record_of_each() {
    let host = refused();
    Observer::new(Config::default()).on_log(&host, &RequestState { lacks_trace_context: true, ..RequestState::default() });
    let codes: Vec<_> = host.records().iter().filter_map(|line| record::decode(line)?.code).collect();
    assert_eq!(codes, ["MW8001", "MW3002"]);
}

#[test]
fn an_access_logger_for_trace_context_reports_events_and_not_failures() {
    let host = refused();
    let mut observer = Observer::new(Config { report: RecordScope::TraceContext, ..Config::default() });
    observer.on_log(&host, &RequestState::default());
    let records = host.records();
    assert_eq!(records.len(), 1);
    assert!(records[0].contains(r#""meshwhy.event":"trace_context_missing""#));
}

/// What an inner sidecar wrote.
const INNER: &str = r#""pay-0.shop"; error=destination_not_found; mw-cause=MW2002; mw-side=inbound; details="route_not_found""#;

fn config(visibility: MemberVisibility) -> Config {
    Config { visibility, trace_check: TraceCheck { sample_per_10k: 10_000, annotate: true }, ..Config::default() }
}

fn observer(visibility: MemberVisibility) -> Observer {
    Observer::new(config(visibility))
}

/// Answers the request; gives the lines of the header.
fn respond(visibility: MemberVisibility, host: &FakeHost) -> Vec<String> {
    observer(visibility).on_response(host, &mut RequestState::default(), false);
    host.lines_of(PROXY_STATUS)
}

fn no_route(node: &str, direction: u64) -> FakeHost {
    FakeHost::default()
        .number("response.code", 404)
        .number("response.flags", 256)
        .property("response.code_details", b"route_not_found")
        .property("xds.node.id", format!("{node}~10.0.0.1~cart-1.shop~shop.svc.cluster.local").as_bytes())
        .number("xds.listener_direction", direction)
}

fn healthy(node: &str) -> FakeHost {
    FakeHost::default().number("response.code", 200).property("xds.node.id", format!("{node}~10.0.0.1~edge.shop~").as_bytes())
}

fn relayed() -> FakeHost {
    let host = FakeHost::default().number("response.code", 404).property("response.code_details", b"via_upstream");
    host.property("xds.cluster_name", b"outbound|80||pay.shop.svc.cluster.local")
}

#[test]
fn inbound_tells_peers_with_mutual_tls_only() {
    let stranger = no_route("sidecar", 1);
    assert_eq!(respond(MemberVisibility::Mesh, &stranger), [""; 0]);
    let peer = no_route("sidecar", 1).property("connection.mtls", &[1]);
    let expected = "\"cart-1.shop\"; error=destination_not_found; mw-cause=MW2002; mw-side=inbound; mw-flags=\"NR\"; details=\"route_not_found\"";
    assert_eq!(respond(MemberVisibility::Mesh, &peer), [expected]);
    assert_eq!(respond(MemberVisibility::Always, &no_route("sidecar", 1)), [expected]);
}

#[test]
fn outbound_tells_its_own_application() {
    let lines = respond(MemberVisibility::Mesh, &no_route("sidecar", 2));
    assert!(lines.iter().all(|line| line.contains("mw-side=outbound")) && lines.len() == 1, "{lines:?}");
}

#[test]
fn a_gateway_tells_its_own_access_log() {
    for kind in ["router", "waypoint"] {
        let host = no_route(kind, 2).response_header(PROXY_STATUS, b"cdn; hit").property("connection.mtls", &[1]);
        assert_eq!(respond(MemberVisibility::Mesh, &host), ["cdn; hit"]);
        let withheld = host.filter_state.borrow();
        assert!(withheld.len() == 1 && withheld[0].0 == WITHHELD && withheld[0].1.contains("mw-side=gateway"), "{withheld:?}");
        assert_eq!(respond(MemberVisibility::Always, &no_route(kind, 2)).len(), 1);
    }
}

#[test]
fn a_gateway_takes_out_what_the_mesh_says() {
    let arrived = || healthy("router").response_header(PROXY_STATUS, b"cdn; hit").response_header(PROXY_STATUS, INNER.as_bytes());
    let host = arrived();
    assert_eq!(respond(MemberVisibility::Mesh, &host), ["cdn; hit"]);
    assert_eq!(*host.filter_state.borrow(), [(WITHHELD.to_owned(), INNER.to_owned())]);
    assert_eq!(respond(MemberVisibility::Always, &arrived()), ["cdn; hit", INNER]);
    assert_eq!(respond(MemberVisibility::Mesh, &arrived().refusing_removal()), ["cdn; hit", INNER]);
    let alone = healthy("router").response_header(PROXY_STATUS, INNER.as_bytes());
    assert_eq!(respond(MemberVisibility::Mesh, &alone), [""; 0]);
    let sidecar = healthy("sidecar").response_header(PROXY_STATUS, INNER.as_bytes());
    assert_eq!(respond(MemberVisibility::Mesh, &sidecar), [INNER]);
}

#[test]
fn a_configured_side_wins() {
    let host = healthy("router").response_header(PROXY_STATUS, INNER.as_bytes());
    let mut observer = Observer::new(Config { side: Some(Side::Outbound), ..Config::default() });
    observer.on_response(&host, &mut RequestState::default(), false);
    assert_eq!(host.lines_of(PROXY_STATUS), [INNER]);
}

#[test]
fn the_applications_own_error_is_not_marked() {
    assert_eq!(respond(MemberVisibility::Always, &relayed()), [""; 0]);
}

#[test]
fn a_cause_without_an_error_type_is_marked_with_its_code() {
    for (details, code) in [("fault_filter_abort", "MW6011"), ("direct_response", "MW2005")] {
        let host = FakeHost::default().number("response.code", 503).property("response.code_details", details.as_bytes());
        let lines = respond(MemberVisibility::Always, &host.number("response.flags", 0));
        assert_eq!(lines, [format!("\"\"; mw-cause={code}; details=\"{details}\"")]);
    }
}

#[test]
fn a_grpc_call_that_envoy_refused_is_marked_and_recorded() {
    let refused = |grpc_status: &[u8]| {
        no_route("sidecar", 2)
            .response_header(":status", b"200")
            .response_header("grpc-status", grpc_status)
            .response_header("content-type", b"application/grpc")
    };
    for (host, end_of_stream, marks) in
        [(refused(b"12"), true, 1), (refused(b"12"), false, 0), (refused(b"0"), true, 0), (refused(b"\xff"), true, 0)]
    {
        let (mut observer, mut request) =
            (Observer::new(Config { report: RecordScope::Replies, ..Config::default() }), RequestState::default());
        observer.on_response(&host, &mut request, end_of_stream);
        observer.on_log(&host, &request);
        assert_eq!((host.lines_of(PROXY_STATUS).len(), host.records().len()), (marks, marks));
    }
}

#[test]
fn a_relay_of_a_refused_grpc_call_says_who_refused() {
    let host = relayed().response_header(":status", b"200").number("response.code", 200);
    let host = host.response_header("grpc-status", b"12").response_header("content-type", b"application/grpc");
    let host = host.number("response.grpc_status", 12).response_header(PROXY_STATUS, INNER.as_bytes());
    let (mut observer, mut request) = (observer(MemberVisibility::Mesh), RequestState::default());
    observer.on_response(&host, &mut request, true);
    observer.on_log(&host, &request);
    assert_eq!(host.lines_of(PROXY_STATUS), [INNER]);
    assert!(host.records()[0].contains(r#""meshwhy.relayed_from":"pay-0.shop""#), "{:?}", host.records());
}

#[test]
fn a_header_named_like_a_grpc_status_makes_no_grpc_response() {
    let host = healthy("sidecar").response_header("grpc-status", b"2");
    let mut request = RequestState::default();
    observer(MemberVisibility::Always).on_response(&host, &mut request, true);
    assert_eq!(request.reply, Some(Reply::Fine));
}

#[test]
fn a_relay_says_who_refused() {
    for node in ["router", "sidecar"] {
        let host = relayed().property("xds.node.id", format!("{node}~1.2.3.4~edge.shop~").as_bytes());
        let host = host.response_header(PROXY_STATUS, INNER.as_bytes());
        let (mut observer, mut request) = (observer(MemberVisibility::Mesh), RequestState::default());
        observer.on_response(&host, &mut request, false);
        observer.on_log(&host, &request);
        let record = &host.records()[0];
        for part in [r#""meshwhy.code":"MW2002""#, r#""meshwhy.confidence":"likely""#, r#""meshwhy.relayed_from":"pay-0.shop""#] {
            assert!(record.contains(part), "{node}: {record}");
        }
        assert!(host.counters.borrow()[0].0.contains("tag.no-virtual-host;."), "{:?}", host.counters);
    }
}

#[test]
fn marking_a_local_reply_stays_within_its_budget() {
    for (node, more) in [("sidecar", 0), ("router", WITHHOLDING)] {
        let host = no_route(node, 1).property("connection.mtls", &[1]);
        let mut observer = Observer::new(Config { level: Level::Full, report: RecordScope::Replies, ..Config::default() });
        observer.on_response(&host, &mut RequestState::default(), false);
        let first = host.calls.replace(0);
        assert!(first <= ANNOTATION + FIRST + more, "{first}");
        observer.on_response(&host, &mut RequestState::default(), false);
        assert!(host.calls.get() <= ANNOTATION + more, "{}", host.calls.get());
    }
}

#[test]
fn a_healthy_response_costs_one_call_and_one_more_at_a_gateway() {
    for (node, end_of_stream, calls) in [("sidecar", false, 1), ("sidecar", true, 2), ("router", false, 2)] {
        let host = healthy(node);
        let mut observer = Observer::started(&host, config(MemberVisibility::Mesh));
        host.calls.set(0);
        observer.on_response(&host, &mut RequestState::default(), end_of_stream);
        assert_eq!(host.calls.get(), calls, "{node}");
    }
}

#[test]
fn under_replies_a_failure_is_reported_by_who_said_so() {
    let config = Config { report: RecordScope::Replies, ..Config::default() };
    let unanswered = FakeHost::default().property("xds.node.id", b"sidecar~10.0.0.1~cart-1.shop~");
    for (host, said) in [(no_route("sidecar", 2), true), (healthy("sidecar"), false), (unanswered, false)] {
        let (mut observer, mut request) = (Observer::started(&host, config.clone()), RequestState::default());
        host.calls.set(0);
        observer.on_response(&host, &mut request, false);
        let calls = host.calls.replace(0);
        observer.on_log(&host, &request);
        assert_eq!((host.filter_state.borrow().len(), host.records().len()), (usize::from(said), usize::from(said)));
        assert!(said || calls + host.calls.get() == 1, "{} calls", calls + host.calls.get());
    }
}

#[test]
fn a_request_without_trace_context_is_counted_and_its_response_marked_without_an_error() {
    let host = FakeHost::default().number("response.code", 200).request_header("b3", b"");
    let mut observer = observer(MemberVisibility::Always);
    let mut request = observer.on_request(&host);
    assert!(request.lacks_trace_context);
    observer.on_response(&host, &mut request, false);
    assert_eq!(host.lines_of(PROXY_STATUS), ["\"\"; mw-cause=MW8001"]);
}

#[test]
fn a_host_that_refuses_everything_changes_nothing() {
    let host = FakeHost::refusing_all();
    let mut observer = observer(MemberVisibility::Always);
    let mut request = observer.on_request(&host);
    observer.on_response(&host, &mut request, true);
    observer.on_log(&host, &request);
    observer.on_tick(&host);
    assert_eq!((request.reply, host.response_headers.borrow().len(), host.records().len()), (None, 0, 0));
}

#[test]
fn in_full_a_reply_carries_its_record_and_an_error_that_is_passed_on_says_so() {
    let full = Config { level: Level::Full, visibility: MemberVisibility::Always, ..Config::default() };
    let host = no_route("sidecar", 2).property("upstream.address", b"10.0.0.7:8080");
    Observer::new(full.clone()).on_response(&host, &mut RequestState::default(), false);
    let header = host.lines_of(PROXY_STATUS).concat();
    let members = meshwhy_core::proxy_status::read(&header);
    let record = members[0].record.as_ref().unwrap_or_else(|| panic!("{header}"));
    assert_eq!(record.facts.details.as_deref(), members[0].details.as_deref());
    assert_eq!(record.facts.upstream_host.as_deref(), Some("10.0.0.7:8080"));

    let host = FakeHost::default()
        .number("response.code", 503)
        .property("response.code_details", b"via_upstream")
        .property("upstream.address", b"10.0.0.7:8080");
    Observer::new(full).on_response(&host, &mut RequestState::default(), false);
    assert_eq!(host.lines_of(PROXY_STATUS), [r#"""; received-status=503; next-hop="10.0.0.7:8080""#]);
}
