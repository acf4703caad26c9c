//! What a diagnosis tells its reader, in both languages, and its HTML. The command line and the web page are made from it.
//!
//! Pure: no files, no terminal, no clock. Whatever came from the input is escaped on its way out.

pub mod columns;
pub mod configuration;
pub mod decoded;
pub mod diagnosis;
pub mod dumps;
pub mod escape;
pub mod html;
mod labels;
pub mod paragraph;
pub mod sparkline;

pub use labels::{Labels, area};
use meshwhy_core::Lang;

/// The name of a language in JSON, HTML and addresses.
#[must_use]
pub const fn lang_tag(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "en",
        Lang::Zh => "zh",
    }
}
