//! One request from its connection to its end.

use http::Version;
use tokio::time::Instant;

use crate::connector::{Address, Connector};
use crate::exchange::exchange;
use crate::failure::Failure;
use crate::outcome::{Outcome, Response, TlsSession};
use crate::request::Request;
use crate::tls::Tls;

/// Sends the request once, and keeps what came of it. Needs a Tokio runtime with I/O and time.
///
/// # Cost
/// Each of resolving, connecting to an address, the TLS handshake, the response's headers and its body lasts at most `request.patience`.
pub async fn send(request: &Request, connector: &impl Connector, tls: &Tls) -> Outcome {
    let mut sending = Sending { begin: Instant::now(), peer: None, tls: None, sent: Vec::new() };
    let (result, duration) = match sending.run(request, connector, tls).await {
        Ok((response, duration)) => (Ok(response), duration),
        Err(failure) => (Err(failure), sending.begin.elapsed()),
    };
    Outcome { peer: sending.peer, tls: sending.tls, sent: sending.sent, duration, result }
}

/// What is known so far.
struct Sending {
    begin: Instant,
    peer: Option<String>,
    tls: Option<TlsSession>,
    sent: Vec<(String, String)>,
}

impl Sending {
    async fn run(
        &mut self,
        request: &Request,
        connector: &impl Connector,
        tls: &Tls,
    ) -> Result<(Response, std::time::Duration), Failure> {
        let target = &request.target;
        let address = Address { host: target.host.clone(), port: target.port };
        let connection = connector.connect(&address, request.patience).await.map_err(Failure::Connect)?;
        self.peer = Some(connection.peer);
        if !target.is_tls {
            return self.exchange(connection.stream, request, request.spoken(None)).await;
        }
        let (stream, session) = tls.handshake(connection.stream, request, request.patience).await.map_err(Failure::Tls)?;
        let version = request.spoken(session.protocol.as_deref().map(str::as_bytes));
        self.tls = Some(session);
        self.exchange(Box::new(stream), request, version).await
    }

    async fn exchange(
        &mut self,
        stream: Box<dyn crate::connector::Stream>,
        request: &Request,
        version: Version,
    ) -> Result<(Response, std::time::Duration), Failure> {
        let headers = request.sent_headers(version);
        self.sent = crate::exchange::fields(&headers);
        let begin = self.begin;
        exchange(stream, request, headers, version, || begin.elapsed()).await
    }
}
