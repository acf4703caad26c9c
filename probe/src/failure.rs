//! What can keep a request from its response, by the phase it happens in.

use std::io;

use meshwhy_logs::ConnectError;

use crate::certificate::ServerCertificate;

/// What failed, by phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Resolving or connecting: nobody was reached.
    Connect(ConnectFailure),
    /// The TLS handshake.
    Tls(TlsFailure),
    /// Between the request and the end of the response's headers.
    Exchange {
        /// Whether the server took the whole request.
        is_sent: bool,
        /// What ended it.
        failure: ExchangeFailure,
    },
}

/// Why nobody was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectFailure {
    /// The name does not resolve here.
    Unresolved {
        /// The name.
        host: String,
        /// What the system says.
        reason: String,
    },
    /// Nobody takes the connection.
    Socket {
        /// The address that was tried last.
        address: String,
        /// Why.
        error: SocketError,
    },
    /// The tunnel to the server failed.
    Tunnel {
        /// What it says.
        reason: String,
    },
}

/// The error of a socket that cannot connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketError {
    /// Nobody listens there, or a firewall says so.
    Refused,
    /// No answer in time.
    TimedOut,
    /// No host there answers.
    NoRouteToHost,
    /// No network leads there.
    NetworkUnreachable,
    /// Another error, in the system's words.
    Other(String),
}

impl SocketError {
    pub(crate) fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut => Self::TimedOut,
            io::ErrorKind::HostUnreachable => Self::NoRouteToHost,
            io::ErrorKind::NetworkUnreachable => Self::NetworkUnreachable,
            _ => Self::Other(error.to_string()),
        }
    }

    /// As logs and proxies have it.
    pub(crate) const fn known(&self) -> Option<ConnectError> {
        match self {
            Self::Refused => Some(ConnectError::Refused),
            Self::TimedOut => Some(ConnectError::TimedOut),
            Self::NoRouteToHost => Some(ConnectError::NoRouteToHost),
            Self::NetworkUnreachable => Some(ConnectError::NetworkUnreachable),
            Self::Other(_) => None,
        }
    }
}

/// Why a TLS handshake failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsFailure {
    /// This client refuses the server's certificate.
    Certificate {
        /// Why.
        fault: CertificateFault,
        /// The certificate.
        certificate: Option<Box<ServerCertificate>>,
    },
    /// The server refuses the handshake and says why.
    Alert {
        /// The alert's number in RFC 8446.
        number: u8,
        /// Its name, such as `certificate_required`.
        name: String,
    },
    /// The server's answer is no TLS.
    NotTls,
    /// The server closed the connection within the handshake.
    Closed,
    /// The server reset it.
    Reset,
    /// Client and server have no version, cipher or curve in common.
    NothingInCommon(String),
    /// The server does not take HTTP/2, which alone was offered.
    NoHttp2,
    /// The handshake did not end in time.
    TimedOut,
    /// Anything else, in the TLS library's words.
    Other(String),
}

/// Why a certificate is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateFault {
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// No authority that is trusted here signed it.
    UnknownIssuer,
    /// It is for other names.
    OtherName,
    /// Anything else, in the TLS library's words.
    Other(String),
}

/// What ended an exchange before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExchangeFailure {
    /// Nothing came in time.
    TimedOut,
    /// The server closed the connection.
    Closed,
    /// The server reset it.
    Reset,
    /// The headers of the response are larger than what is taken.
    TooLarge,
    /// The server answered HTTP/1 in HTTP/2.
    AnsweredHttp1,
    /// The server answered HTTP/2 in HTTP/1.
    AnsweredHttp2,
    /// The server answered plaintext with TLS.
    AnsweredTls,
    /// What the server sent is no HTTP.
    NotHttp,
    /// The server reset the HTTP/2 stream, with this error of RFC 9113.
    StreamReset(String),
    /// The server ended the HTTP/2 connection, with this error of RFC 9113.
    GoAway(String),
    /// A TLS 1.3 server refused after this client had taken the handshake for done.
    Tls(TlsFailure),
    /// Anything else, in the HTTP library's words.
    Other(String),
}
