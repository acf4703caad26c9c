//! Families of details: texts that begin alike and go on with something dynamic, or many words of one extension.

use crate::spelling::begins;

macro_rules! families {
    ($($(#[$doc:meta])* $variant:ident = [$($prefix:literal),* $(,)?];)*) => {
        /// How a family of details begins; underscores, as Envoy puts them for spaces.
        ///
        /// Source: Envoy source trees and the strings of the 1.40.0 binary.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Family { $($(#[$doc])* $variant,)* }

        impl Family {
            /// All families.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The beginnings, any of which makes a text one of the family.
            #[must_use]
            pub const fn prefixes(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($prefix),*],)* }
            }
        }
    };
}

families! {
    /// Agent-to-agent filter.
    A2a = ["a2a_filter_"];
    /// AI protocol manager.
    AiProtocol = ["ai_protocol_manager_"];
    /// The HTTP codec gave up on the downstream connection.
    CodecError = ["codec_error:"];
    /// The dynamic forward proxy could not resolve the host; bare up to 1.33.
    DnsResolution = ["dns_resolution_failure"];
    /// External processing failed.
    ExtProcError = ["ext_proc_error_"];
    /// File server filter.
    FileServer = ["file_server_"];
    /// A filter deleted a header that a request or a response must have.
    FilterRemovedHeaders = ["filter_removed_required_"];
    /// The JWT filter refused.
    JwtDenied = ["jwt_authn_access_denied{"];
    /// Model context protocol filters.
    Mcp = ["mcp_"];
    /// The OAuth2 filter refused (details since 1.36).
    OauthFailure = [
        "Code_verifier_cookie_is_missing",
        "CSRF_token_validation_failed",
        "Failed_to_decrypt_code_verifier",
        "Failed_to_get_access_token",
        "Failed_to_obtain_client_credential",
        "Failed_to_parse_oauth_response_body",
        "Failed_to_refresh_the_access_token",
        "No_access_token_found",
        "No_default_or_explicit_access_token_expiration",
        "OAuth2_secrets_are_not_ready",
        "OAuth_server_returned_an_error",
        "State_query_param_",
        "State_url_",
        "Token_endpoint_cluster_not_found",
        "Unauthorized,_and_redirecting_to_OAuth_server",
        "authority_or_original_request_uri_failed",
        "oauth_missing_path",
        "redirect_uri_failed_domain_allow-list",
    ];
    /// The overload manager ended the stream.
    OverloadError = ["overload_error:"];
    /// An RBAC filter denied.
    RbacDenied = ["rbac_access_denied_matched_policy["];
    /// Reverse tunnel handshake.
    ReverseTunnel = ["reverse_tunnel_"];
    /// An `x-envoy-…` header has a bad value.
    StrictCheck = ["request_headers_failed_strict_check{"];
    /// A gRPC message could not be translated or read by a filter.
    Transcoding = [
        "early_grpc_json_",
        "grpc_base_64_decode_failed",
        "grpc_bridge_",
        "grpc_field_extraction_",
        "grpc_json_reverse_transcode_failure{",
        "grpc_json_transcode_failure{",
        "proto_api_scrubber_",
        "proto_message_extraction_",
    ];
    /// Unified header validation.
    Uhv = ["uhv."];
}

impl Family {
    /// Whether the text begins as this family does; a space counts as an underscore.
    #[must_use]
    pub fn takes(self, text: &str) -> bool {
        self.prefixes().iter().any(|prefix| begins(text, prefix))
    }

    /// The family that takes the text.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|family| family.takes(text))
    }
}
