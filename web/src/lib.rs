//! meshwhy in the browser: bytes of whatever was pasted or dropped in, the HTML of what is to be said of it out.
//!
//! Everything but [`entry`] runs natively as well, and is tested there. Nothing here speaks to a network; there is none to speak to.

mod answer;
#[cfg(target_arch = "wasm32")]
mod entry;
mod kind;
mod material;

pub use answer::explain;
pub use material::Input;
