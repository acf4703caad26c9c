//! The web page and how it is served: to this machine alone, under a policy that forbids the page everything but itself.

use std::convert::Infallible;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::sync::Arc;

use flate2::read::GzDecoder;
use http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName,
    HeaderValue, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// The page, compressed; empty in a program that was built without it.
const PAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/index.html.gz"));
const SERVICE_WORKER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sw.js"));
/// What the page says that it may do.
const POLICY: &str = include_str!(concat!(env!("OUT_DIR"), "/policy"));
/// What the service worker may do: fetch the page anew.
const WORKER_POLICY: &str = "default-src 'none'; connect-src 'self'";
/// What is not the page may do nothing.
const NO_POLICY: &str = "default-src 'none'";
/// Connections at once.
const CONNECTIONS: usize = 64;

/// Whether the program has the page.
pub(crate) const fn is_there() -> bool {
    !PAGE.is_empty()
}

/// Serves the page until the program ends.
///
/// # Errors
/// The listener fails.
pub(crate) async fn serve(listener: TcpListener) -> io::Result<()> {
    let port = listener.local_addr()?.port();
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&connections).acquire_owned().await else { return Ok(()) };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // A client that left, or no file descriptor for it: the next one may have more luck.
            Err(error) => {
                log::info!("accepting a connection: {error}");
                continue;
            }
        };
        tokio::spawn(async move {
            let answer = service_fn(|request: Request<Incoming>| async move {
                Ok::<_, Infallible>(answer(request.method(), request.uri().path(), request.headers(), port))
            });
            if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await {
                log::info!("a connection: {error}");
            }
            drop(permit);
        });
    }
}

/// Listens for this machine alone.
///
/// # Errors
/// The port is taken, or may not be had.
pub(crate) async fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await
}

fn answer(method: &Method, path: &str, headers: &HeaderMap, port: u16) -> Response<Full<Bytes>> {
    // A name that somebody else makes point to this machine would let their page read ours.
    if !is_ours(headers.get(HOST), port) {
        return respond(StatusCode::MISDIRECTED_REQUEST, "text/plain", NO_POLICY, Bytes::from_static(b"not this host\n"));
    }
    if method != Method::GET && method != Method::HEAD {
        let mut refused = respond(StatusCode::METHOD_NOT_ALLOWED, "text/plain", NO_POLICY, Bytes::new());
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    match path {
        "/" | "/index.html" => page(headers),
        "/sw.js" => respond(StatusCode::OK, "text/javascript", WORKER_POLICY, Bytes::from_static(SERVICE_WORKER)),
        _ => respond(StatusCode::NOT_FOUND, "text/plain", NO_POLICY, Bytes::from_static(b"not found\n")),
    }
}

fn page(headers: &HeaderMap) -> Response<Full<Bytes>> {
    let policy = format!("{POLICY}; frame-ancestors 'none'");
    let accepts = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let takes_gzip = accepts.is_some_and(|value| value.split(',').any(|coding| coding.trim().eq_ignore_ascii_case("gzip")));
    let mut plain = Vec::new();
    let body = match takes_gzip {
        true => Bytes::from_static(PAGE),
        false => match GzDecoder::new(PAGE).read_to_end(&mut plain) {
            Ok(_) => Bytes::from(plain),
            Err(_) => return respond(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", NO_POLICY, Bytes::new()),
        },
    };
    let mut response = respond(StatusCode::OK, "text/html", &policy, body);
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
    if takes_gzip {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn respond(status: StatusCode, kind: &str, policy: &str, body: Bytes) -> Response<Full<Bytes>> {
    const COMMON: [(HeaderName, &str); 5] = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.extend(COMMON.map(|(name, value)| (name, HeaderValue::from_static(value))));
    let texts = [(CONTENT_TYPE, format!("{kind}; charset=utf-8")), (CONTENT_SECURITY_POLICY, policy.to_owned())];
    for (name, text) in texts {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
    response
}

/// Whether a request means this server.
fn is_ours(host: Option<&HeaderValue>, port: u16) -> bool {
    let Some(host) = host.and_then(|host| host.to_str().ok()) else { return false };
    ["127.0.0.1", "localhost"].iter().any(|name| {
        host.strip_prefix(name)
            .is_some_and(|rest| rest.strip_prefix(':').map_or(rest.is_empty() && port == 80, |text| text == port.to_string()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: Method, path: &str, host: &str) -> Response<Full<Bytes>> {
        let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_str(host).unwrap())]);
        answer(&method, path, &headers, 8080)
    }

    #[test]
    fn only_this_machine_by_its_own_names_gets_the_page() {
        for host in ["127.0.0.1:8080", "localhost:8080"] {
            assert_eq!(asked(Method::GET, "/sw.js", host).status(), StatusCode::OK);
        }
        for host in ["evil.example:8080", "127.0.0.1", "127.0.0.1:80", "localhost.evil.example:8080", "127.0.0.1:8080.evil", ""] {
            let refused = asked(Method::GET, "/", host);
            assert_eq!(refused.status(), StatusCode::MISDIRECTED_REQUEST, "{host}");
            assert_eq!(refused.headers()[CONTENT_SECURITY_POLICY], NO_POLICY);
        }
        assert_eq!(answer(&Method::GET, "/", &HeaderMap::new(), 8080).status(), StatusCode::MISDIRECTED_REQUEST);
    }

    #[test]
    fn nothing_but_the_page_is_there_and_nothing_can_be_sent() {
        assert_eq!(asked(Method::POST, "/", "localhost:8080").status(), StatusCode::METHOD_NOT_ALLOWED);
        let missing = asked(Method::GET, "/../etc/passwd", "localhost:8080");
        assert_eq!(missing.status(), StatusCode::NOT_FOUND);
        assert_eq!(missing.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
}
