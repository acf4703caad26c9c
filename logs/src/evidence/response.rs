//! A response as clients print it: curl, Wireshark, Java's gRPC, Envoy's own dump of headers.

use std::borrow::Cow;

use meshwhy_core::facts::kind::{FactKind, GrpcStatus};
use meshwhy_core::{Decisive, Facts, Flag, ResponseFlags};
use percent_encoding::percent_decode_str;

use super::log_line::LogLine;
use super::phrase::detailed;
use super::{fragment, header_line, local_reply, phrase, words};
use crate::client::ClientResponse;

/// What was read of an exchange; the last response counts, since curl prints redirects and `100 Continue` before it.
#[derive(Default)]
struct Exchange<'a> {
    status: Option<u16>,
    headers: Vec<(&'a str, &'a str)>,
    body: Vec<&'a str>,
    request: Vec<(&'a str, &'a str)>,
    request_line: Option<(&'a str, &'a str)>,
}

/// How many headers and lines of a body are kept.
const MAX_KEPT: usize = 256;

#[derive(Clone, Copy, PartialEq, Eq)]
enum ResponsePart {
    Outside,
    Request,
    Head,
    Body,
}

/// Reads the block; `None` when it holds no response and no request that says something.
pub(super) fn read(block: &str) -> Option<Facts<'_>> {
    facts(&Exchange::of(block))
}

/// Reads a response that nobody printed.
pub(super) fn received<'a>(response: &ClientResponse<'a>) -> Option<Facts<'a>> {
    let kept = |headers: &[(&'a str, &'a str)]| headers.iter().copied().take(MAX_KEPT).collect();
    facts(&Exchange {
        status: Some(response.status),
        headers: kept(response.headers),
        body: response.body.lines().filter(|line| !line.trim().is_empty()).take(MAX_KEPT).collect(),
        request: kept(response.request_headers),
        request_line: Some((response.method, response.path)),
    })
}

fn facts<'a>(exchange: &Exchange<'a>) -> Option<Facts<'a>> {
    let request = exchange.request.iter().find_map(|(name, value)| header_line::read(name, value));
    let answer = exchange.answer();
    let mut facts = match (answer, request) {
        (Some(answer), Some(request)) if !answer.shows_failure() => request,
        (Some(answer), _) => answer,
        (None, request) => request?,
    };
    let (method, path) = exchange.request_line.unzip();
    let asked = |name: &str| find(&exchange.request, name);
    facts.context.method = method.map(Into::into);
    facts.context.path = path.map(Into::into);
    facts.context.authority = asked("host").or_else(|| asked(":authority")).map(Into::into);
    facts.context.request_id = asked("x-request-id").or_else(|| exchange.header("x-request-id")).map(Into::into);
    Some(facts)
}

fn find<'a>(headers: &[(&'a str, &'a str)], wanted: &str) -> Option<&'a str> {
    headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| *value)
}

/// The status of `HTTP/1.1 503 Service Unavailable`.
fn status_line(line: &str) -> Option<u16> {
    let (_, rest) = line.strip_prefix("HTTP/")?.split_once(' ')?;
    words::status(rest)
}

/// Method and path of `GET /path HTTP/1.1`.
fn request_line(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace();
    let (method, path, version) = (words.next()?, words.next()?, words.next()?);
    let shaped = method.bytes().all(|byte| byte.is_ascii_uppercase()) && version.starts_with("HTTP/");
    shaped.then_some((method, path))
}

impl<'a> Exchange<'a> {
    fn of(block: &'a str) -> Self {
        let mut exchange = Self::default();
        let mut part = ResponsePart::Outside;
        for line in block.lines() {
            part = exchange.line(line, part);
        }
        exchange
    }

    fn line(&mut self, line: &'a str, part: ResponsePart) -> ResponsePart {
        let line = line.trim_end().strip_suffix("\\r\\n").unwrap_or(line.trim_end());
        let (marker, text) = match line.split_at_checked(1) {
            Some((marker @ ("<" | ">" | "*"), rest)) => (marker, rest.trim_start()),
            _ => ("", line.trim_start()),
        };
        if marker == "*" {
            return part;
        }
        if let Some(status) = status_line(text) {
            *self = Self {
                status: Some(status),
                request: std::mem::take(&mut self.request),
                request_line: self.request_line,
                ..Self::default()
            };
            return ResponsePart::Head;
        }
        if let Some(line) = request_line(text) {
            self.request_line = Some(line);
            return ResponsePart::Request;
        }
        if let Some((_, inner)) = text.split_once("Metadata(") {
            self.metadata(inner.strip_suffix(')').unwrap_or(inner));
            return ResponsePart::Outside;
        }
        if text.is_empty() {
            return if part == ResponsePart::Head { ResponsePart::Body } else { part };
        }
        match header_line::split(text) {
            Some((":status", value)) => {
                self.status = words::status(value).or(self.status);
                ResponsePart::Head
            }
            Some(header) if part == ResponsePart::Request || marker == ">" => {
                push(&mut self.request, header);
                ResponsePart::Request
            }
            Some(header) if part == ResponsePart::Head || marker == "<" => {
                push(&mut self.headers, header);
                ResponsePart::Head
            }
            // Envoy's dumps of request headers hold its own sampling decision, which is no fault.
            Some(header) if part == ResponsePart::Outside && !text.starts_with('\'') => {
                push(&mut self.request, header);
                part
            }
            _ => {
                if self.body.len() < MAX_KEPT {
                    self.body.push(text);
                }
                part
            }
        }
    }

    /// Java prints `name=value,name=value`, and values may hold commas.
    fn metadata(&mut self, text: &'a str) {
        for part in text.split(',').take(MAX_KEPT) {
            let Some((name, value)) = part.split_once('=').filter(|(name, _)| !name.contains(' ')) else { continue };
            match name {
                ":status" => self.status = words::status(value).or(self.status),
                _ => push(&mut self.headers, (name, value)),
            }
        }
    }

    fn header(&self, wanted: &str) -> Option<&'a str> {
        find(&self.headers, wanted)
    }

    /// What the response says of itself: the body before the headers, and who answered before the bare status.
    fn answer(&self) -> Option<Facts<'a>> {
        let grpc_status = self.header("grpc-status").and_then(|text| GrpcStatus::read(text.into()));
        let said = self.body.iter().find_map(|line| body(line));
        if let Some(mut facts) = self.author() {
            facts.status = self.status;
            facts.grpc_status = grpc_status;
            // A member that holds a code alone says less than the body.
            let silent = facts.details.is_none() && facts.flags.is_none();
            if let Some(Facts { decisive: said, .. }) = said.filter(|_| silent) {
                facts.details = said.details;
                facts.flags = said.flags;
                facts.upstream_transport_failure = said.upstream_transport_failure;
            }
            return Some(facts);
        }
        if self.status.is_none() && said.is_none() && grpc_status.is_none() {
            return None;
        }
        let headless = self.status.is_none() && grpc_status.is_none();
        let failed = headless || self.status.is_some_and(|status| status >= 400) || grpc_status.is_some_and(|status| status != 0);
        let facts = failed.then(|| self.why(said, grpc_status)).flatten().unwrap_or_default();
        Some(Facts {
            decisive: Decisive {
                status: self.status.or(facts.status),
                grpc_status: grpc_status.or(facts.grpc_status),
                ..facts.decisive
            },
            ..facts
        })
    }

    /// What the proxy of ours wrote that made the response, whatever its status: a gRPC call that was refused has 200.
    fn author(&self) -> Option<Facts<'a>> {
        let named = |name: &str| name.eq_ignore_ascii_case("proxy-status");
        crate::header::author(self.headers.iter().filter(|(name, _)| named(name)).map(|(_, value)| *value))
    }

    fn why(&self, said: Option<Facts<'a>>, grpc_status: Option<u32>) -> Option<Facts<'a>> {
        let member = || crate::header::parse(self.header("proxy-status").filter(|value| value.contains('='))?).into_iter().next();
        let message = || self.header("grpc-message").filter(|_| grpc_status.is_some()).and_then(body);
        let own = || self.headers.iter().find_map(|(name, value)| header_line::read(name, value));
        said.or_else(member).or_else(message).or_else(|| self.relayed()).or_else(|| self.inferred()).or_else(own)
    }

    /// Only a response of the upstream has taken the upstream time.
    fn relayed(&self) -> Option<Facts<'a>> {
        self.header("x-envoy-upstream-service-time")?;
        Some(detailed("via_upstream"))
    }

    /// What Envoy's own reply was, by status and the length of its body.
    fn inferred(&self) -> Option<Facts<'a>> {
        let status = self.status?;
        let by_envoy = self.header("server").is_some_and(|server| matches!(server, "envoy" | "istio-envoy"));
        let length = self.header("content-length").and_then(|text| text.parse::<usize>().ok()).filter(|_| by_envoy)?;
        if let Some(details) = local_reply::by_length(status, length) {
            return Some(detailed(details));
        }
        if local_reply::is_failed_connection(status, length) {
            return Some(flagged(&[Flag::UF]));
        }
        (length == 0).then(|| self.empty(status)).flatten()
    }

    /// Envoy's replies without a body: each status has one common reason, and the flags leave the doubt in.
    fn empty(&self, status: u16) -> Option<Facts<'a>> {
        let upgrade = || find(&self.request, "upgrade").is_some();
        match status {
            404 => Some(flagged(&[Flag::NR])),
            503 => Some(flagged(&[Flag::NC])),
            // A route that answers by itself; Istio's for unknown hosts is `block_all`, and 502 is its status alone.
            502 => Some(Decisive { route: Some("block_all".into()), ..detailed("direct_response").decisive }.into()),
            403 if upgrade() => Some(detailed("upgrade_failed")),
            403 => Some(flagged(&[Flag::UAEX])),
            429 => Some(flagged(&[Flag::RL])),
            _ => None,
        }
    }
}

fn push<'a>(headers: &mut Vec<(&'a str, &'a str)>, header: (&'a str, &'a str)) {
    if headers.len() < MAX_KEPT {
        headers.push(header);
    }
}

fn flagged<'a>(flags: &[Flag]) -> Facts<'a> {
    Facts::from(Decisive { flags: Some(ResponseFlags::from_iter(flags.iter().copied())), ..Decisive::default() })
}

/// A body, or the message of a gRPC status, which is percent-encoded; curl prints its notes right behind a body.
fn body(text: &str) -> Option<Facts<'_>> {
    let text = text.split("* Connection #").next().unwrap_or(text);
    match percent_decode_str(text).decode_utf8_lossy() {
        Cow::Borrowed(text) => said(text),
        Cow::Owned(text) => said(&text).map(Facts::into_owned),
    }
}

fn said(text: &str) -> Option<Facts<'_>> {
    local_reply::whole(text).or_else(|| phrase::find(LogLine::of(text))).or_else(|| fragment::bare(text))
}
