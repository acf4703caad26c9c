//! Opens sources and hands their bytes on.

use std::fs::File;
use std::io::{self, PipeReader, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use meshwhy_packed::{Content, Stream, content, is_log};

use crate::failure::Failure;
use crate::interruption::{self, Interruptible};
use crate::options::{Input, Source};
use crate::paths::{below, is_pattern, matching, unreadable};
use crate::progress::Progress;

/// Calls `take` with the name and the bytes of each source; folders and patterns are all their files, archives all their logs, and what is
/// compressed with gzip or zstd is unpacked on the way. What cannot be read is left out from there on, and returned.
pub(crate) fn for_each(input: Input, mut take: impl FnMut(&str, &mut (dyn Read + Send)) -> io::Result<()>) -> Vec<Failure> {
    let mut failures = Vec::new();
    let sources = match input {
        Input::Text(text) => {
            const NAME: &str = "argument";
            failures.extend(take(NAME, &mut text.as_bytes()).map_err(|source| unreadable(NAME, source)).err());
            return failures;
        }
        Input::Sources(sources) => sources,
    };
    let sources = each_file(sources);
    let progress = Progress::of(sources.iter().flatten().map(size).sum());
    for source in sources.into_iter().take_while(|_| !interruption::happened()) {
        let read = source.and_then(|source| {
            let name = source.name();
            log::info!("reading {name}");
            let read = match source {
                Source::Stdin => stream(&name, io::stdin(), &mut take),
                Source::File(path) => File::open(&path).and_then(|file| stream(&name, progress.of_reading(file), &mut take)),
            };
            read.map_err(|source| unreadable(&name, source))
        });
        failures.extend(read.err());
    }
    failures
}

/// The sources one by one: each file of a folder or a pattern.
pub(crate) fn each_file(sources: Vec<Source>) -> Vec<Result<Source, Failure>> {
    let files = |source| match source {
        Source::Stdin => vec![Ok(Source::Stdin)],
        Source::File(path) => files(&path).into_iter().map(|path| path.map(Source::File)).collect(),
    };
    sources.into_iter().flat_map(files).collect()
}

/// Bytes of a source, as far as they are known.
fn size(source: &Source) -> u64 {
    let file = match source {
        Source::Stdin => None,
        Source::File(path) => path.metadata().ok().filter(std::fs::Metadata::is_file),
    };
    file.map_or(0, |file| file.len())
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

/// Takes what a stream holds, the files of an archive one by one.
fn stream(
    name: &str,
    reader: impl Read + Send + 'static,
    take: &mut impl FnMut(&str, &mut (dyn Read + Send)) -> io::Result<()>,
) -> io::Result<()> {
    let mut archive = match content(Interruptible(reader))? {
        Content::Plain(mut bytes) | Content::Unpacked(mut bytes) => return take(name, &mut bytes),
        Content::Archive(archive) => archive,
    };
    log::debug!("{name} is an archive");
    let (sender, members) = sync_channel(0);
    thread::scope(|scope| {
        scope.spawn(move || {
            if let Err(error) = unpack(&mut archive, &sender) {
                // Nobody receives any more where reading failed on the other side.
                drop(sender.send(Err(error)));
            }
        });
        for member in members {
            let (path, bytes): Member = member?;
            let name = format!("{name}:{}", path.display());
            log::info!("reading {name}");
            match content(bytes)? {
                Content::Plain(mut bytes) | Content::Unpacked(mut bytes) => take(&name, &mut bytes)?,
                Content::Archive(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, "an archive in an archive")),
            }
        }
        Ok(())
    })
}

/// A log of an archive.
type Member = (PathBuf, PipeReader);

/// Hands on the logs of an archive one by one: its members cannot leave the thread that they are read on, a pipe can.
fn unpack(archive: &mut tar::Archive<Stream>, sender: &SyncSender<io::Result<Member>>) -> io::Result<()> {
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        if entry.header().entry_type().is_file() && is_log(&path) {
            let (reader, mut writer) = io::pipe()?;
            sender.send(Ok((path, reader))).map_err(|_| io::ErrorKind::BrokenPipe)?;
            io::copy(&mut entry, &mut writer)?;
        } else {
            log::debug!("left out of the archive, since it is no log: {}", path.display());
        }
    }
    Ok(())
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
