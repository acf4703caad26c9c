//! Finds healthy lines without reading them.

use std::sync::LazyLock;

use memchr::memmem::Finder;

static STATUS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#","response_code":"#));
static GRPC: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#","grpc"#));
static DOWNSTREAM: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#","downstream_tr"#));

/// The neighbours of the status as Istio writes them, its keys in alphabetical order.
const NEIGHBOURS: &[u8] = br#","response_code_details":"via_upstream","response_flags":"-""#;

/// Whether the line has a status of success between the neighbours that say that the upstream gave it.
///
/// A quote inside a JSON text has a backslash before it, and behind the quote that ends one stands no letter: what is
/// searched for is a key and nothing that a client sent. No brace but the first stands before it, so it is the line's own key.
/// Lines with a gRPC status or a failure of the downstream's handshake are read in full.
pub(super) fn is_healthy(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some(at) = STATUS.find(bytes) else { return false };
    let Some((before, after)) = bytes.split_at_checked(at) else { return false };
    let after = after.get(STATUS.needle().len()..).unwrap_or_default();
    let after = after.strip_prefix(b"\"").map_or(after, |quoted| quoted);
    let Some((status, after)) = after.split_first_chunk::<3>() else { return false };
    let succeeded = matches!(status, [b'2', b'0'..=b'9', b'0'..=b'9']);
    let after = after.strip_prefix(b"\"").unwrap_or(after);
    succeeded
        && after.starts_with(NEIGHBOURS)
        && before.get(1..).is_some_and(|keys| memchr::memchr(b'{', keys).is_none())
        && !bytes.starts_with(br#"{"grpc"#)
        && GRPC.find(before).is_none()
        && DOWNSTREAM.find(before).is_none()
        && GRPC.find(after).is_none()
}
