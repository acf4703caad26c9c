//! Servers on this machine that answer as no server should: every outcome is typed, and nothing lasts or grows without bound.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a broken test must fail loudly")]

use std::io;
use std::time::Duration;

use meshwhy_core::judge;
use meshwhy_probe::{
    BodyEnd, ConnectFailure, ExchangeFailure, Failure, HttpVersion, Outcome, Request, Resolver, Roots, SocketError, Target, Tls,
    TlsFailure, send,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::time::sleep;

/// What a server does once it has the first bytes of a request.
#[derive(Clone, Copy)]
enum Behaviour {
    /// Sends these bytes and closes.
    Sends(&'static [u8]),
    /// Sends these bytes and stays silent.
    Stalls(&'static [u8]),
    /// Sends the first, and then the second again and again.
    Repeats(&'static [u8], &'static [u8]),
    /// Sends these bytes one by one, each after a while.
    Trickles(&'static [u8]),
    /// Sends these bytes and resets the connection.
    Resets(&'static [u8]),
}

const SOON: Duration = Duration::from_millis(300);

async fn serve(mut stream: TcpStream, behaviour: Behaviour) -> io::Result<()> {
    let _begin = stream.read(&mut [0; 4096]).await?;
    match behaviour {
        Behaviour::Sends(bytes) => stream.write_all(bytes).await,
        Behaviour::Stalls(bytes) => {
            stream.write_all(bytes).await?;
            std::future::pending().await
        }
        Behaviour::Repeats(head, chunk) => {
            stream.write_all(head).await?;
            loop {
                stream.write_all(chunk).await?;
            }
        }
        Behaviour::Trickles(bytes) => {
            for byte in bytes {
                stream.write_all(&[*byte]).await?;
                sleep(SOON / 4).await;
            }
            Ok(())
        }
        Behaviour::Resets(bytes) => {
            stream.write_all(bytes).await?;
            stream.set_zero_linger()
        }
    }
}

/// What comes of a request to such a server, and what it is called.
fn outcome(behaviour: Behaviour, scheme: &str, change: impl FnOnce(&mut Request)) -> (Outcome, Option<&'static str>) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{scheme}://{}/cart", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            // The client may be gone.
            let _ = serve(stream, behaviour).await;
        });
        let mut request = Request { patience: SOON, ..Request::get(Target::parse(&url).unwrap()) };
        change(&mut request);
        let tls = Tls::new(Roots::System, None, false).unwrap();
        let outcome = send(&request, &Resolver::default(), &tls).await;
        server.abort();
        let cause = outcome.facts(&request).and_then(|facts| judge(&facts)).map(|verdict| verdict.cause.slug);
        (outcome, cause)
    })
}

fn failure(behaviour: Behaviour) -> (ExchangeFailure, Option<&'static str>) {
    match outcome(behaviour, "http", |_| {}) {
        (Outcome { result: Err(Failure::Exchange { failure, .. }), .. }, cause) => (failure, cause),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_response() {
    use Behaviour::{Repeats, Resets, Sends, Stalls, Trickles};
    let closed = Some("upstream-closed-connection");
    for (behaviour, expected, cause) in [
        (Sends(b""), ExchangeFailure::Closed, closed),
        (Sends(b"HTTP/1.1 200"), ExchangeFailure::Closed, closed),
        (Resets(b""), ExchangeFailure::Reset, closed),
        (Sends(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), ExchangeFailure::NotHttp, None),
        (Sends(b"\x15\x03\x01\x00\x02\x02\x46"), ExchangeFailure::AnsweredTls, Some("plaintext-to-tls-port")),
        (Sends(b"\0\0\0\x04\0\0\0\0\0"), ExchangeFailure::AnsweredHttp2, Some("protocol-error-upstream")),
        (Stalls(b"HTTP/1.1 200 OK\r\n"), ExchangeFailure::TimedOut, None),
        (Trickles(b"HTTP/1.1 200 OK\r\nserver: envoy\r\n\r\n"), ExchangeFailure::TimedOut, None),
        (
            Repeats(b"HTTP/1.1 200 OK\r\n", b"x-more: 0123456789012345678901234567890123456789\r\n"),
            ExchangeFailure::TooLarge,
            None,
        ),
        (Repeats(b"HTTP/1.1 200 OK\r\nx-long: ", &[b'x'; 4096]), ExchangeFailure::TooLarge, None),
        (Repeats(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), ExchangeFailure::TimedOut, None),
    ] {
        assert_eq!(failure(behaviour), (expected, cause));
    }
}

#[test]
fn bodies_that_do_not_end_as_they_should() {
    use Behaviour::{Repeats, Resets, Sends, Stalls};
    const LONG: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegin";
    let closed = BodyEnd::Broken(ExchangeFailure::Closed);
    for (behaviour, expected, is_success) in [
        (Sends(LONG), closed.clone(), false),
        (Resets(LONG), BodyEnd::Broken(ExchangeFailure::Reset), false),
        (Stalls(LONG), BodyEnd::TimedOut, false),
        (Repeats(b"HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 4096]), BodyEnd::Left, true),
        (Sends(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegin\r\n"), closed, false),
        (Sends(b"HTTP/1.1 200 OK\r\n\r\nto the end"), BodyEnd::Complete, true),
    ] {
        let (outcome, cause) = outcome(behaviour, "http", |_| {});
        assert_eq!(outcome.is_success(false), is_success);
        let response = outcome.result.unwrap();
        assert_eq!(response.end, expected);
        assert!(response.body.len() <= 64 * 1024 && response.length <= 2 * 1024 * 1024, "{} bytes", response.length);
        assert_eq!(cause.is_some(), matches!(response.end, BodyEnd::Broken(_)), "{cause:?}");
    }
}

#[test]
fn answers_to_a_tls_handshake() {
    use Behaviour::{Resets, Sends, Stalls};
    let tls = |behaviour| match outcome(behaviour, "https", |_| {}) {
        (Outcome { result: Err(Failure::Tls(failure)), .. }, cause) => (failure, cause),
        other => panic!("{other:?}"),
    };
    let cut = Some("tls-handshake-failed");
    assert_eq!(tls(Sends(b"HTTP/1.1 400 Bad Request\r\n\r\n")), (TlsFailure::NotTls, Some("tls-to-plaintext-port")));
    assert_eq!(tls(Sends(b"")), (TlsFailure::Closed, cut));
    assert_eq!(tls(Resets(b"")), (TlsFailure::Reset, cut));
    assert_eq!(tls(Stalls(b"")), (TlsFailure::TimedOut, None));
    let alert = TlsFailure::Alert { number: 112, name: "unrecognized_name".to_owned() };
    assert_eq!(tls(Sends(b"\x15\x03\x03\x00\x02\x02\x70")).0, alert);
}

#[test]
fn answers_to_http2() {
    use Behaviour::{Sends, Stalls};
    let http2 = |behaviour| {
        let (outcome, _) = outcome(behaviour, "http", |request| request.version = HttpVersion::Http2);
        match outcome.result {
            Err(Failure::Exchange { failure, .. }) => failure,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(http2(Sends(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")), ExchangeFailure::AnsweredHttp1);
    assert_eq!(http2(Sends(b"")), ExchangeFailure::Closed);
    assert_eq!(http2(Stalls(b"\0\0\0\x04\0\0\0\0\0")), ExchangeFailure::TimedOut);
    // GOAWAY with ENHANCE_YOUR_CALM.
    let goaway = b"\0\0\0\x04\0\0\0\0\0\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0b";
    assert_eq!(http2(Sends(goaway)), ExchangeFailure::GoAway("ENHANCE_YOUR_CALM".to_owned()));
    // RST_STREAM of the first stream with REFUSED_STREAM.
    let reset = b"\0\0\0\x04\0\0\0\0\0\0\0\x04\x03\0\0\0\0\x01\0\0\0\x07";
    assert_eq!(http2(Stalls(reset)), ExchangeFailure::StreamReset("REFUSED_STREAM".to_owned()));
}

#[test]
fn nobody_listens() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let request = Request::get(Target::parse("http://127.0.0.1:1/").unwrap());
    let tls = Tls::new(Roots::System, None, false).unwrap();
    let outcome = runtime.block_on(send(&request, &Resolver::default(), &tls));
    let refused = ConnectFailure::Socket { address: "127.0.0.1:1".to_owned(), error: SocketError::Refused };
    assert_eq!(outcome.result.as_ref().unwrap_err(), &Failure::Connect(refused));
    assert!(outcome.is_unreachable());
    let verdict = judge(&outcome.facts(&request).unwrap()).unwrap();
    assert_eq!(verdict.cause.slug, "upstream-connection-refused");
}

#[test]
fn what_a_server_repeats_of_a_secret_is_taken_out() {
    let echo = b"HTTP/1.1 503 No\r\nx-echo: Bearer s3cr3t-token\r\n\r\nyou sent s3cr3t-token";
    let (mut outcome, _) = outcome(Behaviour::Sends(echo), "http", |_| {});
    outcome.conceal(&["Bearer s3cr3t-token".to_owned(), "s3cr3t-token".to_owned()]);
    assert!(!format!("{outcome:?}").contains("s3cr3t"), "{outcome:?}");
    let response = outcome.result.unwrap();
    assert!(!String::from_utf8(response.body).unwrap().contains("s3cr3t"));
}
