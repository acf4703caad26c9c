//! What no well-behaved client or upstream does, to an Envoy with and without meshwhy.
//!
//! An [`Exchange`] is what a client does on one connection, and a [`Transcript`] what it got to see, less what differs between any two
//! runs; both are for sessions with these [`listeners`].

pub mod corpus;
mod exchange;
pub mod load;

use anyhow::Result;
use serde_json::{Value, json};

pub use exchange::{Comparison, Exchange, Transcript};

use crate::deployment::{Deployment, Setup};
use crate::merge::overlay;
use crate::scenario::Scenario;

/// The listeners that the corpus is written for: one that takes much, one with the defaults, one for CONNECT.
///
/// # Errors
/// None that a caller can cause.
pub fn listeners() -> Result<[Scenario; 3]> {
    Ok([
        Scenario::parse("generous", include_str!("generous.yaml"))?,
        Scenario::parse("strict", include_str!("strict.yaml"))?,
        Scenario::parse("connect", include_str!("connect.yaml"))?,
    ])
}

/// The one that takes much, with these routes instead.
///
/// # Errors
/// None that a caller can cause.
pub fn listener(routes: Value) -> Result<[Scenario; 1]> {
    let [mut generous, ..] = listeners()?;
    overlay(&mut generous.virtual_host, &json!({"routes": routes}));
    Ok([generous])
}

/// Every record written, and what is gRPC in the access log.
pub fn setup(deployment: Option<Deployment>) -> Setup {
    let wishes = json!({"records_per_interval": 1000, "interval_ms": 1000});
    Setup { wishes, adjust: Some(log_grpc), ..Setup::new(deployment) }
}

fn log_grpc(value: &mut Value) {
    if let Some(format) = value.get_mut("json_format").filter(|format| format.get("response_code_details").is_some()) {
        overlay(format, &json!({"grpc_status": "%GRPC_STATUS_NUMBER%", "content_type": "%RESP(CONTENT-TYPE)%"}));
    }
}
