//! Reads what is appended to a log file.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A place in a log file; everything after it is new.
#[derive(Clone, Debug)]
pub struct Tail {
    path: PathBuf,
    offset: usize,
}

impl Tail {
    /// Stands at the present end of the file, or at its start if there is none yet.
    pub fn at_end(path: &Path) -> Self {
        let offset = fs::metadata(path).map_or(0, |metadata| usize::try_from(metadata.len()).unwrap_or(usize::MAX));
        Self { path: path.to_path_buf(), offset }
    }

    /// Stands at the start of the file.
    pub fn at_start(path: &Path) -> Self {
        Self { path: path.to_path_buf(), offset: 0 }
    }

    /// The complete lines since.
    pub fn lines(&self) -> Vec<String> {
        self.clone().take_lines()
    }

    /// The complete lines since, which are new no longer.
    pub fn take_lines(&mut self) -> Vec<String> {
        let bytes = fs::read(&self.path).unwrap_or_default();
        let new = bytes.get(self.offset..).unwrap_or_default();
        let complete = new.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.offset += complete;
        String::from_utf8_lossy(new.get(..complete).unwrap_or_default()).lines().map(str::to_owned).collect()
    }
}

/// Asks until the answer is there or the time is over.
pub fn wait_for<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        let answer = ask();
        if answer.is_some() || start.elapsed() >= limit {
            return answer;
        }
        sleep(Duration::from_millis(5));
    }
}
