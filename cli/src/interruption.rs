//! Ctrl-C ends the reading and not the program: what was read until then is told.

use std::io::{self, Read};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

static HAPPENED: AtomicBool = AtomicBool::new(false);

/// What shells call a program that Ctrl-C ended.
const ENDED: i32 = 130;

/// From now on the first Ctrl-C, hang-up or request to end only ends the reading; the second ends the program.
pub(crate) fn ends_reading() {
    // Where another handler is there already, Ctrl-C does what that one does.
    let _ = ctrlc::set_handler(|| {
        if HAPPENED.swap(true, Ordering::Relaxed) {
            process::exit(ENDED);
        }
    });
}

/// Whether the reading was ended.
pub(crate) fn happened() -> bool {
    HAPPENED.load(Ordering::Relaxed)
}

/// A reader that fails once the reading was ended.
pub(crate) struct Interruptible<R>(pub(crate) R);

impl<R: Read> Read for Interruptible<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if happened() { Err(io::Error::other("interrupted; what was read until then counts")) } else { self.0.read(buffer) }
    }
}
