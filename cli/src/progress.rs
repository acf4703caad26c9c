//! How far the reading is, where somebody watches.

use std::io::Read;

use indicatif::{ProgressBar, ProgressStyle};

/// Fewest bytes of files whose reading takes long enough to be watched.
const LARGE: u64 = 256 << 20;
/// A bar, what was read of how much, how fast, and how long the rest takes.
const TEMPLATE: &str = "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}";

/// A bar on standard error; nothing where that is no terminal, and for what is read in a moment.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// The reading of files of so many bytes together.
    pub(crate) fn of(bytes: u64) -> Self {
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(if bytes < LARGE { ProgressBar::hidden() } else { ProgressBar::new(bytes).with_style(style) })
    }

    /// The same bytes, counted as they are read.
    pub(crate) fn of_reading<R: Read + Send + 'static>(&self, reader: R) -> impl Read + Send + 'static + use<R> {
        self.0.wrap_read(reader)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
