//! The proxy-wasm module: gathers facts about failures, judges them, and writes headers and records.
//!
//! Everything but `entry` is ordinary Rust behind the trait [`host::Host`] and tested natively; `entry` is compiled for
//! wasm32 only and is the one file that touches the host, by the functions and types of [`abi`].

pub mod abi;
pub mod annotate;
pub mod config;
pub mod contexts;
pub mod counters;
pub mod details_hints;
pub mod flood;
pub mod gather;
pub mod host;
mod json;
mod members;
mod mru;
pub mod observer;
pub mod request;
mod verdict_cache;

#[cfg(target_arch = "wasm32")]
mod entry;
#[cfg(all(target_arch = "wasm32", feature = "testing"))]
mod testing;
