//! Why an upstream stream ended: the first part inside the braces of `upstream_reset_…{reset|transport}`.

use crate::spelling::same;
use crate::words;

words! {
    /// A stream reset reason of Envoy's router, with `_` for spaces, as details print it.
    ///
    /// Source: Envoy `source/common/http/utility.cc`, `resetReasonToString`, 1.24–1.40.
    #[expect(missing_docs, reason = "each variant is the text it stands for")]
    pub enum Reset {
        ConnectionFailure = "connection_failure",
        ConnectionTermination = "connection_termination",
        ConnectionTimeout = "connection_timeout",
        Http1PrematureUpstreamHalfClose = "HTTP/1_premature_upstream_half_close",
        LocalConnectionFailure = "local_connection_failure",
        LocalRefusedStreamReset = "local_refused_stream_reset",
        LocalReset = "local_reset",
        Overflow = "overflow",
        OverloadManagerReset = "overload_manager_reset",
        ProtocolError = "protocol_error",
        RemoteConnectionFailure = "remote_connection_failure",
        RemoteConnectError = "remote_error_with_CONNECT_request",
        RemoteRefusedStreamReset = "remote_refused_stream_reset",
        RemoteReset = "remote_reset",
        RemoteResetNoError = "remote_reset_(no_error)",
    }
}

impl Reset {
    /// Finds the reason that is exactly `text`, spaces or underscores.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reset| same(text, reset.as_str()))
    }
}

/// Splits `reset|transport` (Envoy 1.31 and later) or `reset,transport` (before).
pub(super) fn split(inner: &str) -> Option<(Reset, Option<&str>)> {
    let (reset, transport) = match inner.split_once(['|', ',']) {
        Some((reset, transport)) => (reset, Some(transport).filter(|text| !text.is_empty())),
        None => (inner, None),
    };
    Some((Reset::parse(reset)?, transport))
}
