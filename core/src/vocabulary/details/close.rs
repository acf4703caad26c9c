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
        Self::BEGINNINGS.iter().find(|(_, reason)| *reason == self).map_or("…", |(text, _)| text)
    }

    /// Understands a reason; spaces or underscores.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self::BEGINNINGS.iter().find(|(head, _)| begins(text, head)).map_or(Self::Other, |(_, reason)| *reason)
    }
}

impl CloseReason {
    /// Beginnings of reasons, the more special before the general; a space counts as an underscore.
    ///
    /// Source: Envoy `source/common/stream_info/utility.h` (`LocalCloseReasons`) and the extensions' sources, 1.26–1.40.
    pub const BEGINNINGS: &'static [(&'static str, Self)] = &[
        ("filter_chain_is_being_removed", Self::Drain),
        ("deferred_close_on_drained_connection", Self::Drain),
        ("tcp_proxy_drain_close", Self::Drain),
        ("forced_goaway", Self::Drain),
        ("Active_Internal_Listener_destructor", Self::Drain),
        ("on_idle_timeout", Self::Idle),
        ("tcp_session_idle_timeout", Self::Idle),
        ("http2_ping_timeout", Self::Idle),
        ("max_connection_duration_reached", Self::MaxDuration),
        ("duration_timeout", Self::MaxDuration),
        ("tcp_initializion_failure:1", Self::NoHealthyHost),
        ("tcp_initializion_failure:2", Self::UpstreamLimit),
        ("tcp_initializion_failure:3", Self::NoRoute),
        ("tcp_initializion_failure", Self::ConnectFailed),
        ("non_pooled_tcp_connection_host_health_failure", Self::NoHealthyHost),
        ("over_connection_limit", Self::ConnectionLimit),
        ("rbac_deny_close", Self::Rbac),
        ("ext_authz_close", Self::ExtAuthz),
        ("ext_proc_", Self::ExtProc),
        ("local_ratelimit_close_over_limit", Self::RateLimit),
        ("ratelimit_close_over_limit", Self::RateLimit),
        ("ratelimit_error_failure_mode_connection_close", Self::RateLimitService),
        ("overload_manager_close", Self::Overload),
        ("overload_error:", Self::Overload),
        ("too_many_premature_resets", Self::Flood),
        ("http2_connection_protocol_violation", Self::ProtocolViolation),
        ("codec_error:", Self::Codec),
        ("no_filter_chain_found", Self::NoFilterChain),
        ("no_filters", Self::NoFilterChain),
        ("transport_socket_timeout", Self::Handshake),
        ("failed_creating_handshaker", Self::Handshake),
        ("tsi_handshake_failed", Self::Handshake),
        ("failed_resuming_async_handshake", Self::Handshake),
        ("purging_socket_that_have_not_progressed_to_connections", Self::Handshake),
        ("auth_digest_no_match", Self::Credentials),
        ("denied_(API_key)", Self::Credentials),
        ("triggered_delayed_close_timeout", Self::Other),
    ];
}
