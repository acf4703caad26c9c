//! Where a request would go in a proxy: listener, filter chain, route table, virtual host, route, cluster, endpoints.

pub mod authority;
pub mod chain;
pub mod destination;
pub mod listener;
mod logged;
mod overrides;
mod path;
mod policies;
mod prose;
pub mod report;
mod reported;
mod request;
mod table;
mod walk;

pub use self::authority::DomainMiss;
pub use self::listener::Side;
pub use self::logged::{Agreement, FailureReport, explain as explain_failure};
pub use self::path::{Normalized, normalized};
pub(crate) use self::prose::resource;
pub use self::report::RouteReport;
pub use self::request::{Peer, RepeatedHeaders, Request};
pub use self::table::{
    NearHost, RouteChecks, RouteChoice, TableAnswer, VirtualHostChoice, answer as answer_of_table, nearest_hosts, nearest_routes,
};
pub use self::walk::{Question, route};
