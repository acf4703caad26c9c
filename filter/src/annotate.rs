//! Who gets the member of a response, and how.

use meshwhy_core::Side;

use crate::config::MemberVisibility;
use crate::gather::{self, PROXY_STATUS};
use crate::host::Host;
use crate::members;

/// What [`RecordScope::Replies`](crate::config::RecordScope::Replies) sets in the filter state of a stream whose failure it will report:
/// `wasm.meshwhy.reported`.
pub const REPORTED: &str = "meshwhy.reported";

/// Where a gateway keeps, for its own access log, the members that it does not send: filter state `wasm.meshwhy.proxy_status`.
pub const WITHHELD: &str = "meshwhy.proxy_status";

/// Who gets the member of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberAudience {
    /// The client that the response goes to.
    Downstream,
    /// This proxy's own access log.
    AccessLog,
    /// Neither.
    Nobody,
}

impl MemberAudience {
    /// As in Linkerd: an application gets it from its own sidecar, and so do peers that have proved who they are.
    pub fn of(host: &impl Host, visibility: MemberVisibility, side: Option<Side>) -> Self {
        match (visibility, side) {
            (MemberVisibility::Mesh, Some(Side::Gateway)) => Self::AccessLog,
            (MemberVisibility::Always, _) | (_, Some(Side::Outbound)) => Self::Downstream,
            (MemberVisibility::Mesh, _) if gather::mtls(host) == Some(true) => Self::Downstream,
            (MemberVisibility::Mesh, _) => Self::Nobody,
        }
    }

    /// Adds the member to the response, or to those that are withheld.
    pub fn deliver(self, host: &impl Host, member: Option<&str>, withheld: &mut Vec<u8>) {
        let Some(member) = member else { return };
        match self {
            Self::Downstream => {
                // Refused outside the response phase only; the record still goes out.
                let _ = host.add_response_header(PROXY_STATUS, member.as_bytes());
            }
            Self::AccessLog => {
                if !withheld.is_empty() {
                    withheld.extend_from_slice(b", ");
                }
                withheld.extend_from_slice(member.as_bytes());
            }
            Self::Nobody => {}
        }
    }
}

/// Takes our members out of the response and gives them. What a host does not let us remove stays as it is.
pub fn withhold(host: &impl Host, arrived: &[u8]) -> Vec<u8> {
    let Some(partition) = members::partition(arrived) else { return Vec::new() };
    if host.remove_response_header(PROXY_STATUS).is_ok() && !partition.others.is_empty() {
        let _ = host.add_response_header(PROXY_STATUS, &partition.others);
    }
    partition.ours
}
