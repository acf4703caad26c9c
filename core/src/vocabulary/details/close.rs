//! Why Envoy closed a downstream connection itself: the part in parentheses of `downstream_local_disconnect(reason)`.

use crate::spelling::begins;

/// What a local close reason comes down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The codec gave up on the client's bytes; the codec's own text says why.
    Codec,
    /// `tcp_proxy` could not connect (`tcp_initializion_failure:0`, the spelling is Envoy's).
    ConnectFailed,
    /// A connection limit was reached.
    ConnectionLimit,
    /// Credentials were refused.
    Credentials,
    /// A listener or filter chain was replaced or drained.
    Drain,
    /// External authorization closed it.
    ExtAuthz,
    /// External processing failed or asked for it.
    ExtProc,
    /// A guard against floods.
    Flood,
    /// Nothing was sent for too long.
    Idle,
    /// The connection became too old.
    MaxDuration,
    /// No filter chain took the connection.
    NoFilterChain,
    /// The cluster has no usable host.
    NoHealthyHost,
    /// `tcp_proxy` found no route.
    NoRoute,
    /// The overload manager.
    Overload,
    /// The HTTP/2 codec found the connection broken.
    ProtocolViolation,
    /// A rate limit.
    RateLimit,
    /// The rate limit service failed.
    RateLimitService,
    /// An authorization policy.
    Rbac,
    /// The TLS handshake was not finished in time, or could not begin.
    Handshake,
    /// `tcp_proxy` met a limit of the upstream cluster.
    UpstreamLimit,
    /// Anything else.
    Other,
}

impl CloseReason {
    /// How many there are.
    pub(crate) const COUNT: usize = Self::Other as usize + 1;

    /// The text as Envoy prints it for the commonest reason of the kind.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        TEXTS.iter().find(|(_, reason)| *reason == self).map_or("…", |(text, _)| text)
    }

    /// Understands a reason; spaces or underscores.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        TEXTS.iter().find(|(head, _)| begins(text, head)).map_or(Self::Other, |(_, reason)| *reason)
    }
}

/// Beginnings of reasons, the more special before the general.
///
/// Source: Envoy `source/common/stream_info/utility.h` (`LocalCloseReasons`) and the extensions' sources, 1.26–1.40.
const TEXTS: &[(&str, CloseReason)] = &[
    ("filter_chain_is_being_removed", CloseReason::Drain),
    ("deferred_close_on_drained_connection", CloseReason::Drain),
    ("tcp_proxy_drain_close", CloseReason::Drain),
    ("forced_goaway", CloseReason::Drain),
    ("Active_Internal_Listener_destructor", CloseReason::Drain),
    ("on_idle_timeout", CloseReason::Idle),
    ("tcp_session_idle_timeout", CloseReason::Idle),
    ("http2_ping_timeout", CloseReason::Idle),
    ("max_connection_duration_reached", CloseReason::MaxDuration),
    ("duration_timeout", CloseReason::MaxDuration),
    ("tcp_initializion_failure:1", CloseReason::NoHealthyHost),
    ("tcp_initializion_failure:2", CloseReason::UpstreamLimit),
    ("tcp_initializion_failure:3", CloseReason::NoRoute),
    ("tcp_initializion_failure", CloseReason::ConnectFailed),
    ("non_pooled_tcp_connection_host_health_failure", CloseReason::NoHealthyHost),
    ("over_connection_limit", CloseReason::ConnectionLimit),
    ("rbac_deny_close", CloseReason::Rbac),
    ("ext_authz_close", CloseReason::ExtAuthz),
    ("ext_proc_", CloseReason::ExtProc),
    ("local_ratelimit_close_over_limit", CloseReason::RateLimit),
    ("ratelimit_close_over_limit", CloseReason::RateLimit),
    ("ratelimit_error_failure_mode_connection_close", CloseReason::RateLimitService),
    ("overload_manager_close", CloseReason::Overload),
    ("overload_error:", CloseReason::Overload),
    ("too_many_premature_resets", CloseReason::Flood),
    ("http2_connection_protocol_violation", CloseReason::ProtocolViolation),
    ("codec_error:", CloseReason::Codec),
    ("no_filter_chain_found", CloseReason::NoFilterChain),
    ("no_filters", CloseReason::NoFilterChain),
    ("transport_socket_timeout", CloseReason::Handshake),
    ("failed_creating_handshaker", CloseReason::Handshake),
    ("tsi_handshake_failed", CloseReason::Handshake),
    ("failed_resuming_async_handshake", CloseReason::Handshake),
    ("purging_socket_that_have_not_progressed_to_connections", CloseReason::Handshake),
    ("auth_digest_no_match", CloseReason::Credentials),
    ("denied_(API_key)", CloseReason::Credentials),
    ("triggered_delayed_close_timeout", CloseReason::Other),
];
