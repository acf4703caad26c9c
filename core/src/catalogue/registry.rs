//! How entries are found.

use std::cmp::Ordering;
use std::ops::Deref;

use super::Entry;

/// All entries of a kind. It reads like the slice of them, by code.
#[derive(Debug)]
pub struct Registry<T: 'static> {
    by_code: &'static [&'static T],
    by_slug: &'static [&'static T],
}

impl<T> Registry<T> {
    /// A registry of the same entries, sorted by code and by slug.
    #[must_use]
    pub const fn new(by_code: &'static [&'static T], by_slug: &'static [&'static T]) -> Self {
        Self { by_code, by_slug }
    }
}

impl<T: Deref<Target = Entry>> Registry<T> {
    /// Finds an entry by its code (`MW2001`, any case), its slug, or a slug that it had before.
    ///
    /// # Cost
    /// Two binary searches; former slugs are tried last, and never in the module.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&'static T> {
        let code = || name.bytes().map(|byte| byte.to_ascii_uppercase());
        let found = search(self.by_code, |entry| entry.code.bytes().cmp(code()));
        let found = found.or_else(|| search(self.by_slug, |entry| entry.slug.cmp(name)));
        #[cfg(feature = "texts")]
        let found = found.or_else(|| self.by_code.iter().copied().find(|entry| entry.former_slugs.contains(&name)));
        found
    }

    /// The entries by slug.
    #[must_use]
    pub const fn by_slug(&self) -> &'static [&'static T] {
        self.by_slug
    }
}

impl<T> Deref for Registry<T> {
    type Target = [&'static T];

    fn deref(&self) -> &Self::Target {
        self.by_code
    }
}

fn search<T>(sorted: &[&'static T], order: impl Fn(&T) -> Ordering) -> Option<&'static T> {
    sorted.binary_search_by(|entry| order(entry)).ok().and_then(|at| sorted.get(at)).copied()
}
