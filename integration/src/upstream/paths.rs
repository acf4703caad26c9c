//! What an upstream does that goes by the path: oddities that no scenario needs, and by its name whatever else an upstream can do.

use super::http1::{ScriptedAnswer, Then, answer as answer_as, response};
use super::kind::{UpstreamFault, UpstreamKind};

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n";

/// What a request with this head, the connection's first having the number 0, gets.
pub fn answer(head: &str, number: usize) -> ScriptedAnswer {
    use Then::{Close, Echo, Next, Reset};
    let target = head.split(' ').nth(1).unwrap_or_default();
    let name = target.split('?').next().unwrap_or_default().trim_start_matches('/');
    let hello = || response(200, "", "hello\n");
    match name {
        "flaky" if head.contains("x-envoy-attempt-count: 1\r\n") => (Vec::new(), Reset),
        "half-head" => (b"HTTP/1.1 200 OK\r\nx-part: of a he".to_vec(), Reset),
        "reset-after-head" => (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n".to_vec(), Reset),
        "reset-in-body" => (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0123456789".to_vec(), Reset),
        "close-in-chunk" => (chunked("\r\n10\r\n0123"), Close),
        "reset-before-trailers" => (chunked("trailer: x-sum\r\n\r\n4\r\n0123\r\n0\r\n"), Reset),
        "bad-chunk" => (chunked("\r\nzz\r\n0123\r\n"), Close),
        "trailers" => (chunked("trailer: x-sum\r\n\r\n4\r\n0123\r\n0\r\nx-sum: 6\r\nx-empty: \r\n\r\n"), Next),
        "interim" => ([b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", hello().as_slice()].concat(), Next),
        "continue" => ([b"HTTP/1.1 100 Continue\r\n\r\n", hello().as_slice()].concat(), Next),
        "no-content" => (b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(), Next),
        "bytes" => (b"HTTP/1.1 200 OK\r\nx-bytes: \xa1\xb1\xff\r\nx-empty:\r\ncontent-length: 0\r\n\r\n".to_vec(), Next),
        "control" => (response(200, "x-control: a\x01\x1bb\r\n", ""), Close),
        "large-header" => (response(200, &large(50_000), ""), Next),
        "too-large-header" => (response(200, &large(70_000), ""), Close),
        "large-error" => (response(503, &large(50_000), ""), Next),
        "thousand-headers" => (response(200, &many(1_000), ""), Close),
        "many-headers" => (response(200, &many(90), ""), Next),
        // Members of others, one of them no structured field at all.
        "proxy-status" => {
            let members = "proxy-status: other; error=dns_error; mw-cause=MW4001\r\nproxy-status: \"unclosed, ;;=\r\n";
            (response(502, members, ""), Next)
        }
        "redirect" => (redirect("ok"), Next),
        "redirect-loop" => (redirect("redirect-loop"), Next),
        "redirect-nowhere" => (redirect("nowhere"), Next),
        "grpc-ok" => (grpc("0", ""), Next),
        "grpc-failed" => (grpc("13", "broken\u{a1}"), Next),
        "grpc-odd" => (grpc("99999999999999999999", "odd"), Next),
        "websocket" => (b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n".to_vec(), Echo),
        // For the module that traps on demand.
        "trap-response" => (response(200, "x-meshwhy-trap: response\r\n", ""), Next),
        _ => match UpstreamKind::try_from(name.to_owned()) {
            Ok(kind) if kind != UpstreamKind::UpstreamFault(UpstreamFault::ByPath) => answer_as(kind, head, number),
            _ => (hello(), Next),
        },
    }
}

fn chunked(rest: &str) -> Vec<u8> {
    format!("{CHUNKED}{rest}").into_bytes()
}

fn large(bytes: usize) -> String {
    format!("x-large: {}\r\n", "x".repeat(bytes))
}

fn many(count: usize) -> String {
    (0..count).map(|index| format!("x-many-{index}: {index}\r\n")).collect()
}

fn redirect(name: &str) -> Vec<u8> {
    response(302, &format!("location: http://shop.demo/{name}\r\n"), "")
}

fn grpc(status: &str, message: &str) -> Vec<u8> {
    let head = "content-type: application/grpc\r\ntrailer: grpc-status\r\n";
    chunked(&format!("{head}\r\n5\r\n\0\0\0\0\0\r\n0\r\ngrpc-status: {status}\r\ngrpc-message: {message}\r\n\r\n"))
}
