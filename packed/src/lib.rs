//! Files as they are stored: compressed, and several in one. Recognised by their content, and those of an archive by their names.

use std::io::{self, Cursor, Read};

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

mod member;

pub use member::{is_log, is_manifest, is_of_bug_report, proxy_answer};

/// Bytes to be read.
pub type Stream = Box<dyn Read + Send>;

/// What a file holds.
pub enum Content {
    /// Its bytes as they are.
    Plain(Stream),
    /// Its bytes, unpacked from gzip or zstd on the way.
    Unpacked(Stream),
    /// Files, compressed or not.
    Archive(tar::Archive<Stream>),
}

/// Where a tar archive says that it is one.
const TAR_MAGIC: std::ops::Range<usize> = 257..262;

/// Looks at the first bytes.
///
/// # Errors
/// What the reader reports.
pub fn content(reader: impl Read + Send + 'static) -> io::Result<Content> {
    let (begin, whole) = peeked(Box::new(reader))?;
    let (is_packed, unpacked): (bool, Stream) = match begin.as_slice() {
        [0x1f, 0x8b, ..] => (true, Box::new(MultiGzDecoder::new(whole))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => (true, Box::new(ZstdFrames::Between(whole))),
        _ => (false, whole),
    };
    let (begin, unpacked) = peeked(unpacked)?;
    Ok(match begin.get(TAR_MAGIC) {
        Some(b"ustar") => Content::Archive(tar::Archive::new(unpacked)),
        _ if is_packed => Content::Unpacked(unpacked),
        _ => Content::Plain(unpacked),
    })
}

/// The first bytes, and the reader with them. What fails behind them fails again when it is read.
fn peeked(mut reader: Stream) -> io::Result<(Vec<u8>, Stream)> {
    let mut begin = Vec::new();
    let failure = (&mut reader).take(TAR_MAGIC.end as u64).read_to_end(&mut begin).err();
    let whole = Cursor::new(begin.clone()).chain(reader);
    match failure {
        Some(error) if begin.is_empty() => Err(error),
        Some(error) => Ok((begin, Box::new(whole.chain(Failing(Some(error)))))),
        None => Ok((begin, Box::new(whole))),
    }
}

/// Fails once.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// One zstd frame after the other: what is compressed in parallel, or appended to, has several.
enum ZstdFrames {
    Between(Stream),
    Inside(Box<StreamingDecoder<Stream, ruzstd::decoding::FrameDecoder>>),
    AtEnd,
}

impl Read for ZstdFrames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            *self = match std::mem::replace(self, Self::AtEnd) {
                Self::AtEnd => return Ok(0),
                Self::Between(mut reader) => {
                    let mut first = [0];
                    if buffer.is_empty() || reader.read(&mut first)? == 0 {
                        return Ok(0);
                    }
                    let whole: Stream = Box::new(Cursor::new(first).chain(reader));
                    Self::Inside(Box::new(StreamingDecoder::new(whole).map_err(io::Error::other)?))
                }
                Self::Inside(mut decoder) => match decoder.read(buffer)? {
                    0 if !buffer.is_empty() => Self::Between(decoder.into_inner()),
                    read => {
                        *self = Self::Inside(decoder);
                        return Ok(read);
                    }
                },
            };
        }
    }
}
