//! How entries are found.

use std::ops::Deref;

use super::Entry;

/// All entries of a kind, by code.
#[derive(Debug)]
pub struct Registry<T: 'static>(pub &'static [&'static T]);

impl<T: Deref<Target = Entry>> Registry<T> {
    /// Finds an entry by its code (`MW2001`, any case), its slug, or a slug that it had before.
    ///
    /// # Cost
    /// A binary search for a code; names are compared one by one, and former ones never in the module.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&'static T> {
        let code = || name.bytes().map(|byte| byte.to_ascii_uppercase());
        let by_code = self.binary_search_by(|entry| entry.code.bytes().cmp(code())).ok();
        let found = by_code.or_else(|| self.iter().position(|entry| entry.slug == name));
        #[cfg(feature = "texts")]
        let found = found.or_else(|| self.iter().position(|entry| entry.former_slugs.contains(&name)));
        self.get(found?).copied()
    }
}

impl<T> Deref for Registry<T> {
    type Target = [&'static T];

    fn deref(&self) -> &Self::Target {
        self.0
    }
}
