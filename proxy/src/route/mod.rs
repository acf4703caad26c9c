//! Where a request would go in a proxy: listener, filter chain, route table, virtual host, route, cluster, endpoints.

pub mod authority;
mod path;
mod request;
mod table;

pub use self::authority::DomainMiss;
pub use self::path::{Normalized, normalized};
pub use self::request::{Peer, RepeatedHeaders, Request};
pub use self::table::{
    NearHost, RouteChecks, RouteChoice, TableAnswer, VirtualHostChoice, answer as answer_of_table, nearest_hosts, nearest_routes,
};
