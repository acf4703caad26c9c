//! When a cause holds, as data: one declaration for the module, the CLI, Envoy (as CEL) and the reader (as a sentence).

mod evaluate;
mod evidence;
mod fails;
mod fold;
pub(crate) mod index;
mod observed;
#[cfg(feature = "texts")]
pub mod prose;

pub use evaluate::{BAD_CUSTOM_ACTION, SAYS_NOTHING, TLS_PORTS};
pub use evidence::{Evaluation, Shown};
pub use fails::{FAILS, HEALTHY_FLAGS};
pub use fold::{Engine, Literal};
pub use index::{Entry, in_order};
pub use observed::Observed;

use crate::codec::CodecFault;
use crate::details::{CloseReason, Family, Reset, Word};
use crate::event::Event;
use crate::flags::{Flag as ResponseFlag, ResponseFlags};
use crate::transport::TransportKind;
use crate::words;

/// A fact that can be present or absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// Response code details that say something; absent also where the source does not say.
    Details,
    /// Upstream transport failure reason; absent also where the source does not say.
    UpstreamTransportFailure,
    /// Virtual host; absent only where Envoy says that none matched.
    VirtualHost,
    /// Upstream host; absent also where the source does not say.
    UpstreamHost,
    /// Any response flag.
    Flags,
    /// What Mixer's policy check said (Istio 1.4 and earlier).
    PolicyStatus,
    /// Downstream transport failure reason; absent also where the source does not say.
    DownstreamTransportFailure,
    /// What the upstream codec reported; absent also where the source does not say.
    UpstreamCodecError,
    /// What the downstream codec reported; absent also where the source does not say.
    DownstreamCodecError,
    /// Why the downstream connection was ended; absent also where the source does not say.
    TerminationDetails,
    /// Something that the proxy noticed.
    Event,
    /// How long it took; absent also where the source does not say.
    Duration,
}

words! {
    /// A cluster with a meaning of its own in Istio.
    pub enum ClusterKind {
        /// Where Istio sends what the mesh does not allow.
        BlackHole = "BlackHoleCluster",
        /// Where Istio sends what it knows nothing about, as it is.
        Passthrough = "PassthroughCluster",
    }
}

words! {
    /// A route with a meaning of its own in Istio.
    pub enum RouteName {
        /// The direct response 502 to hosts that `REGISTRY_ONLY` does not allow.
        BlockAll = "block_all",
    }
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
    /// The code details begin as this family does.
    Family(Family),
    /// The code details are those of a success: the upstream answered, or a filter did its work.
    Success,
    /// The code details are those of a failure, whatever the status.
    Refusal,
    /// Envoy closed the downstream connection itself for this reason.
    Closed(CloseReason),
    /// An RBAC filter refused the request or the connection, with or without a matching policy.
    RbacDenied,
    /// The policy that refused is Istio's stand-in for a `CUSTOM` policy that it could not build.
    BadCustomAction,
    /// The connection to the upstream failed so.
    UpstreamTransport(TransportKind),
    /// The connection from the downstream failed so.
    DownstreamTransport(TransportKind),
    /// The TLS handshake with the upstream failed, for whatever reason.
    UpstreamTls,
    /// The TLS handshake with the downstream failed, for whatever reason.
    DownstreamTls,
    /// The upstream codec found this fault.
    UpstreamCodec(CodecFault),
    /// The downstream codec found this fault.
    DownstreamCodec(CodecFault),
    /// The response flag is set.
    Flag(ResponseFlag),
    /// A response flag is set that is none of these, known or not.
    FlagBeside(ResponseFlags),
    /// The status is exactly this.
    Status(u16),
    /// The status is at least this.
    StatusAtLeast(u16),
    /// The status is of this hundred: 3 stands for 300 to 399.
    StatusClass(u16),
    /// The gRPC status is a failure although HTTP says 200.
    GrpcFailed,
    /// All took less than so many milliseconds.
    DurationBelow(u64),
    /// The request was sent to this cluster.
    Cluster(ClusterKind),
    /// The request took this route.
    Route(RouteName),
    /// The upstream connection had served a request before.
    UpstreamReused,
    /// The upstream host has an IPv6 address.
    UpstreamIpv6,
    /// The upstream's port is one at which servers expect TLS.
    TlsPort,
    /// The cluster is of a host that is no service of the cluster.
    External,
    /// The fact is present.
    Present(Field),
    /// The fact is absent.
    Absent(Field),
    /// The proxy noticed this.
    Event(Event),
}
