//! What every entry of a catalogue has.

#[cfg(feature = "texts")]
use super::fix::{Confirm, Fix};
#[cfg(feature = "texts")]
use super::texts::Lang;

/// An entry: its names everywhere, and for readers its history, texts and steps.
#[derive(Debug)]
pub struct Entry {
    /// Permanent code; never reused.
    pub code: &'static str,
    /// Kebab-case name; equals the folder's name with `-` for `_`.
    pub slug: &'static str,
    /// Slugs that it had before; they still find it.
    #[cfg(feature = "texts")]
    pub former_slugs: &'static [&'static str],
    /// Version of meshwhy that introduced it.
    #[cfg(feature = "texts")]
    pub since: &'static str,
    /// Whether it is still in use.
    #[cfg(feature = "texts")]
    pub status: Status,
    /// Texts in two languages.
    #[cfg(feature = "texts")]
    pub files: Files,
    /// How to check that it really is this: read-only commands.
    #[cfg(feature = "texts")]
    pub confirm: &'static [Confirm],
    /// What to change.
    #[cfg(feature = "texts")]
    pub fixes: &'static [Fix],
    /// Pages and files that the texts rest on, with versions where they are paths.
    #[cfg(feature = "texts")]
    pub sources: &'static [&'static str],
}

#[cfg(feature = "texts")]
impl Entry {
    /// The name of its folder.
    #[must_use]
    pub fn folder(&self) -> String {
        self.slug.replace('-', "_")
    }

    /// The permanent address of its page on the site of the catalogue.
    #[must_use]
    pub fn address(&self, lang: Lang) -> String {
        address(self.code, lang)
    }
}

/// Where the site of the catalogue is, without a slash at its end: the `homepage` of the workspace's `Cargo.toml`.
#[cfg(feature = "texts")]
pub const SITE: &str = env!("CARGO_PKG_HOMEPAGE");

/// The permanent address of the page of a code.
#[cfg(feature = "texts")]
#[must_use]
pub fn address(code: &str, lang: Lang) -> String {
    match lang {
        Lang::En => format!("{SITE}/{code}"),
        Lang::Zh => format!("{SITE}/zh/{code}"),
    }
}

/// Whether an entry is still in use.
#[cfg(feature = "texts")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is.
    Stable,
    /// It is only explained, for whoever meets its code in old data.
    Retired {
        /// Version of meshwhy since which nothing names it.
        since: &'static str,
        /// Why, in English.
        why: &'static str,
        /// Why, in Chinese.
        why_zh: &'static str,
    },
}

/// The texts of an entry, as written in its folder.
#[cfg(feature = "texts")]
#[derive(Debug, Clone, Copy)]
pub struct Files {
    /// `en.md`.
    pub en: &'static str,
    /// `zh.md`.
    pub zh: &'static str,
}
