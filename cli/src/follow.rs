//! Sources that grow: what is added to them is read as it comes, until Ctrl-C.

use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::input::files;
use crate::interruption;
use crate::options::{Input, Source};
use crate::paths::unreadable;

/// How often a file is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How often what was read is shown.
const SHOW: Duration = Duration::from_secs(1);
/// Most bytes that are read at once.
const PIECE: usize = 1 << 20;
/// How many pieces wait at most.
const WAITING: usize = 16;

/// Whole lines of a source, or why there are no more of them.
type Piece = (usize, io::Result<Vec<u8>>);

/// Calls `take` with the number and the name of a source and what was added to it, and `show` every second in which something was. Ends with
/// Ctrl-C, or once nothing can be added any more.
pub(crate) fn follow(
    input: Input,
    mut take: impl FnMut(usize, &str, &[u8]) -> io::Result<()>,
    mut show: impl FnMut() -> io::Result<()>,
) -> (Vec<String>, Vec<Failure>) {
    let (mut names, mut failures) = (Vec::new(), Vec::new());
    let pieces = start(input, &mut names, &mut failures);
    let (mut shown, mut is_new) = (Instant::now(), false);
    while !interruption::happened() {
        match pieces.recv_timeout(LOOK) {
            Ok((source, piece)) => {
                let name = names.get(source).map_or("", String::as_str);
                let taken = piece.and_then(|piece| take(source, name, &piece));
                failures.extend(taken.map_err(|error| unreadable(name, error)).err());
                is_new = true;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if is_new && shown.elapsed() >= SHOW {
            if show().is_err() {
                break;
            }
            (shown, is_new) = (Instant::now(), false);
        }
    }
    (names, failures)
}

/// Reads each source on a thread of its own; those of files end with the program.
fn start(input: Input, names: &mut Vec<String>, failures: &mut Vec<Failure>) -> Receiver<Piece> {
    let (sender, pieces) = sync_channel(WAITING);
    let sources = match input {
        Input::Text(_) => Vec::new(),
        Input::Sources(sources) => sources,
    };
    for source in sources {
        let paths = match source {
            Source::Stdin => {
                let (sender, number) = (sender.clone(), names.len());
                names.push("standard input".to_owned());
                thread::spawn(move || send_lines(number, &mut io::stdin(), &sender, &mut Vec::new()));
                continue;
            }
            Source::File(path) => files(&path),
        };
        for path in paths {
            match path {
                Ok(path) => {
                    let (sender, number) = (sender.clone(), names.len());
                    names.push(path.display().to_string());
                    thread::spawn(move || file(number, &path, &sender));
                }
                Err(failure) => failures.push(failure),
            }
        }
    }
    pieces
}

/// Sends a file and what is added to it.
fn file(number: usize, path: &Path, sender: &SyncSender<Piece>) {
    let mut open: Option<File> = None;
    let mut rest = Vec::new();
    let mut was_there = false;
    loop {
        // A log that was truncated, or rotated and begun anew, is shorter than what was read of it.
        let length = path.metadata().map_or(0, |file| file.len());
        let has_shrunk = |mut file: &File| file.stream_position().is_ok_and(|read| length < read);
        if open.as_ref().is_none_or(has_shrunk) {
            rest.clear();
            match File::open(path) {
                Ok(file) => open = Some(file),
                Err(error) if !was_there => return drop(sender.send((number, Err(error)))),
                Err(_) => open = None,
            }
            was_there = true;
        }
        if let Some(file) = &mut open
            && !send_lines(number, file, sender, &mut rest)
        {
            return;
        }
        thread::sleep(LOOK);
    }
}

/// Sends whole lines up to the end of what is there; whether anybody takes them and more may come.
fn send_lines(number: usize, reader: &mut impl Read, sender: &SyncSender<Piece>, rest: &mut Vec<u8>) -> bool {
    loop {
        let begun = rest.len();
        rest.resize(begun + PIECE, 0);
        let read = reader.read(rest.get_mut(begun..).unwrap_or_default());
        rest.truncate(begun + read.as_ref().copied().unwrap_or_default());
        match read {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                drop(sender.send((number, Err(error))));
                return false;
            }
        }
        let Some(end) = memchr::memrchr(b'\n', rest) else { continue };
        let behind = rest.split_off(end + 1);
        if sender.send((number, Ok(std::mem::replace(rest, behind)))).is_err() {
            return false;
        }
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
        let (names, failures) = follow(Input::Sources(vec![Source::File(path.to_owned())]), take, show);
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
    fn a_file_that_is_not_there_is_a_failure() {
        let missing = Path::new("no/such/file.log").to_owned();
        let (_, failures) = follow(Input::Sources(vec![Source::File(missing)]), |_, _, _| Ok(()), || Ok(()));
        assert_eq!(failures.len(), 1);
    }
}
