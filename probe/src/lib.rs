//! One HTTP request, and all that came of it: status, headers, body, trailers, or what failed and when.
//!
//! A [`Request`] goes over the stream that a [`Connector`] opens, which is a socket here and may be a tunnel elsewhere; [`send`] gives an
//! [`Outcome`], and [`Outcome::facts`] is what the catalogue judges. The server is taken for hostile: each phase has an end in time, and
//! of whatever it sends only a bounded beginning is kept. Nothing is retried, no redirect is followed, nothing is printed.

mod answerer;
mod certificate;
mod connector;
mod evidence;
mod exchange;
mod failure;
mod outcome;
mod request;
mod resolved;
mod send;
mod target;
mod tls;
mod variant;
mod watched;

pub use answerer::{Answerer, Author, Front};
pub use certificate::ServerCertificate;
pub use connector::{Address, Connection, Connector, Stream};
pub use failure::{CertificateFault, ConnectFailure, ExchangeFailure, Failure, SocketError, TlsFailure};
pub use outcome::{BodyEnd, Outcome, Response, TlsSession};
pub use request::{HttpVersion, MAX_FILLER, Request, ServerNameSent, TraceContext};
pub use resolved::Resolver;
pub use send::send;
pub use target::{Target, TargetError};
pub use tls::{Identity, Roots, Tls, TlsError};
pub use variant::{Omission, Variant};
