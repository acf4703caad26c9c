//! A real browser, for tests of the page: Chromium without a window, and axe for what people with other means than eyes and a mouse meet.

mod chromium;
mod devtools;

pub use chromium::{Chromium, axe, chromium};
pub use devtools::Tab;
