//! Where manifests come from: files, folders, patterns, archives, standard input.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use meshwhy_check::source::Source;
use meshwhy_packed::{Content, Stream, content, is_manifest, is_of_bug_report};

use crate::escape;
use crate::failure::Failure;
use crate::paths::{below, is_pattern, matching, unreadable};
use meshwhy_report::dumps::CLUSTERS;

/// Most bytes of all files together: an archive may unpack to anything.
const MAX_TOTAL: u64 = 2 * 1024 * 1024 * 1024;

/// What was read. What could not be read as it is was said on standard error.
#[derive(Debug, Default)]
pub(crate) struct Manifests {
    pub(crate) sources: Vec<Source>,
    /// For each source its file, where it is one with exactly this text: not an archive's member, and not repaired.
    pub(crate) files: Vec<Option<PathBuf>>,
    /// What proxies know of their endpoints, in the archive of a bug report.
    pub(crate) clusters: Vec<Source>,
    left: u64,
}

impl Manifests {
    /// Reads all paths; without any, standard input.
    ///
    /// # Errors
    /// [`Failure::Input`] for the first path that cannot be read.
    pub(crate) fn read(paths: &[PathBuf]) -> Result<Self, Failure> {
        let mut manifests = Self { left: MAX_TOTAL, ..Self::default() };
        if paths.is_empty() {
            manifests.stdin()?;
        }
        for path in paths {
            match path.to_str() {
                Some("-") => manifests.stdin()?,
                _ if is_pattern(path) => matching(path)?.iter().try_for_each(|path| manifests.path(path))?,
                _ => manifests.path(path)?,
            }
        }
        Ok(manifests)
    }

    /// What archives of `istioctl bug-report` among these files hold beside logs. Nothing of other files; what cannot be read is reported where
    /// the logs are read.
    pub(crate) fn of_bug_reports(paths: &[PathBuf]) -> Self {
        let mut manifests = Self { left: MAX_TOTAL, ..Self::default() };
        for path in paths.iter().filter(|path| path.is_file()) {
            if let Ok(Content::Archive(archive)) = File::open(path).and_then(content) {
                let _ = manifests.archive(&path.display().to_string(), archive, is_of_bug_report);
            }
        }
        manifests
    }

    fn stdin(&mut self) -> Result<(), Failure> {
        self.stream("standard input", io::stdin().lock(), None).map_err(|source| unreadable("standard input", source))
    }

    fn path(&mut self, path: &Path) -> Result<(), Failure> {
        let name = path.display().to_string();
        if path.is_dir() {
            let is_wanted = |path: &Result<PathBuf, Failure>| path.as_ref().map_or(true, |path| is_manifest(path));
            return below(path).filter(is_wanted).try_for_each(|path| self.path(&path?));
        }
        let file = File::open(path).map_err(|source| unreadable(&name, source))?;
        let read = content(file).and_then(|content| match content {
            Content::Archive(archive) => self.archive(&name, archive, |path| is_manifest(path) || is_of_bug_report(path)),
            Content::Unpacked(bytes) => self.stream(&name, bytes, None),
            Content::Plain(bytes) => self.stream(&name, bytes, Some(path)),
        });
        read.map_err(|source| unreadable(&name, source))
    }

    fn archive(&mut self, name: &str, mut archive: tar::Archive<Stream>, is_wanted: impl Fn(&Path) -> bool) -> io::Result<()> {
        for entry in archive.entries()? {
            let mut entry = entry?;
            let path = entry.path()?.into_owned();
            let name_within = format!("{name}:{}", path.display());
            if !entry.header().entry_type().is_file() {
                continue;
            }
            if path.file_name().is_some_and(|file| file == CLUSTERS) {
                let (text, _) = self.text(&name_within, &mut entry)?;
                self.clusters.push(Source { name: name_within, text });
            } else if is_wanted(&path) {
                self.stream(&name_within, &mut entry, None)?;
            } else {
                log::debug!("left out of {name}, since it is no manifest: {}", path.display());
            }
        }
        Ok(())
    }

    fn stream(&mut self, name: &str, reader: impl Read, file: Option<&Path>) -> io::Result<()> {
        let (text, is_as_it_was) = self.text(name, reader)?;
        self.sources.push(Source { name: name.to_owned(), text });
        self.files.push(file.filter(|_| is_as_it_was).map(Path::to_owned));
        Ok(())
    }

    /// A text, and whether it is the file's as it stands.
    fn text(&mut self, name: &str, reader: impl Read) -> io::Result<(String, bool)> {
        log::info!("reading {name}");
        let mut bytes = Vec::new();
        let limit = self.left.min(meshwhy_check::document::MAX_FILE as u64);
        reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if length > limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "more than 2 GiB of manifests"));
        }
        self.left -= length;
        match String::from_utf8(bytes) {
            Ok(text) => Ok((text, true)),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let line = memchr::memchr_iter(b'\n', error.as_bytes().get(..at).unwrap_or_default()).count() + 1;
                let place = escape::line(name);
                writeln!(anstream::stderr(), "meshwhy: {place}:{line}: a byte that is no UTF-8; it is read as U+FFFD")?;
                Ok((String::from_utf8_lossy(error.as_bytes()).into_owned(), false))
            }
        }
    }
}

/// Reads one file.
///
/// # Errors
/// [`Failure::Input`].
pub(crate) fn one(path: &Path) -> Result<Source, Failure> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|source| unreadable(&name, source))?;
    Ok(Source { name, text })
}
