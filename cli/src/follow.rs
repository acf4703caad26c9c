//! Sources that grow: what is added to them is read as it comes, until Ctrl-C.

use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use meshwhy_logs::MAX_LINE;
use same_file::Handle;

use meshwhy_packed::{Content, content};

use crate::failure::Failure;
use crate::input::each_file;
use crate::interruption;
use crate::options::Source;
use crate::paths::unreadable;

/// How often a file is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How often what was read is shown.
const SHOW: Duration = Duration::from_secs(1);
/// Most bytes that are read at once.
const PIECE: usize = 1 << 20;
/// How many pieces wait at most.
const WAITING: usize = 16;

/// What came of the sources.
pub(crate) enum Arrival {
    /// Whole lines of one, by its number, or why there are no more of them.
    Lines(usize, Result<Vec<u8>, Failure>),
    /// Nothing yet.
    Nothing,
    /// Nothing comes any more.
    End,
}

/// Calls `take` with what arrives, and `show` every second in which something did. Ends with Ctrl-C, or once nothing can arrive any more.
/// Gives what could not be read.
pub(crate) fn arriving(
    mut next: impl FnMut(Duration) -> Arrival,
    mut take: impl FnMut(usize, &[u8]) -> Result<(), Failure>,
    mut show: impl FnMut() -> io::Result<()>,
) -> Vec<Failure> {
    let mut failures = Vec::new();
    let mut take = |source, lines: Result<Vec<u8>, Failure>| {
        failures.extend(lines.and_then(|lines| take(source, &lines)).err());
    };
    let (mut shown, mut is_new) = (Instant::now(), false);
    while !interruption::happened() {
        match next(LOOK) {
            Arrival::Lines(source, lines) => {
                take(source, lines);
                is_new = true;
            }
            Arrival::Nothing => {}
            Arrival::End => break,
        }
        if is_new && shown.elapsed() >= SHOW {
            if show().is_err() {
                break;
            }
            (shown, is_new) = (Instant::now(), false);
        }
    }
    // What was on its way when Ctrl-C came; whoever still writes is not waited for.
    let until = Instant::now() + 2 * LOOK;
    while let Arrival::Lines(source, lines) = next(until.saturating_duration_since(Instant::now())) {
        take(source, lines);
    }
    failures
}

/// Whole lines of a source, or why there are no more of them.
type Piece = (usize, io::Result<Vec<u8>>);

/// Calls `take` with the number and the name of a file and what was added to it, and `show` as [`arriving`] does; the last line counts
/// whether it has an end or not.
pub(crate) fn follow(
    sources: Vec<Source>,
    mut take: impl FnMut(usize, &str, &[u8]) -> io::Result<()>,
    show: impl FnMut() -> io::Result<()>,
) -> (Vec<String>, Vec<Failure>) {
    let (mut names, mut failures) = (Vec::new(), Vec::new());
    let pieces = start(sources, &mut names, &mut failures);
    let name = |source: usize| names.get(source).map_or("", String::as_str);
    let next = |wait| match pieces.recv_timeout(wait) {
        Ok((source, lines)) => Arrival::Lines(source, lines.map_err(|error| unreadable(name(source), error))),
        Err(RecvTimeoutError::Timeout) => Arrival::Nothing,
        Err(RecvTimeoutError::Disconnected) => Arrival::End,
    };
    let take = |source: usize, lines: &[u8]| take(source, name(source), lines).map_err(|error| unreadable(name(source), error));
    failures.extend(arriving(next, take, show));
    (names, failures)
}

/// Reads each source on a thread of its own.
fn start(sources: Vec<Source>, names: &mut Vec<String>, failures: &mut Vec<Failure>) -> Receiver<Piece> {
    let (sender, pieces) = sync_channel(WAITING);
    for source in each_file(sources) {
        let source = match source {
            Ok(source) => source,
            Err(failure) => {
                failures.push(failure);
                continue;
            }
        };
        let mut lines = Lines { source: names.len(), sender: sender.clone(), rest: Vec::new() };
        names.push(source.name());
        thread::spawn(move || {
            let ended = match source {
                Source::Stdin => lines.read(&mut io::stdin()),
                Source::File(path) => file(&path, &mut lines),
            };
            match ended {
                Ok(()) => lines.end(),
                Err(error) => drop(lines.sender.send((lines.source, Err(error)))),
            }
        });
    }
    pieces
}

/// Reads a file and what is added to it, and the file that takes its place.
fn file(path: &Path, lines: &mut Lines) -> io::Result<()> {
    if !matches!(content(File::open(path)?)?, Content::Plain(_)) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "what is compressed, or an archive, cannot be followed"));
    }
    let mut open = Handle::from_path(path)?;
    while !interruption::happened() {
        lines.read(open.as_file_mut())?;
        // Between a log that is rotated away and the next one there may be none.
        if let Ok(now) = Handle::from_path(path) {
            if now != open {
                lines.end();
                open = now;
                continue;
            }
            if now.as_file().metadata()?.len() < open.as_file_mut().stream_position()? {
                lines.end();
                open.as_file_mut().rewind()?;
                continue;
            }
        }
        thread::sleep(LOOK);
    }
    Ok(())
}

/// The lines of a source on their way.
struct Lines {
    source: usize,
    sender: SyncSender<Piece>,
    /// The beginning of a line.
    rest: Vec<u8>,
}

impl Lines {
    /// Sends whole lines up to the end of what is there.
    fn read(&mut self, reader: &mut impl Read) -> io::Result<()> {
        loop {
            let begun = self.rest.len();
            self.rest.resize(begun + PIECE, 0);
            let read = reader.read(self.rest.get_mut(begun..).unwrap_or_default());
            self.rest.truncate(begun + read.as_ref().copied().unwrap_or_default());
            match read {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            match memchr::memrchr(b'\n', &self.rest) {
                Some(end) => {
                    let behind = self.rest.split_off(end + 1);
                    self.send(behind);
                }
                // Nobody reads so long a line: that it is one is all that is kept.
                None => self.rest.truncate(MAX_LINE + 1),
            }
        }
    }

    /// Sends a last line that has no end.
    fn end(&mut self) {
        if !self.rest.is_empty() {
            self.send(Vec::new());
        }
    }

    /// Sends what there is, and begins anew with what is behind it. Where nobody takes it any more, the program ends.
    fn send(&mut self, behind: Vec<u8>) {
        drop(self.sender.send((self.source, Ok(std::mem::replace(&mut self.rest, behind)))));
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::fs;
    use std::io::Write;

    use super::*;

    /// What is read of a file to which something happens each time that all of it was read.
    fn read(path: &Path, happens: &[&dyn Fn(&Path)]) -> Vec<String> {
        let (lines, step) = (RefCell::new(Vec::new()), RefCell::new(happens.iter()));
        let take = |_: usize, _: &str, piece: &[u8]| {
            lines.borrow_mut().push(String::from_utf8_lossy(piece).into_owned());
            Ok(())
        };
        let show = || match step.borrow_mut().next() {
            Some(happens) => {
                happens(path);
                Ok(())
            }
            None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        let (names, failures) = follow(vec![Source::File(path.to_owned())], take, show);
        assert_eq!((names, failures.len()), (vec![path.display().to_string()], 0));
        lines.into_inner()
    }

    #[test]
    fn whole_lines_are_read_as_they_come_and_a_log_that_begins_anew_is_read_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        fs::write(&path, "one\ntw").unwrap();
        let append = |text: &'static str| {
            move |path: &Path| fs::OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap()
        };
        let anew = |path: &Path| fs::write(path, "new\n").unwrap();
        assert_eq!(read(&path, &[&append("o\nthree\n"), &anew]), ["one\n", "two\nthree\n", "new\n"]);
    }

    #[test]
    fn a_rotated_log_is_read_to_its_end_and_the_next_one_from_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        fs::write(&path, "one\n").unwrap();
        let rotate = |path: &Path| {
            fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"last").unwrap();
            fs::rename(path, path.with_extension("1")).unwrap();
            fs::write(path, "longer than the one before\n").unwrap();
        };
        assert_eq!(read(&path, &[&rotate]), ["one\n", "last", "longer than the one before\n"]);
    }

    #[test]
    fn what_is_not_there_or_does_not_grow_is_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let packed = folder.path().join("a.log.gz");
        fs::write(&packed, [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap();
        let sources = [folder.path().join("missing.log"), packed].map(Source::File).to_vec();
        let (_, failures) = follow(sources, |_, _, _| Ok(()), || Ok(()));
        assert_eq!(failures.len(), 2);
    }
}
