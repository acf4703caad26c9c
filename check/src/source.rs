//! The files that were given, by name, and where in them something stands.

use rayon::prelude::*;
use serde::Serialize;

use crate::document::{Parsed, Place, documents, parse_document};
use crate::kustomize;

/// How many documents a core takes at least: a document is read in some microseconds.
const DOCUMENTS_AT_ONCE: usize = 16;

/// A file that was read.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its path, or what a reader calls it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A position for people and editors: lines and columns from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

/// Files with the starts of their lines, found when somebody first asks.
#[derive(Debug)]
pub struct Sources<'a> {
    files: Vec<&'a Source>,
    lines: Vec<std::sync::OnceLock<Vec<u32>>>,
}

/// Reads all files, a document at a time on every core; the result is in their order.
#[must_use]
pub fn parse_all(files: &[Source]) -> Vec<Parsed<'_>> {
    let units: Vec<(usize, &str, (usize, usize))> = files
        .iter()
        .enumerate()
        .flat_map(|(index, file)| documents(&file.text).map(move |range| (index, file.text.as_str(), range)))
        .collect();
    let read =
        |(index, text, range): (usize, _, _)| (index, parse_document(u32::try_from(index).unwrap_or(u32::MAX), text, range));
    let read: Vec<(usize, Parsed<'_>)> = units.into_par_iter().with_min_len(DOCUMENTS_AT_ONCE).map(read).collect();
    let mut parsed: Vec<Parsed<'_>> = files.iter().map(|_| Parsed::default()).collect();
    for (index, one) in read {
        if let Some(file) = parsed.get_mut(index) {
            file.documents.extend(one.documents);
            file.faults.extend(one.faults);
        }
    }
    let marks = kustomize::marks(&files.iter().zip(&parsed).collect::<Vec<_>>());
    parsed.iter_mut().zip(marks).for_each(|(file, mark)| file.mark = mark);
    parsed
}

impl<'a> Sources<'a> {
    /// These files.
    pub fn new(files: impl IntoIterator<Item = &'a Source>) -> Self {
        let files: Vec<_> = files.into_iter().collect();
        Self { lines: files.iter().map(|_| std::sync::OnceLock::new()).collect(), files }
    }

    /// All of them.
    #[must_use]
    pub fn files(&self) -> &[&'a Source] {
        &self.files
    }

    /// The file of a place.
    #[must_use]
    pub fn file(&self, place: Place) -> Option<&'a Source> {
        self.files.get(place.file as usize).copied()
    }

    fn starts(&self, file: u32) -> &[u32] {
        let text = self.files.get(file as usize).map_or("", |file| file.text.as_str());
        let find = || {
            let after = memchr::memchr_iter(b'\n', text.as_bytes()).filter_map(|at| u32::try_from(at + 1).ok());
            std::iter::once(0).chain(after).collect()
        };
        self.lines.get(file as usize).map(|lines| lines.get_or_init(find).as_slice()).unwrap_or_default()
    }

    /// The position of a byte of a file.
    #[must_use]
    pub fn position(&self, file: u32, offset: u32) -> Position {
        let starts = self.starts(file);
        let line = starts.partition_point(|start| *start <= offset).max(1);
        let start = starts.get(line - 1).copied().unwrap_or(0);
        let text = self.files.get(file as usize).map_or("", |file| file.text.as_str());
        let before = text.get(start as usize..offset as usize).unwrap_or_default();
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Position { line: narrow(line), column: narrow(before.chars().filter(|letter| *letter != '\u{feff}').count() + 1) }
    }

    /// A line of a file without its end.
    #[must_use]
    pub fn line(&self, file: u32, line: u32) -> &'a str {
        let starts = self.starts(file);
        let text = self.files.get(file as usize).map_or("", |file| file.text.as_str());
        let index = line.saturating_sub(1) as usize;
        let start = starts.get(index).copied().unwrap_or(0) as usize;
        let end = starts.get(index + 1).map_or(text.len(), |next| *next as usize);
        text.get(start..end).unwrap_or_default().trim_end_matches(['\r', '\n'])
    }
}
