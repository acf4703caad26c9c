//! Proxies as a real istiod configures them: a client's sidecar, a gateway, a server's sidecar, in a row.
//!
//! Names, filter chain matches, access logs, HTTP filters and retry policies are those of `config_dump`s of Istio 1.29 with Envoy 1.40, with
//! what Envoy 1.40 alone has. What differs: the listeners stand on ports of 127.0.0.1 that the kernel chooses, so nothing is intercepted;
//! `PassthroughCluster` and `InboundPassthroughCluster` have an endpoint, since there is no original destination; routes and certificates
//! come with the listener instead of through RDS and SDS.

mod chain;
mod cluster;
mod filters;
mod listener;
mod proxy;

pub use chain::{Chain, Entry, Exchange, Hop};
