//! Paths as people give them: files, folders, patterns.

use std::io;
use std::path::{Path, PathBuf};

use glob::MatchOptions;
use walkdir::{DirEntry, WalkDir};

use crate::failure::Failure;

/// Whether a path is a pattern, which no file has as its name.
pub(crate) fn is_pattern(path: &Path) -> bool {
    !path.exists() && path.to_string_lossy().contains(['*', '?', '['])
}

/// The paths that a pattern matches, in the order of their names; hidden ones only where it names them.
///
/// # Errors
/// [`Failure::Usage`] where it is no pattern, [`Failure::Input`] where nothing matches.
pub(crate) fn matching(pattern: &Path) -> Result<Vec<PathBuf>, Failure> {
    let visible = MatchOptions { require_literal_leading_dot: true, ..MatchOptions::new() };
    let pattern = pattern.to_string_lossy();
    let paths = glob::glob_with(&pattern, visible).map_err(|error| Failure::Usage(format!("{pattern}: {error}")))?;
    let paths: Vec<PathBuf> = paths.filter_map(Result::ok).collect();
    if paths.is_empty() {
        return Err(unreadable(&pattern, io::Error::new(io::ErrorKind::NotFound, "no file matches")));
    }
    Ok(paths)
}

/// All files below a folder, in the order of their names; hidden files and folders are left out.
pub(crate) fn below(folder: &Path) -> impl Iterator<Item = Result<PathBuf, Failure>> {
    let is_visible = |entry: &DirEntry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.');
    let name = folder.display().to_string();
    let entries = WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(is_visible);
    entries.filter(|entry| entry.as_ref().map_or(true, |entry| entry.file_type().is_file())).map(move |entry| {
        let entry = entry.map_err(|error| unreadable(&name, error.into()))?;
        Ok(entry.into_path())
    })
}

/// That a path, or what else is called so, cannot be read.
pub(crate) fn unreadable(name: &str, source: io::Error) -> Failure {
    Failure::Input { name: name.to_owned(), source }
}
