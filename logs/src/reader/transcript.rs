//! Responses with their headers, as curl, Wireshark and browsers print them.

use super::ahead::Ahead;
use super::block::Block;
use super::{Beginning, BlockKind};
use crate::line::LineContent;
use crate::peel::{begins_line, is_request_line};
use crate::{evidence, header};

/// Joins a request or response head with what belongs to it.
pub(super) fn join(beginning: &Beginning<'_>, ahead: &mut Ahead<'_>, block: &mut Block) -> Option<BlockKind> {
    let &Beginning { text, alone, .. } = beginning;
    let quote = quote(text);
    let first = text.strip_prefix(quote).unwrap_or(text).trim_end();
    let mut part = TranscriptPart::begun(first)?;
    // The members of a header that is not ours are hops, which one set of facts cannot hold.
    if matches!(alone.content, LineContent::Header(_)) {
        return None;
    }
    block.restart(first);
    for index in 0..super::MAX_JOINED {
        let Some(line) = ahead.peek(index) else { break };
        let line = line.strip_prefix(quote).or_else(|| line.strip_prefix(quote.trim_end())).unwrap_or(line).trim_end();
        let Some(next) = part.followed_by(line) else { break };
        if header::holds_hops(line) {
            return None;
        }
        if !block.push("\n", line) {
            break;
        }
        part = next;
    }
    if block.joined() == 0 {
        return None;
    }
    let together = evidence::response(block.text());
    together.is_some_and(|facts| facts.count() > alone.worth().facts).then_some(BlockKind::Response)
}

/// What quotes the transcript: curl's own marks look like a quotation, so only what stands before them counts.
fn quote(text: &str) -> &str {
    let is_quoted = |rest: &str| is_status_line(rest) || rest.starts_with("< HTTP/") || rest.starts_with("> ");
    ["> ", "│ ", "| ", "    "].into_iter().find(|mark| text.strip_prefix(mark).is_some_and(is_quoted)).unwrap_or_default()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TranscriptPart {
    /// A head, of a request or a response.
    Head,
    /// The empty line behind a head.
    Gap,
    /// The body of a response.
    Body,
}

impl TranscriptPart {
    /// Whether a line begins a transcript.
    fn begun(line: &str) -> Option<Self> {
        let bare = unmarked(line);
        let begins = is_status_line(bare)
            || is_request_head(bare)
            || bare == "Hypertext Transfer Protocol"
            || (header_name(bare).is_some_and(begins_headers));
        begins.then_some(Self::Head)
    }

    /// The part that the next line is of; `None` when it belongs to something else.
    fn followed_by(self, line: &str) -> Option<Self> {
        let bare = unmarked(line);
        if bare.is_empty() || bare == "\\r\\n" {
            return Some(if self == Self::Head { Self::Gap } else { self }).filter(|_| self != Self::Body);
        }
        if is_status_line(bare) || is_request_head(bare) {
            return Some(Self::Head);
        }
        let marked = line.starts_with(['<', '>', '*', '}']) || line.starts_with("{ [");
        if marked || (self == Self::Head && header_name(bare).is_some()) {
            return Some(self);
        }
        // A body may be an object, and no log line.
        let may_be_body = self == Self::Gap && (bare.starts_with('{') || !begins_line(bare));
        (may_be_body || (self == Self::Body && !begins_line(bare) && !bare.starts_with("```"))).then_some(Self::Body)
    }
}

/// The line without curl's mark and Wireshark's indent.
fn unmarked(line: &str) -> &str {
    let line = line.trim();
    line.strip_prefix(['<', '>']).map_or(line, str::trim_start)
}

/// `HTTP/1.1 503 Service Unavailable`.
fn is_status_line(line: &str) -> bool {
    let status = line.strip_prefix("HTTP/").and_then(|rest| rest.split_once(' ')).map(|(_, status)| status);
    status.and_then(|status| status.get(..3)).is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `GET / HTTP/1.1`.
fn is_request_head(line: &str) -> bool {
    let line = line.trim_end_matches("\\r\\n");
    is_request_line(line) && line.rsplit(' ').next().is_some_and(|version| version.starts_with("HTTP/"))
}

/// The name in `name: value`.
fn header_name(line: &str) -> Option<&str> {
    let (name, _) = line.strip_prefix(':').unwrap_or(line).split_once(':')?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (!name.is_empty() && name.len() <= 128 && name.bytes().all(is_name)).then_some(name)
}

/// Whether headers follow this one, without a status line before it.
fn begins_headers(name: &str) -> bool {
    const NAMES: [&str; 12] = [
        "status",
        "server",
        "content-length",
        "content-type",
        "grpc-status",
        "grpc-message",
        "x-request-id",
        "x-b3-traceid",
        "x-b3-sampled",
        "traceparent",
        "location",
        "x-envoy-upstream-service-time",
    ];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}
