//! When a cause holds, as data: one declaration for the module, the CLI, Envoy (as CEL) and the reader (as a sentence).

pub mod cel;
mod evaluate;
#[cfg(feature = "texts")]
pub mod prose;

pub use evaluate::{Evaluation, Shown};

use crate::details::{Reset, Word};
use crate::facts::Event;
use crate::flags::Flag as ResponseFlag;
use crate::transport::TransportKind;

/// A fact that can be present or absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// Response code details; absent also where the source does not say.
    Details,
    /// Upstream transport failure reason; absent also where the source does not say.
    UpstreamTransportFailure,
    /// Virtual host; absent only where Envoy says that none matched.
    VirtualHost,
    /// Upstream host; absent also where the source does not say.
    UpstreamHost,
    /// Any response flag.
    Flags,
}

/// A condition on facts: leaves under `All`, `Any` and `Not`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Every part holds.
    All(&'static [Condition]),
    /// At least one part holds.
    Any(&'static [Condition]),
    /// The part does not hold.
    Not(&'static Condition),
    /// The code details are exactly this word.
    Details(Word),
    /// The upstream stream ended so before the response began.
    ResetBefore(Reset),
    /// The upstream stream ended so after the response began.
    ResetAfter(Reset),
    /// An RBAC filter refused the request, with or without a matching policy.
    RbacDenied,
    /// The connection to the upstream failed so.
    UpstreamTransport(TransportKind),
    /// The connection from the downstream failed so.
    DownstreamTransport(TransportKind),
    /// The response flag is set.
    Flag(ResponseFlag),
    /// The status is exactly this.
    Status(u16),
    /// The status is at least this.
    StatusAtLeast(u16),
    /// The fact is present.
    Present(Field),
    /// The fact is absent.
    Absent(Field),
    /// The proxy noticed this.
    Event(Event),
}
