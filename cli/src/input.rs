//! Opens sources and hands their bytes on.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::failure::Failure;
use crate::options::{Input, Source};
use crate::paths::{below, is_pattern, matching, unreadable};

/// Calls `take` with a reader and the number of each source; folders and patterns are all their files, and what is compressed with gzip is
/// unpacked on the way. What cannot be read is left out from there on, and returned.
pub(crate) fn for_each(input: Input, mut take: impl FnMut(u32, &mut (dyn Read + Send)) -> io::Result<()>) -> Vec<Failure> {
    let sources = match input {
        Input::Text(text) => {
            return take(0, &mut text.as_bytes()).map_err(|source| unreadable("argument", source)).err().into_iter().collect();
        }
        Input::Sources(sources) => sources,
    };
    let mut failures = Vec::new();
    let mut number = 0;
    for source in sources {
        let paths = match source {
            Source::Stdin => {
                let read = take(number, &mut io::stdin());
                failures.extend(read.map_err(|source| unreadable("standard input", source)).err());
                number += 1;
                continue;
            }
            Source::File(path) => files(&path),
        };
        for path in paths {
            let read = path.and_then(|path| {
                let name = path.display().to_string();
                open(&path).and_then(|mut reader| take(number, &mut reader)).map_err(|source| unreadable(&name, source))
            });
            failures.extend(read.err());
            number += 1;
        }
    }
    failures
}

/// The files of a path.
fn files(path: &Path) -> Vec<Result<PathBuf, Failure>> {
    if path.is_dir() {
        return below(path).collect();
    }
    if !is_pattern(path) {
        return vec![Ok(path.to_owned())];
    }
    match matching(path) {
        Ok(paths) => paths.iter().flat_map(|path| files(path)).collect(),
        Err(failure) => vec![Err(failure)],
    }
}

fn open(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    let mut file = File::open(path)?;
    let mut begin = Vec::new();
    (&mut file).take(2).read_to_end(&mut begin)?;
    let is_gzip = begin == [0x1f, 0x8b];
    let whole = Cursor::new(begin).chain(file);
    Ok(if is_gzip { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) })
}

/// All bytes of the input, at most `limit`.
///
/// # Errors
/// [`Failure::Input`], also when there are more.
pub(crate) fn bytes(input: Input, limit: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let failures = for_each(input, |_, reader| {
        reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= limit);
        if fits { Ok(()) } else { Err(io::Error::new(io::ErrorKind::FileTooLarge, "too large for a configuration")) }
    });
    failures.into_iter().next().map_or(Ok(bytes), Err)
}
