//! A harness without upstreams that speak HTTP/2, for scenarios that need none: their libraries take long to build.

use std::io;
use std::net::TcpStream;

use super::kind::UpstreamKind;

/// Whether they are there.
pub const BUILT: bool = false;

pub fn serve(_kind: UpstreamKind, _stream: TcpStream) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
