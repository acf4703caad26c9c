//! What was collected, kept: an archive in the layout of `istioctl bug-report`, which every command reads.
//!
//! Source: Istio `tools/bug-report/pkg/archive/archive.go`, 1.29. Reproducible but for what is in it: names are sorted by what they are,
//! owners and times are left out.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::gap::Gap;
use crate::objects::Objects;
use crate::proxies::{ProxyContainer, ProxyKind};
use crate::selection::is_name;

/// The folder in the archive.
const ROOT: &str = "bug-report";

/// An archive that is being filled. Logs wait in a temporary folder beside it until they are whole.
pub struct Bundle {
    archive: tar::Builder<GzEncoder<File>>,
    folder: tempfile::TempDir,
    path: PathBuf,
    logs: Vec<(PathBuf, File)>,
    gaps: String,
}

impl Bundle {
    /// Begins one.
    ///
    /// # Errors
    /// The file is there already, or cannot be written.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = private().write(true).create_new(true).open(path)?;
        let beside = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = tempfile::Builder::new().prefix(".meshwhy-").tempdir_in(beside)?;
        let archive = tar::Builder::new(GzEncoder::new(file, Compression::default()));
        Ok(Self { archive, folder, path: path.to_owned(), logs: Vec::new(), gaps: String::new() })
    }

    /// Adds lines of a container.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn log(&mut self, container: &ProxyContainer, lines: &[u8]) -> io::Result<()> {
        let path = log_path(container);
        if let Some((_, file)) = self.logs.iter_mut().find(|(known, _)| *known == path) {
            return file.write_all(lines);
        }
        let name = self.folder.path().join(self.logs.len().to_string());
        let mut file = private().read(true).write(true).create_new(true).open(name)?;
        file.write_all(lines)?;
        self.logs.push((path, file));
        Ok(())
    }

    /// Adds what was configured.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn objects(&mut self, objects: &Objects) -> io::Result<()> {
        for (file, is_builtin) in [("k8s-resources", true), ("crs", false)] {
            let documents = objects.objects.iter().filter(|object| object.is_builtin == is_builtin);
            let text: String = documents.map(|object| format!("---\n{}\n", object.yaml.trim_end())).collect();
            self.file(&Path::new("cluster").join(file), text.as_bytes())?;
        }
        Ok(())
    }

    /// Adds the events.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn events(&mut self, events: &str) -> io::Result<()> {
        self.file(Path::new("cluster/events"), events.as_bytes())
    }

    /// Adds the states of pods, one JSON object a line.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn statuses(&mut self, lines: &str) -> io::Result<()> {
        self.file(Path::new("cluster/pods.jsonl"), lines.as_bytes())
    }

    /// Adds what a proxy says of itself.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn admin(&mut self, container: &ProxyContainer, file: &str, answer: &[u8]) -> io::Result<()> {
        // An answer that is empty is one: a proxy without clusters.
        self.append(&answer_path(container, file), answer.len() as u64, answer)
    }

    /// Notes what is missing.
    pub fn gap(&mut self, gap: &Gap) {
        self.gaps.push_str(&format!("{}: {}\n", gap.what, gap.reason.text(meshwhy_core::Lang::En)));
    }

    /// Writes the rest.
    ///
    /// # Errors
    /// It cannot be written; the file stays as far as it came.
    pub fn finish(mut self) -> io::Result<PathBuf> {
        for (path, mut file) in std::mem::take(&mut self.logs) {
            file.rewind()?;
            let size = file.metadata()?.len();
            if size > 0 {
                self.append(&path, size, file)?;
            }
        }
        let gaps = std::mem::take(&mut self.gaps);
        self.file(Path::new("not-read"), gaps.as_bytes())?;
        let file = self.archive.into_inner()?.finish()?;
        file.sync_all()?;
        self.folder.close()?;
        Ok(self.path)
    }

    fn file(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() { Ok(()) } else { self.append(path, bytes.len() as u64, bytes) }
    }

    fn append(&mut self, path: &Path, size: u64, content: impl io::Read) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_mode(0o600);
        header.set_entry_type(tar::EntryType::Regular);
        self.archive.append_data(&mut header, Path::new(ROOT).join(path), content)
    }
}

/// Files that nobody else reads: logs have what users sent.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Where an answer of a proxy's admin interface is in an archive.
#[must_use]
pub fn answer_path(container: &ProxyContainer, file: &str) -> PathBuf {
    folder(container).join(file)
}

/// Where the files of a proxy are.
fn folder(container: &ProxyContainer) -> PathBuf {
    let above = if container.kind == ProxyKind::Istiod { "istio" } else { "proxies" };
    Path::new(above).join(segment(&container.namespace)).join(segment(&container.pod))
}

fn log_path(container: &ProxyContainer) -> PathBuf {
    folder(container).join(format!("{}.log", segment(&container.container)))
}

/// A name as a part of a path. A server that is none of Kubernetes' may send any.
fn segment(name: &str) -> &str {
    if is_name(name) && !name.contains("..") { name } else { "unnamed" }
}
