//! A short list of what was used lately.

/// Entries of which each that is found moves half the way to the front, so that what is frequent is found at once.
#[derive(Debug)]
pub struct Mru<T>(pub Vec<T>);

impl<T> Default for Mru<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Mru<T> {
    /// The entry that is so.
    pub fn find(&mut self, is: impl Fn(&T) -> bool) -> Option<&mut T> {
        let at = self.0.iter().position(is)?;
        self.0.swap(at, at / 2);
        self.0.get_mut(at / 2)
    }
}
