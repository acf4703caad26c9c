//! The words of Envoy and Istio, each read once into a closed type.

pub(crate) mod closed;
pub mod cluster_name;
pub mod codec;
pub mod control_plane;
pub mod details;
pub mod event;
pub mod flags;
pub mod node_id;
pub(crate) mod spelling;
pub mod trace;
pub mod transport;
