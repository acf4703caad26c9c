//! The columns of a query's stages: what a row says, made comparable once, and never NULL but where that is said here.

use meshwhy_core::facts::Fact;

/// Before every name of ours: no column of the user's begins so.
pub(crate) const PREFIX: &str = "mw_";

/// A column, its expression over the columns of the stage before.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) expression: String,
}

impl Column {
    pub(crate) fn new(name: &str, expression: String) -> Self {
        Self { name: name.to_owned(), expression }
    }
}

/// The facts that verdict and target of an access log's row are made of; the authority is that of the target.
pub(crate) const FACTS: &[Fact] = &[
    Fact::Status,
    Fact::Flags,
    Fact::GrpcStatus,
    Fact::Duration,
    Fact::UpstreamConnectionAge,
    Fact::Details,
    Fact::UpstreamTransport,
    Fact::DownstreamTransport,
    Fact::Termination,
    Fact::UpstreamLocalClose,
    Fact::DownstreamLocalClose,
    Fact::PolicyStatus,
    Fact::Cluster,
    Fact::VirtualHost,
    Fact::Route,
    Fact::UpstreamHost,
    Fact::Authority,
];

/// The column with the text of a fact: empty where the row has none.
pub(crate) fn of_fact(fact: Fact) -> String {
    format!("{PREFIX}{}", fact.name())
}

/// The text of a fact as the row itself has it, before a reply that was passed on is looked at.
pub(crate) fn own(fact: Fact) -> String {
    format!("{PREFIX}own_{}", fact.name())
}

/// The text of the logged header `Proxy-Status`.
pub(crate) const PROXY_STATUS: &str = "mw_proxy_status";
/// Whether the row says that no virtual host matched.
pub(crate) const NO_VIRTUAL_HOST: &str = "mw_no_virtual_host";
/// The same of the row itself.
pub(crate) const OWN_NO_VIRTUAL_HOST: &str = "mw_own_no_virtual_host";
/// The code that the hop itself annotated, or the author of a reply that was passed on.
pub(crate) const ANNOTATED: &str = "mw_annotated";
/// Whether another proxy made the reply.
pub(crate) const RELAYED: &str = "mw_relayed";

/// The status; -1 for none.
pub(crate) const STATUS: &str = "mw_status_number";
/// The gRPC status; -1 for none.
pub(crate) const GRPC: &str = "mw_grpc_number";
/// Milliseconds; NULL for none.
pub(crate) const DURATION: &str = "mw_duration_number";
/// Whether the upstream connection had served a request before.
pub(crate) const REUSED: &str = "mw_reused";
/// The mask of the response flags.
pub(crate) const FLAGS: &str = "mw_flags_mask";
/// The code details with underscores for spaces.
pub(crate) const DETAILS_BEGIN: &str = "mw_details_begin";
/// Why the upstream stream ended before the response; empty where it did not, or for a reason that is not known.
pub(crate) const RESET_BEFORE: &str = "mw_reset_before";
/// Why it ended after the response had begun.
pub(crate) const RESET_AFTER: &str = "mw_reset_after";
/// The policy that denied; empty where none did.
pub(crate) const DENIED: &str = "mw_denied";
/// The beginning of why Envoy closed the downstream connection; `?` for another reason, empty for none.
pub(crate) const CLOSED: &str = "mw_closed";
/// The codec's fault by its name; empty for none.
pub(crate) const UPSTREAM_CODEC: &str = "mw_upstream_codec";
/// The same of the downstream's.
pub(crate) const DOWNSTREAM_CODEC: &str = "mw_downstream_codec";
/// The verdict that the facts alone give; empty where no condition holds.
pub(crate) const FOUND: &str = "mw_found";
/// Whether anything failed.
pub(crate) const FAILED: &str = "mw_failed";
/// Code and confidence; empty where nothing failed.
pub(crate) const VERDICT: &str = "mw_verdict";
/// Cluster, else host.
pub(crate) const TARGET: &str = "mw_target";
