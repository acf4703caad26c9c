//! What an outcome says, in the facts that the catalogue judges.

use meshwhy_core::proxy_status::{self, StatusMember};
use meshwhy_core::{Facts, judge};
use meshwhy_logs::{ClientFailure, ClientResponse};

use crate::failure::{CertificateFault, ConnectFailure, ExchangeFailure, Failure, TlsFailure};
use crate::outcome::{BodyEnd, Outcome, Response};
use crate::request::Request;

impl Outcome {
    /// What the outcome says; `None` where that is nothing the catalogue has words for, such as a name that does not resolve.
    #[must_use]
    pub fn facts(&self, request: &Request) -> Option<Facts<'static>> {
        match &self.result {
            Ok(response) => response.facts(self, request),
            Err(failure) => seen(failure, &self.sent).map(|failure| failure.facts()),
        }
    }
}

impl Response {
    /// The members of `proxy-status`, the one nearest to the origin first.
    #[must_use]
    pub fn trail(&self) -> Vec<StatusMember> {
        self.all("proxy-status").flat_map(proxy_status::read).collect()
    }

    fn facts(&self, outcome: &Outcome, request: &Request) -> Option<Facts<'static>> {
        let sent = pairs(&outcome.sent);
        let received = [pairs(&self.headers), pairs(&self.trailers)].concat();
        let (method, body) = (request.sent_method(), String::from_utf8_lossy(&self.body));
        let response = ClientResponse {
            method: method.as_str(),
            path: request.target.path_and_query.path(),
            request_headers: &sent,
            status: self.status,
            headers: &received,
            body: &body,
        };
        let facts = response.facts().map(Facts::into_owned);
        let BodyEnd::Broken(failure) = &self.end else { return facts };
        if facts.as_ref().is_some_and(|facts| judge(facts).is_some()) {
            return facts;
        }
        // A response that broke off failed, whatever its status.
        let mut broken = exchange(failure)?.facts();
        broken.status = Some(self.status);
        Some(broken)
    }
}

fn pairs(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// What a client sees that has no response.
fn seen<'f>(failure: &'f Failure, sent: &[(String, String)]) -> Option<ClientFailure<'f>> {
    match failure {
        Failure::Connect(ConnectFailure::Socket { address, error }) => {
            Some(ClientFailure::NotConnected { address, error: error.known()? })
        }
        Failure::Connect(ConnectFailure::Unresolved { .. } | ConnectFailure::Tunnel { .. }) => None,
        Failure::Tls(failure) => tls(failure),
        Failure::Exchange { failure, .. } => match exchange(failure)? {
            ClientFailure::StreamReset if are_few_and_large(sent) => Some(ClientFailure::StreamResetForSize),
            other => Some(other),
        },
    }
}

/// Whether headers are more than Envoy takes by default in size, and not in number.
///
/// Source: Envoy `max_request_headers_kb` 60 and `max_headers_count` 100, 1.40.
fn are_few_and_large(headers: &[(String, String)]) -> bool {
    let size: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    headers.len() < 100 && size >= 60 * 1024
}

fn tls(failure: &TlsFailure) -> Option<ClientFailure<'static>> {
    match failure {
        TlsFailure::Certificate { fault: CertificateFault::Expired | CertificateFault::NotYetValid, .. } => {
            Some(ClientFailure::CertificateOutOfDate)
        }
        TlsFailure::Certificate { .. } => Some(ClientFailure::CertificateUntrusted),
        TlsFailure::Alert { number, .. } => Some(ClientFailure::Alert(*number)),
        TlsFailure::NotTls => Some(ClientFailure::PlaintextForTls),
        TlsFailure::Closed | TlsFailure::Reset => Some(ClientFailure::HandshakeCut),
        TlsFailure::NothingInCommon(_) | TlsFailure::NoHttp2 | TlsFailure::TimedOut | TlsFailure::Other(_) => None,
    }
}

fn exchange(failure: &ExchangeFailure) -> Option<ClientFailure<'static>> {
    match failure {
        ExchangeFailure::Closed | ExchangeFailure::Reset => Some(ClientFailure::Closed),
        ExchangeFailure::AnsweredTls => Some(ClientFailure::TlsWanted),
        ExchangeFailure::AnsweredHttp2 => Some(ClientFailure::Http2Only),
        ExchangeFailure::StreamReset(name) if name == "INTERNAL_ERROR" => Some(ClientFailure::StreamReset),
        ExchangeFailure::Tls(failure) => tls(failure),
        ExchangeFailure::TimedOut
        | ExchangeFailure::TooLarge
        | ExchangeFailure::AnsweredHttp1
        | ExchangeFailure::NotHttp
        | ExchangeFailure::StreamReset(_)
        | ExchangeFailure::GoAway(_)
        | ExchangeFailure::Other(_) => None,
    }
}
