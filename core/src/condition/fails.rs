//! Whether anything failed at all.

use super::Condition::{self, *};
use super::{Field, Observed};
use crate::details::Word::{self, Http2RemoteReset, Http3RemoteReset};
use crate::event;
use crate::flags::{Flag as ResponseFlag, ResponseFlags};

/// Flags that leave a request as good as it was: a delay that was injected, an answer from the cache.
pub const HEALTHY_FLAGS: ResponseFlags = ResponseFlags(ResponseFlag::DI.mask() | ResponseFlag::RFCF.mask());

/// Something went wrong.
///
/// Details outweigh a 2xx. A delayed success (`200 DI`), a cached answer (`RFCF`), a finished websocket
/// (`101 UC`) and a stream that its caller cancelled (`0 DR http2.remote_reset`) are healthy.
pub static FAILS: Condition = Any(&[
    StatusAtLeast(400),
    All(&[Present(Field::Event), Not(&Event(event::Event::WasmLoadPending))]),
    Present(Field::DownstreamTransportFailure),
    // Envoy refuses a gRPC call with status 200.
    All(&[Any(&[FLAGGED, All(&[StatusClass(2), Refusal])]), Not(&Status(101)), Not(&CANCELLED)]),
    All(&[
        Not(&ANSWERED),
        Any(&[
            // Where there is an answer, a retry succeeded after the connection that failed.
            Present(Field::UpstreamTransportFailure),
            All(&[Any(&[Refusal, Details(Word::DirectResponse), Details(Word::LuaResponse)]), Not(&CANCELLED)]),
            All(&[
                Any(&[
                    Present(Field::UpstreamCodecError),
                    Present(Field::DownstreamCodecError),
                    Present(Field::TerminationDetails),
                ]),
                Not(&All(&[FLAGGED, CANCELLED])),
            ]),
        ]),
    ]),
]);

impl Observed<'_, '_> {
    /// Whether [`FAILS`] holds. A plain success, which most lines of a log are, is recognised without evaluating it.
    pub(crate) fn fails(&self) -> bool {
        let facts = self.facts;
        let plain = matches!(facts.status, Some(200..400))
            && facts.details.as_deref() == Some(Word::ViaUpstream.as_str())
            && facts.flags.is_none_or(ResponseFlags::is_empty)
            && facts.grpc_status.is_none_or(|status| status == 0)
            && facts.downstream_transport_failure.is_none()
            && facts.event.is_none();
        !plain && FAILS.holds(self)
    }
}

/// There was a response.
const ANSWERED: Condition = StatusAtLeast(1);

const FLAGGED: Condition = Any(&[FlagBeside(HEALTHY_FLAGS), GrpcFailed]);

/// The caller cancelled one stream of a connection that lived on, which gRPC clients do all the time; the flag `DR` alone also stands for
/// resets by Envoy's own codec.
const CANCELLED: Condition = Any(&[Details(Http2RemoteReset), Details(Http3RemoteReset)]);
