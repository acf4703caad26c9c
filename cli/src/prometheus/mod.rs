//! A mesh of any size without reading a log: what Prometheus has counted, by cause, target and workload.

pub(crate) mod server;
pub(crate) mod survey;
