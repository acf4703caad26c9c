//! The proxy-wasm module: gathers facts about failures, judges them, and writes headers and records.
//!
//! Everything but `entry` is ordinary Rust behind the trait [`host::Host`] and tested natively; `entry` is compiled for
//! wasm32 only: there the SDK of the ecosystem, `proxy-wasm`, enters the module, and the module calls the host by the functions of [`abi`].

pub mod abi;
pub mod annotate;
pub mod config;
pub mod counters;
pub mod details_hints;
pub mod flood;
pub mod gather;
pub mod host;
mod members;
mod mru;
pub mod observer;
pub mod plugin;
pub mod request;
mod verdict_cache;

#[cfg(target_arch = "wasm32")]
mod entry;
#[cfg(all(target_arch = "wasm32", feature = "testing"))]
mod testing;
