//! Just enough HTTP/2 to send what no well-behaved client would, and to read what comes back.

use std::collections::BTreeMap;

use httlib_hpack::Decoder;

/// What a connection begins with.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const HEAD: usize = 9;

/// Types of frames.
///
/// Source: RFC 9113, section 6.
pub(crate) mod kind {
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const PRIORITY: u8 = 2;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
    pub const CONTINUATION: u8 = 9;
}

/// Flags of frames.
pub(crate) mod flag {
    pub const END_STREAM: u8 = 1;
    pub const ACK: u8 = 1;
    pub const END_HEADERS: u8 = 4;
    pub const PADDED: u8 = 8;
    pub const PRIORITY: u8 = 32;
}

/// One frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut frame = length.get(1..).unwrap_or_default().to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// What came on a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A block of headers in their order, the trailers too.
    Headers(Vec<(Vec<u8>, Vec<u8>)>),
    /// Data, whatever frames it came in.
    Data(Vec<u8>),
    /// The error code of a reset.
    Reset(Vec<u8>),
    /// The error code with which the connection ends.
    Goaway(Vec<u8>),
    /// The end of the stream.
    End,
}

/// The preface, settings under which the server's headers need no dynamic table, and windows for any response.
pub fn hello() -> Vec<u8> {
    const WINDOW: [u8; 4] = [0x0f, 0xff, 0xff, 0xff];
    const SETTINGS: [u8; 12] = [0, 1, 0, 0, 0, 0, 0, 4, 0x0f, 0xff, 0xff, 0xff];
    let settings = [frame(kind::SETTINGS, 0, 0, &SETTINGS), frame(kind::SETTINGS, flag::ACK, 0, &[])].concat();
    [PREFACE, &settings, &frame(kind::WINDOW_UPDATE, 0, 0, &WINDOW)].concat()
}

/// Headers, each a literal that is not indexed and not compressed.
pub fn block(headers: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(0);
        text(&mut block, name);
        text(&mut block, value);
    }
    block
}

/// A string with its length, an integer of a seven-bit prefix.
fn text(block: &mut Vec<u8>, text: &[u8]) {
    let length = text.len();
    if length < 127 {
        block.push(u8::try_from(length).unwrap_or(u8::MAX));
    } else {
        block.push(127);
        let mut rest = length.saturating_sub(127);
        while rest >= 128 {
            block.push(u8::try_from(rest % 128).unwrap_or(0) | 128);
            rest /= 128;
        }
        block.push(u8::try_from(rest).unwrap_or(0));
    }
    block.extend(text);
}

/// A request's HEADERS frame, and as many CONTINUATION frames as its block needs.
pub fn request(stream: u32, end: bool, headers: &[(&[u8], &[u8])]) -> Vec<u8> {
    let block = block(headers);
    let mut parts = block.chunks(16_000).peekable();
    let mut frames = Vec::new();
    let mut first = true;
    while let Some(part) = parts.next() {
        let kind = if std::mem::take(&mut first) { kind::HEADERS } else { kind::CONTINUATION };
        let mut flags = if parts.peek().is_none() { flag::END_HEADERS } else { 0 };
        if kind == kind::HEADERS && end {
            flags |= flag::END_STREAM;
        }
        frames.extend(frame(kind, flags, stream, part));
    }
    frames
}

/// A frame that was read: type, flags, stream, payload.
type Frame<'a> = (u8, u8, u32, &'a [u8]);

fn frames(mut bytes: &[u8]) -> Vec<Frame<'_>> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(HEAD) {
        let &[a, b, c, kind, flags, d, e, f, g] = head else { break };
        let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX);
        let Some((payload, after)) = rest.split_at_checked(length) else { break };
        frames.push((kind, flags, u32::from_be_bytes([d, e, f, g]) & 0x7fff_ffff, payload));
        bytes = after;
    }
    frames
}

/// Whether each of these streams has ended, by its end or by a reset.
pub fn ended(bytes: &[u8], streams: &[u32]) -> bool {
    let frames = frames(bytes);
    streams.iter().all(|wanted| {
        frames.iter().any(|(kind, flags, stream, _)| {
            let last = matches!(*kind, kind::DATA | kind::HEADERS) && flags & flag::END_STREAM != 0;
            stream == wanted && (last || *kind == kind::RST_STREAM)
        })
    })
}

/// What came on each stream, on the connection under 0.
pub fn events(bytes: &[u8]) -> BTreeMap<u32, Vec<Event>> {
    let mut streams: BTreeMap<u32, Vec<Event>> = BTreeMap::new();
    let mut decoder = Decoder::default();
    let mut block = Vec::new();
    for (kind, flags, stream, payload) in frames(bytes) {
        let events = streams.entry(stream).or_default();
        match kind {
            kind::HEADERS | kind::CONTINUATION => {
                block.extend_from_slice(unpadded(kind, flags, payload));
                if flags & flag::END_HEADERS != 0 {
                    events.push(Event::Headers(headers(&mut decoder, std::mem::take(&mut block))));
                }
            }
            kind::DATA => match (events.last_mut(), unpadded(kind, flags, payload)) {
                (_, []) => {}
                (Some(Event::Data(data)), more) => data.extend_from_slice(more),
                (_, data) => events.push(Event::Data(data.to_vec())),
            },
            kind::RST_STREAM => events.push(Event::Reset(payload.to_vec())),
            kind::GOAWAY => events.push(Event::Goaway(payload.get(4..8).unwrap_or_default().to_vec())),
            _ => {}
        }
        if matches!(kind, kind::HEADERS | kind::DATA) && flags & flag::END_STREAM != 0 {
            events.push(Event::End);
        }
    }
    streams.retain(|_, events| !events.is_empty());
    streams
}

/// The fields of a block; those before the fault where it is damaged.
fn headers(decoder: &mut Decoder<'_>, mut block: Vec<u8>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut fields = Vec::new();
    // A damaged block is the peer's fault, which a test sees by what is missing.
    let _ = decoder.decode(&mut block, &mut fields);
    fields.into_iter().map(|(name, value, _)| (name, value)).collect()
}

fn unpadded(kind: u8, flags: u8, payload: &[u8]) -> &[u8] {
    let mut payload = payload;
    let mut padding = 0;
    if flags & flag::PADDED != 0
        && let Some((first, rest)) = payload.split_first()
    {
        (padding, payload) = (usize::from(*first), rest);
    }
    if kind == kind::HEADERS && flags & flag::PRIORITY != 0 {
        payload = payload.get(5..).unwrap_or_default();
    }
    payload.get(..payload.len().saturating_sub(padding)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_can_be_read() {
        let long = vec![b'x'; 40_000];
        let sent = [
            frame(kind::SETTINGS, 0, 0, &[]),
            request(1, false, &[(b":status", b"200"), (b"x-long", &long)]),
            frame(kind::DATA, flag::END_STREAM | flag::PADDED, 1, b"\x02body\0\0"),
        ]
        .concat();
        let headers = vec![(b":status".to_vec(), b"200".to_vec()), (b"x-long".to_vec(), long)];
        assert_eq!(events(&sent)[&1], [Event::Headers(headers), Event::Data(b"body".to_vec()), Event::End]);
        assert!(ended(&sent, &[1]) && !ended(&sent, &[1, 3]));
    }
}
