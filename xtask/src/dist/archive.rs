//! Archives of which every byte follows from what is in them.

use std::io::{Cursor, Write as _};

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use zip::write::SimpleFileOptions;

/// The first moment that both forms can hold, in seconds: 1980-01-01.
const TIME: u64 = 315_532_800;

/// A file in an archive.
#[derive(Clone)]
pub struct Entry {
    path: String,
    mode: u32,
    bytes: Vec<u8>,
}

impl Entry {
    /// A file to read.
    pub fn file(path: &str, bytes: Vec<u8>) -> Self {
        Self { path: path.to_owned(), mode: 0o644, bytes }
    }

    /// A file to run.
    pub fn program(path: &str, bytes: Vec<u8>) -> Self {
        Self { mode: 0o755, ..Self::file(path, bytes) }
    }

    /// The same in a folder.
    pub fn within(&self, folder: &str) -> Self {
        Self { path: format!("{folder}/{}", self.path), ..self.clone() }
    }
}

/// A compressed tape archive.
///
/// # Errors
/// A path is too long.
pub fn tar_gz(entries: &[Entry]) -> Result<Vec<u8>> {
    let gz = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    let mut tar = tar::Builder::new(gz);
    for entry in sorted(entries) {
        let mut header = tar::Header::new_ustar();
        header.set_size(entry.bytes.len() as u64);
        header.set_mode(entry.mode);
        header.set_mtime(TIME);
        header.set_uid(0);
        header.set_gid(0);
        tar.append_data(&mut header, &entry.path, entry.bytes.as_slice()).with_context(|| entry.path.clone())?;
    }
    Ok(tar.into_inner()?.finish()?)
}

/// A zip file.
///
/// # Errors
/// A path is too long.
pub fn zip(entries: &[Entry]) -> Result<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for entry in sorted(entries) {
        let options = SimpleFileOptions::default().last_modified_time(zip::DateTime::default()).unix_permissions(entry.mode);
        zip.start_file(&entry.path, options).with_context(|| entry.path.clone())?;
        zip.write_all(&entry.bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

fn sorted(entries: &[Entry]) -> Vec<&Entry> {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by(|one, other| one.path.cmp(&other.path));
    sorted
}
