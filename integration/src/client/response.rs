//! Responses of HTTP/1.1 and HTTP/2.

use super::frames::Event;

/// One HTTP response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers in the order on the wire, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, cut at the first megabyte.
    pub body: Vec<u8>,
}

impl Response {
    /// All values of one header, joined as HTTP allows for lists; absent if there is none.
    pub fn header(&self, name: &str) -> Option<String> {
        let values: Vec<_> =
            self.headers.iter().filter(|(header, _)| header == name).map(|(_, value)| String::from_utf8_lossy(value)).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// What came on a stream of HTTP/2.
    pub fn of_stream(events: &[Event]) -> Option<Self> {
        let headers = events.iter().find_map(|event| match event {
            Event::Headers(headers) => Some(headers),
            _ => None,
        })?;
        let headers = headers.iter().map(|(name, value)| (String::from_utf8_lossy(name).into_owned(), value.clone()));
        let (pseudo, headers): (Vec<_>, Vec<_>) = headers.partition(|(name, _)| name.starts_with(':'));
        let status = pseudo.first().and_then(|(_, value)| std::str::from_utf8(value).ok()?.parse().ok())?;
        let data = events.iter().filter_map(|event| match event {
            Event::Data(data) => Some(data.as_slice()),
            _ => None,
        });
        Some(Self { status, headers, body: data.collect::<Vec<_>>().concat() })
    }
}

/// Whether a response of HTTP/1.1 has come in full.
pub fn complete(bytes: &[u8]) -> bool {
    let Some(response) = parse(bytes) else { return false };
    let bodiless = matches!(response.status, 100..=199 | 204 | 304);
    let length = response.header("content-length").and_then(|value| value.parse::<usize>().ok());
    bodiless || length.is_some_and(|length| response.body.len() >= length)
}

/// The response of HTTP/1.1 that these bytes begin with, as far as it has come.
pub fn parse(bytes: &[u8]) -> Option<Response> {
    let mut headers = [httparse::EMPTY_HEADER; 128];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(bytes).ok()? else { return None };
    let headers = head.headers.iter().map(|header| (header.name.to_ascii_lowercase(), header.value.to_vec())).collect();
    let mut response = Response { status: head.code?, headers, body: bytes.get(length..).unwrap_or_default().to_vec() };
    if response.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        response.body = dechunk(&response.body);
    }
    Some(response)
}

/// Joins the chunks that have arrived.
fn dechunk(bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut rest = bytes;
    while let Ok(httparse::Status::Complete((start, size))) = httparse::parse_chunk_size(rest) {
        let Some(end) = usize::try_from(size).ok().and_then(|size| start.checked_add(size)) else { break };
        let Some(chunk) = rest.get(start..end) else { break };
        body.extend_from_slice(chunk);
        if size == 0 {
            break;
        }
        rest = rest.get(end + 2..).unwrap_or_default();
    }
    body
}
