//! The exchanges: what clients and upstreams do to a proxy, on purpose or not.

use std::time::Duration;

use super::exchange::{Comparison, Exchange};
use crate::client::Step;
use crate::client::frames::{self, frame, kind};
use Step::{Await, AwaitEnd, AwaitStreams, HalfClose, Reset, Rest, Send};

const HOST: &str = "host: shop.demo\r\n";
const GRPC: &str = "host: shop.demo\r\ncontent-type: application/grpc\r\nte: trailers\r\n";
/// Long enough for Envoy to have read what was sent.
const MOMENT: Duration = Duration::from_millis(60);

/// Every exchange.
pub fn all() -> Vec<Exchange> {
    [requests(), headers(), halves_and_resets(), upstreams(), detours(), tunnels(), grpc(), streams(), floods()].concat()
}

fn exchange(name: &'static str, listener: &'static str, steps: Vec<Step>) -> Exchange {
    Exchange { name, listener, steps, lines: Some(1), comparison: Comparison::Exact }
}

fn raw(name: &'static str, listener: &'static str, bytes: impl Into<Vec<u8>>) -> Exchange {
    exchange(name, listener, vec![Send(bytes.into()), AwaitEnd])
}

/// A request that ends its connection; `headers` are whole lines.
pub fn get(name: &'static str, path: &str, headers: &str) -> Exchange {
    raw(name, "generous", format!("GET {path} HTTP/1.1\r\n{headers}connection: close\r\n\r\n"))
}

/// Request lines and bodies that are no HTTP/1.1, or hardly.
fn requests() -> Vec<Exchange> {
    let post = |name, head: &str, body: &[u8]| {
        let head = format!("POST /ok HTTP/1.1\r\n{HOST}connection: close\r\n{head}\r\n");
        raw(name, "generous", [head.as_bytes(), body].concat())
    };
    vec![
        get("a healthy request", "/ok", HOST),
        raw("HTTP/0.9", "generous", "GET /ok\r\n\r\n"),
        raw("HTTP/1.0", "generous", format!("GET /ok HTTP/1.0\r\n{HOST}\r\n")),
        raw("HTTP/3.7", "generous", format!("GET /ok HTTP/3.7\r\n{HOST}\r\n")),
        raw("no HTTP at all", "generous", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec()),
        get("a path that is no UTF-8", "/\u{a1}\u{b1}", HOST),
        raw("a path with a control byte", "generous", b"GET /a\x01b HTTP/1.1\r\nhost: shop.demo\r\n\r\n".to_vec()),
        get("a path that leaves the root", "/../../../etc/passwd", HOST),
        get("an escaped NUL", "/a%00b", HOST),
        get("a path without a route", "/no/route", HOST),
        get("a path of 50 KB without a route", &format!("/x/{}", "x".repeat(50_000)), HOST),
        get("a query of 50 KB", &format!("/ok?{}", "q".repeat(50_000)), HOST),
        get("a path that looks like a record", "/x/meshwhy1%20{%22count%22:9}", HOST),
        get("a failing path that is quoted JSON", "/x/\\\"},{\"count\":9,\"", HOST),
        post(
            "a chunked body with trailers",
            "transfer-encoding: chunked\r\ntrailer: x-sum\r\n",
            b"4\r\n0123\r\n0\r\nx-sum: \xff\r\n\r\n",
        ),
        post("a chunk size that is no number", "transfer-encoding: chunked\r\n", b"zz\r\n0123\r\n0\r\n\r\n"),
        post("two lengths", "content-length: 4\r\ncontent-length: 5\r\n", b"0123"),
        post("a length and chunks", "content-length: 4\r\ntransfer-encoding: chunked\r\n", b"0\r\n\r\n"),
        post("a negative length", "content-length: -1\r\n", b""),
        raw("an absolute URL", "generous", format!("GET http://shop.demo/ok HTTP/1.1\r\n{HOST}connection: close\r\n\r\n")),
        Exchange {
            lines: Some(2),
            ..raw(
                "two requests in one write",
                "generous",
                format!("GET /ok HTTP/1.1\r\n{HOST}\r\nGET /no/route HTTP/1.1\r\n{HOST}connection: close\r\n\r\n"),
            )
        },
    ]
}

/// Headers as no one sends them, to what succeeds and to what fails.
fn headers() -> Vec<Exchange> {
    let large = |size: usize| format!("{HOST}x-large: {}\r\n", "x".repeat(size));
    let many = |count: usize| format!("{HOST}{}", (0..count).map(|index| format!("x-many-{index}: 1\r\n")).collect::<String>());
    let odd = b"x-bytes: \xa1\xb1\xff\r\nuser-agent: \xff\xfe\r\nx-request-id: \xa1\r\nx-forwarded-for: \xff, ;\r\ntraceparent: \xff\r\nb3: \xa1\r\n";
    let odd_to = |path: &str| [format!("GET {path} HTTP/1.1\r\n{HOST}connection: close\r\n").as_bytes(), odd, b"\r\n"].concat();
    let empty = format!("{HOST}x-empty:\r\nuser-agent:\r\nx-request-id:\r\ntraceparent:\r\nb3:\r\nx-forwarded-for:\r\n");
    vec![
        raw("values that are no UTF-8", "generous", odd_to("/ok")),
        raw("values that are no UTF-8, failing", "generous", odd_to("/refused")),
        raw(
            "a host that is no UTF-8",
            "generous",
            b"GET /no/route HTTP/1.1\r\nhost: \xa1\xb1\r\nconnection: close\r\n\r\n".to_vec(),
        ),
        raw(
            "a control byte in a value",
            "generous",
            b"GET /ok HTTP/1.1\r\nhost: shop.demo\r\nx-c: a\x01b\r\nconnection: close\r\n\r\n".to_vec(),
        ),
        raw(
            "a NUL in a value",
            "generous",
            b"GET /ok HTTP/1.1\r\nhost: shop.demo\r\nx-c: a\0b\r\nconnection: close\r\n\r\n".to_vec(),
        ),
        raw("a folded value", "generous", format!("GET /ok HTTP/1.1\r\n{HOST}x-a: b\r\n c\r\nconnection: close\r\n\r\n")),
        raw("a name with a space", "generous", format!("GET /ok HTTP/1.1\r\n{HOST}x a: b\r\nconnection: close\r\n\r\n")),
        get("empty values", "/ok", &empty),
        get("empty values, failing", "/refused", &empty),
        get("a value of 60 KB", "/ok", &large(60_000)),
        get("a value of 60 KB, failing", "/refused", &large(60_000)),
        get("1 000 headers", "/ok", &many(1_000)),
        get("1 000 headers, failing", "/no-endpoint", &many(1_000)),
        raw("a value of 70 KB, refused", "strict", format!("GET /ok HTTP/1.1\r\n{}\r\n", large(70_000))),
        raw("1 000 headers, refused", "strict", format!("GET /ok HTTP/1.1\r\n{}\r\n", many(1_000))),
        raw("a host of no virtual host", "strict", "GET /ok HTTP/1.1\r\nhost: other.demo\r\nconnection: close\r\n\r\n"),
        get("no host", "/ok", ""),
        get("two hosts", "/ok", "host: a\r\nhost: b\r\n"),
        get("a forged proxy-status", "/no/route", &format!("{HOST}proxy-status: other; error=dns_error\r\n")),
    ]
}

/// Clients that leave in the middle.
fn halves_and_resets() -> Vec<Exchange> {
    let head = |path: &str| format!("GET {path} HTTP/1.1\r\n{HOST}\r\n").into_bytes();
    let body = format!("POST /ok HTTP/1.1\r\n{HOST}content-length: 100\r\n\r\n0123").into_bytes();
    let partial = b"GET /ok HTTP/1.1\r\nhost: sh".to_vec();
    let quiet = |exchange| Exchange { lines: None, ..exchange };
    // Envoy may see the end before the request's answer is there, or after.
    let race = |exchange| Exchange { lines: None, comparison: Comparison::Ended, ..exchange };
    vec![
        quiet(exchange("nothing, then reset", "generous", vec![Rest(MOMENT), Reset])),
        quiet(exchange("half a head, then closed half", "generous", vec![Send(partial.clone()), HalfClose, AwaitEnd])),
        quiet(exchange("half a head, then reset", "generous", vec![Send(partial), Rest(MOMENT), Reset])),
        exchange("half a body, then closed half", "generous", vec![Send(body.clone()), HalfClose, AwaitEnd]),
        exchange("half a body, then reset", "generous", vec![Send(body), Rest(MOMENT), Reset]),
        race(exchange("a request, then closed half", "generous", vec![Send(head("/ok")), HalfClose, AwaitEnd])),
        race(exchange("a failing request, then closed half", "generous", vec![Send(head("/no/route")), HalfClose, AwaitEnd])),
        exchange("reset while the upstream is silent", "generous", vec![Send(head("/hang?wait")), Rest(MOMENT), Reset]),
        exchange("reset after a healthy response", "generous", vec![Send(head("/ok")), Await(b"hello\n"), Reset]),
        exchange("reset after a local reply", "generous", vec![Send(head("/no/route")), Await(b"\r\n\r\n"), Reset]),
    ]
}

/// Upstreams that fail in each phase, and odd ones that do not.
fn upstreams() -> Vec<Exchange> {
    let paths: [(&str, &str); 29] = [
        ("the upstream resets at once", "/reset"),
        ("the upstream closes at once", "/close"),
        ("the upstream says nothing", "/hang"),
        ("the upstream speaks no HTTP", "/garbage"),
        ("the upstream resets in its head", "/half-head"),
        ("the upstream resets after its head", "/reset-after-head"),
        ("the upstream resets in its body", "/reset-in-body"),
        ("the upstream closes in a chunk", "/close-in-chunk"),
        ("the upstream resets before its trailers", "/reset-before-trailers"),
        ("the upstream sends a bad chunk", "/bad-chunk"),
        ("the upstream sends trailers", "/trailers"),
        ("the upstream sends early hints", "/interim"),
        ("the upstream continues unasked", "/continue"),
        ("the upstream has no content", "/no-content"),
        ("the upstream fails", "/http-500"),
        ("the upstream has a status of its own", "/http-799"),
        ("the upstream sends no UTF-8", "/bytes"),
        ("the upstream sends control bytes", "/control"),
        ("the upstream sends 50 KB in a header", "/large-header"),
        ("the upstream sends 70 KB in a header", "/too-large-header"),
        ("the upstream fails with 50 KB in a header", "/large-error"),
        ("the upstream sends 90 headers", "/many-headers"),
        ("the upstream sends 1 000 headers", "/thousand-headers"),
        ("the upstream has a proxy-status", "/proxy-status"),
        ("the upstream's port is closed", "/refused"),
        ("the cluster has no endpoint", "/no-endpoint"),
        ("the cluster is missing", "/no-cluster"),
        ("the proxy answers itself", "/direct"),
        ("the proxy answers 404 itself", "/nowhere"),
    ];
    paths.into_iter().map(|(name, path)| get(name, path, HOST)).collect()
}

/// Retries, internal redirects, mirrored requests.
fn detours() -> Vec<Exchange> {
    vec![
        get("a retry that succeeds", "/flaky", HOST),
        get("retries in vain", "/retried", HOST),
        // Each redirect is a stream of its own to Envoy's loggers.
        Exchange { lines: Some(2), ..get("an internal redirect", "/redirect", HOST) },
        Exchange { lines: Some(4), ..get("internal redirects without an end", "/redirect-loop", HOST) },
        Exchange { lines: Some(2), ..get("an internal redirect to a failure", "/redirect-nowhere", HOST) },
        get("a mirrored request, its mirrors failing", "/mirrored", HOST),
    ]
}

/// Upgrades and CONNECT.
fn tunnels() -> Vec<Exchange> {
    let upgrade =
        |path: &str| format!("GET {path} HTTP/1.1\r\n{HOST}connection: upgrade\r\nupgrade: websocket\r\n\r\n").into_bytes();
    let connect = |host: &str| format!("CONNECT {host}:443 HTTP/1.1\r\nhost: {host}:443\r\n\r\n").into_bytes();
    vec![
        exchange(
            "a websocket",
            "generous",
            vec![
                Send(upgrade("/websocket")),
                Await(b"\r\n\r\n"),
                Send(b"\x81\x02hi".to_vec()),
                Await(b"\x81\x02hi"),
                HalfClose,
                AwaitEnd,
            ],
        ),
        exchange(
            "a websocket, reset",
            "generous",
            vec![Send(upgrade("/websocket")), Await(b"\r\n\r\n"), Send(b"\x81\x02hi".to_vec()), Await(b"\x81\x02hi"), Reset],
        ),
        exchange("a websocket that the upstream refuses", "generous", vec![Send(upgrade("/http-403")), AwaitEnd]),
        exchange("a websocket to a closed port", "generous", vec![Send(upgrade("/refused")), AwaitEnd]),
        raw(
            "an upgrade that is not allowed",
            "strict",
            format!("GET /ok HTTP/1.1\r\n{HOST}connection: upgrade\r\nupgrade: websocket\r\n\r\n"),
        ),
        raw("a tunnel where none is allowed", "strict", connect("shop.demo")),
        exchange(
            "a tunnel",
            "connect",
            vec![
                Send(connect("shop.demo")),
                Await(b"\r\n\r\n"),
                Send(b"GET /ok HTTP/1.1\r\n\r\n".to_vec()),
                Await(b"hello\n"),
                HalfClose,
                AwaitEnd,
            ],
        ),
        exchange("a tunnel to a closed port", "connect", vec![Send(connect("refused.demo")), AwaitEnd]),
    ]
}

/// gRPC over HTTP/1.1.
fn grpc() -> Vec<Exchange> {
    let call = |name, path: &str| {
        raw(name, "generous", format!("POST {path} HTTP/1.1\r\n{GRPC}content-length: 0\r\nconnection: close\r\n\r\n"))
    };
    vec![
        call("a gRPC call", "/grpc-ok"),
        call("a gRPC call that fails", "/grpc-failed"),
        call("a gRPC status that is no number", "/grpc-odd"),
        call("a gRPC call to a closed port", "/refused"),
        call("a gRPC call that is cut", "/reset-in-body"),
        call("a gRPC call without a route", "/no/route"),
    ]
}

fn h2(path: &[u8]) -> Vec<(&[u8], &[u8])> {
    vec![(b":method", b"GET"), (b":scheme", b"http"), (b":path", path), (b":authority", b"shop.demo")]
}

fn with<'a>(mut headers: Vec<(&'a [u8], &'a [u8])>, more: &[(&'a [u8], &'a [u8])]) -> Vec<(&'a [u8], &'a [u8])> {
    headers.extend(more);
    headers
}

fn connection(name: &'static str, parts: &[Vec<u8>], streams: &[u32]) -> Exchange {
    let bytes = [frames::hello(), parts.concat()].concat();
    Exchange { lines: Some(streams.len()), ..exchange(name, "generous", vec![Send(bytes), AwaitStreams(streams.to_vec())]) }
}

/// HTTP/2.
fn streams() -> Vec<Exchange> {
    let large = vec![b'x'; 60_000];
    let names: Vec<String> = (0..1_000).map(|index| format!("x-many-{index}")).collect();
    let many: Vec<(&[u8], &[u8])> = names.iter().map(|name| (name.as_bytes(), b"1".as_slice())).collect();
    let one = |name, headers: &[(&[u8], &[u8])]| connection(name, &[frames::request(1, true, headers)], &[1]);
    let no_authority: [(&[u8], &[u8]); 3] = [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/ok")];
    let grpc = |path| with(h2(path), &[(b"content-type", b"application/grpc"), (b"te", b"trailers")]);
    vec![
        one("h2: a healthy request", &h2(b"/ok")),
        one("h2: no route", &h2(b"/no/route")),
        one("h2: a closed port", &h2(b"/refused")),
        one("h2: no :authority", &no_authority),
        one("h2: no :path", &[(b":method", b"GET"), (b":scheme", b"http"), (b":authority", b"shop.demo")]),
        one("h2: an upper-case name", &with(h2(b"/ok"), &[(b"X-Upper", b"1")])),
        one(
            "h2: no UTF-8",
            &with(h2(b"/refused"), &[(b"x-bytes", b"\xa1\xb1"), (b"user-agent", b"\xff"), (b"traceparent", b"\xff")]),
        ),
        one("h2: a control byte", &with(h2(b"/ok"), &[(b"x-c", b"a\x01b")])),
        one("h2: an empty value", &with(h2(b"/refused"), &[(b"x-empty", b""), (b"user-agent", b""), (b"b3", b"")])),
        one("h2: a value of 60 KB, failing", &with(h2(b"/refused"), &[(b"x-large", &large)])),
        one("h2: 1 000 headers, failing", &with(h2(b"/refused"), &many)),
        one("h2: gRPC", &grpc(b"/grpc-ok")),
        one("h2: gRPC that fails", &grpc(b"/grpc-failed")),
        one("h2: gRPC to a closed port", &grpc(b"/refused")),
        one("h2: gRPC that is cut", &grpc(b"/reset-in-body")),
        one("h2: the upstream sends trailers", &h2(b"/trailers")),
        one("h2: the upstream resets before its trailers", &h2(b"/reset-before-trailers")),
        one("h2: the upstream resets in its body", &h2(b"/reset-in-body")),
        connection(
            "h2: a body with trailers",
            &[
                frames::request(1, false, &h2(b"/ok")),
                frame(kind::DATA, 0, 1, b"0123"),
                frames::request(1, true, &[(b"x-sum", b"\xff")]),
            ],
            &[1],
        ),
        connection(
            "h2: three streams, two failing",
            &[1, 3, 5].map(|id| frames::request(id, true, &h2(if id == 3 { b"/ok" } else { b"/no/route" }))),
            &[1, 3, 5],
        ),
        Exchange {
            steps: vec![
                Send([frames::hello(), frames::request(1, true, &h2(b"/hang?wait"))].concat()),
                Rest(MOMENT),
                Send(frame(kind::RST_STREAM, 0, 1, &[0, 0, 0, 8])),
                Rest(MOMENT),
                Reset,
            ],
            ..connection("h2: a stream that the client cancels", &[], &[1])
        },
        Exchange {
            steps: vec![Send([frames::hello(), frames::request(1, true, &h2(b"/hang?wait"))].concat()), Rest(MOMENT), Reset],
            ..connection("h2: reset while the upstream is silent", &[], &[1])
        },
    ]
}

/// HTTP/2 connections that want to be ended.
fn floods() -> Vec<Exchange> {
    let flood = |name, parts: Vec<u8>| Exchange {
        lines: None,
        comparison: Comparison::Ended,
        ..exchange(name, "generous", vec![Send([frames::hello(), parts].concat()), HalfClose, AwaitEnd])
    };
    let times = |count: usize, part: &[u8]| part.repeat(count);
    let odd = |index: u32| index.saturating_mul(2).saturating_add(1);
    let rapid = |path: &[u8]| -> Vec<u8> {
        (0..400)
            .flat_map(|index| {
                [frames::request(odd(index), true, &h2(path)), frame(kind::RST_STREAM, 0, odd(index), &[0, 0, 0, 8])].concat()
            })
            .collect()
    };
    let open = frames::request(1, false, &h2(b"/ok"));
    let endless = [
        frame(kind::HEADERS, 0, 1, &frames::block(&h2(b"/ok"))),
        times(2_000, &frame(kind::CONTINUATION, 0, 1, &frames::block(&[(b"x", b"y")]))),
    ]
    .concat();
    vec![
        flood("h2: a flood of pings", times(20_000, &frame(kind::PING, 0, 0, &[0; 8]))),
        flood("h2: a flood of settings", times(20_000, &frame(kind::SETTINGS, 0, 0, &[]))),
        flood("h2: a flood of priorities", times(20_000, &frame(kind::PRIORITY, 0, 3, &[0, 0, 0, 0, 1]))),
        flood("h2: a flood of empty data", [open.clone(), times(2_000, &frame(kind::DATA, 0, 1, &[]))].concat()),
        flood("h2: a flood of continuations", endless),
        flood("h2: streams opened and reset", rapid(b"/ok")),
        flood("h2: failing streams opened and reset", rapid(b"/no/route")),
        flood("h2: a window that overflows", [open, frame(kind::WINDOW_UPDATE, 0, 1, &[0x7f, 0xff, 0xff, 0xff])].concat()),
        flood("h2: a frame of no known size", vec![0xff; 64]),
    ]
}
