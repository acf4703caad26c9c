//! Envoy's response code details, parsed into a closed vocabulary.
//!
//! A details text is a fixed word, or a fixed head with a dynamic part in braces, brackets or parentheses. Nothing here
//! searches the text for substrings: whatever does not parse is [`Details::Other`].
//!
//! Source: Envoy "response code details" page and the source trees 1.24–1.40.

mod close;
mod family;
mod reset;
mod word;

pub use close::CloseReason;
pub use family::Family;
pub use reset::Reset;
pub use word::Word;

/// One code-details text, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Details<'a> {
    /// A text without dynamic parts.
    Word(Word),
    /// `upstream_reset_before_response_started{reset|transport}`; the separator was `,` before Envoy 1.31.
    ResetBeforeResponse {
        /// Why the upstream stream ended.
        reset: Reset,
        /// The transport failure that came with it.
        transport: Option<&'a str>,
    },
    /// `upstream_reset_after_response_started{reset|transport}`.
    ResetAfterResponse {
        /// Why the upstream stream ended.
        reset: Reset,
        /// The transport failure that came with it.
        transport: Option<&'a str>,
    },
    /// `rbac_access_denied_matched_policy[policy]`; `none` means that no policy allowed the request.
    RbacDenied {
        /// Envoy's name of the policy that denied; Istio writes `ns[NAMESPACE]-policy[NAME]-rule[N]`.
        policy: Option<&'a str>,
    },
    /// `jwt_authn_access_denied{status}`.
    JwtDenied {
        /// The text of the JWT library with `_` for spaces.
        status: &'a str,
    },
    /// `downstream_local_disconnect(reason)`, Envoy 1.26 and later.
    LocalDisconnect {
        /// Why Envoy closed the connection itself.
        reason: CloseReason,
        /// The text of it.
        text: &'a str,
    },
    /// Another text with a known beginning and a dynamic rest.
    Family(Family),
    /// A text that this version does not know.
    Other(&'a str),
}

impl Details<'_> {
    /// Whether nothing failed: the upstream answered, or a filter did its work.
    #[must_use]
    pub const fn is_success(self) -> bool {
        use Word as W;
        matches!(
            self,
            Self::Word(
                W::ViaUpstream
                    | W::AdminFilterResponse
                    | W::CacheInsertViaUpstream
                    | W::CacheResponseFromCacheFilter
                    | W::CorsResponse
                    | W::FileServer
                    | W::HealthCheckCached
                    | W::HealthCheckOk
                    | W::HealthCheckOkClusterHealthy
                    | W::InternalRedirect
                    | W::McpJsonRestBridgeFilterInitialize
                    | W::McpJsonRestBridgeFilterInitializeAck
                    | W::McpJsonRestBridgeFilterServerDiscover
                    | W::McpJsonRestBridgeInternalToolsListPassthrough
                    | W::McpJsonRestBridgeOk
                    | W::McpJsonRestBridgeToolsList
                    | W::McpRouter
                    | W::OauthLoggedIn
                    | W::OauthMissingCredentials
                    | W::OauthRaceRedirect
                    | W::OauthSignOut
            )
        )
    }

    /// Whether the reply is that of a failure, whatever status it has: a gRPC call that Envoy refuses gets 200.
    ///
    /// A direct response and Lua answer as they are told to, and the status alone says what that is. Words that this version does not know
    /// count as a failure.
    #[must_use]
    pub const fn refuses(self) -> bool {
        !self.is_success() && !matches!(self, Self::Word(Word::DirectResponse | Word::LuaResponse))
    }

    /// The status that Envoy's router decides on with these details. What is sent may differ: a gRPC call gets 200, and
    /// `local_reply_config` may replace it.
    ///
    /// Source: Envoy `source/common/router/router.cc`, 1.24–1.40.
    #[must_use]
    pub const fn status(self) -> Option<u16> {
        match self {
            Self::Word(Word::RouteNotFound) => Some(404),
            Self::Word(Word::NoHealthyUpstream) => Some(503),
            Self::ResetBeforeResponse { reset: Reset::ProtocolError, .. } => Some(502),
            Self::ResetBeforeResponse { .. } => Some(503),
            _ => None,
        }
    }
}

/// What stands before the reason of [`Details::ResetBeforeResponse`]; `}` stands behind it.
pub const RESET_BEFORE: &str = "upstream_reset_before_response_started{";
/// What stands before the reason of [`Details::ResetAfterResponse`]; `}` stands behind it.
pub const RESET_AFTER: &str = "upstream_reset_after_response_started{";
/// What stands before the policy of [`Details::RbacDenied`]; `]` stands behind it.
pub const RBAC_DENIED: &str = "rbac_access_denied_matched_policy[";
/// What stands before the reason of [`Details::LocalDisconnect`]; `)` stands behind it.
pub const LOCAL_DISCONNECT: &str = "downstream_local_disconnect(";

/// Understands a details text as `response.code_details` or `%RESPONSE_CODE_DETAILS%` gives it.
///
/// # Shape
/// Total: texts that do not parse come back as [`Details::Other`].
#[must_use]
pub fn parse(text: &str) -> Details<'_> {
    // The commonest texts first: they are no word, and a word is no reset.
    if let Some(details) = reset(text) {
        return details;
    }
    Word::parse(text).map(Details::Word).or_else(|| dynamic(text)).unwrap_or(Details::Other(text))
}

fn reset(text: &str) -> Option<Details<'_>> {
    if let Some(inner) = between(text, RESET_BEFORE, '}') {
        let (reset, transport) = reset::split(inner)?;
        return Some(Details::ResetBeforeResponse { reset, transport });
    }
    let (reset, transport) = reset::split(between(text, RESET_AFTER, '}')?)?;
    Some(Details::ResetAfterResponse { reset, transport })
}

fn dynamic(text: &str) -> Option<Details<'_>> {
    if let Some(policy) = between(text, RBAC_DENIED, ']') {
        return Some(Details::RbacDenied { policy: (policy != "none").then_some(policy) });
    }
    if let Some(status) = between(text, "jwt_authn_access_denied{", '}') {
        return Some(Details::JwtDenied { status });
    }
    if let Some(text) = between(text, LOCAL_DISCONNECT, ')') {
        return Some(Details::LocalDisconnect { reason: CloseReason::parse(text), text });
    }
    Family::of(text).map(Details::Family)
}

fn between<'a>(text: &'a str, head: &str, tail: char) -> Option<&'a str> {
    text.strip_prefix(head)?.strip_suffix(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_sorted_and_found() {
        assert!(Word::ALL.is_sorted_by_key(|(text, _)| *text));
        for (text, word) in Word::ALL {
            assert_eq!(parse(text), Details::Word(*word));
        }
    }

    #[test]
    fn both_separators_of_a_reset() {
        for text in [
            "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_111}",
            "upstream_reset_before_response_started{remote_connection_failure,delayed_connect_error:_111}",
        ] {
            let expected = Details::ResetBeforeResponse {
                reset: Reset::RemoteConnectionFailure,
                transport: Some("delayed_connect_error:_111"),
            };
            assert_eq!(parse(text), expected);
        }
    }

    #[test]
    fn a_policy_name_may_hold_brackets() {
        let text = "rbac_access_denied_matched_policy[ns[shop]-policy[deny-all]-rule[0]]";
        assert_eq!(parse(text), Details::RbacDenied { policy: Some("ns[shop]-policy[deny-all]-rule[0]") });
        assert_eq!(parse("rbac_access_denied_matched_policy[none]"), Details::RbacDenied { policy: None });
    }

    #[test]
    fn near_words_are_other() {
        for text in ["route_not_found ", "Route_not_found", "", "upstream_reset_before_response_started{overflows}"] {
            assert_eq!(parse(text), Details::Other(text));
        }
    }
}
