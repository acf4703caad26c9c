//! Bytes in, facts out: access logs, the module's records, `Proxy-Status` headers, and what proxies, agents, the control
//! plane and clients say in words, in whatever tools and people wrapped it.
//!
//! Pure: no I/O, no clock. One item – a line, or several that belong together – is one value;
//! an item that is none of ours is [`LineContent::Unreadable`] and the caller counts it. Nothing here panics or grows with the
//! input, and nothing judges: facts are what the text says.

mod access_log;
mod choose;
mod client;
pub mod decoded;
mod evidence;
mod han;
mod header;
mod line;
mod lines;
mod origin;
mod otlp;
mod peel;
mod reader;
mod record_line;
mod unescape;

pub use access_log::field::Success;
pub use access_log::format::{FormatError, Formats};
pub use choose::parse_line;
pub use client::{ClientFailure, ClientResponse, ConnectError};
pub use han::is_han;
pub use line::{LineContent, LineFormat, LineReading, RecordWriter};
pub use lines::MAX_LINE;
pub use origin::Origin;
pub use reader::{Extent, Item, Items, LOOK_AHEAD};

#[cfg(test)]
mod tests;
