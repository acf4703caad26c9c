//! What Envoy's admin interface says.

pub mod clusters;
pub mod config_dump;
mod stats;

pub use self::clusters::{Clusters, Host};
pub use self::config_dump::{ConfigDump, ErrorState, Fault, State};
pub use self::stats::Stats;

/// What the admin interface of one proxy answered, as it came; whatever was not asked for is `None`.
#[derive(Debug, Clone, Copy, Default)]
pub struct AdminData<'a> {
    /// `/config_dump`, better with `?include_eds`.
    pub config_dump: Option<&'a [u8]>,
    /// `/clusters`, as text or with `?format=json`.
    pub clusters: Option<&'a [u8]>,
    /// `/certs`.
    pub certs: Option<&'a [u8]>,
    /// `/stats`, as text.
    pub stats: Option<&'a [u8]>,
    /// `/server_info`.
    pub server_info: Option<&'a [u8]>,
}
