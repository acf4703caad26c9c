//! Files that stay read: after a change, only what changed is read again.

use rayon::prelude::*;
use self_cell::self_cell;

use meshwhy_core::catalogue::texts::Lang;

use crate::document::{Parsed, parse};
use crate::kustomize;
use crate::report::{CheckReport, CheckRequest, report, with_mesh_of};
use crate::source::Source;

self_cell!(
    /// A file with its documents, which borrow from its text.
    struct ReadFile {
        owner: Source,
        #[covariant]
        dependent: Parsed,
    }
);

/// Files that stay read, by their number.
pub struct KeptFiles {
    files: Vec<ReadFile>,
}

impl KeptFiles {
    /// Reads all files on all cores.
    #[must_use]
    pub fn new(files: Vec<Source>) -> Self {
        let read = |(index, file)| ReadFile::new(file, |file: &Source| parse(number(index), &file.text));
        let mut kept = Self { files: files.into_par_iter().enumerate().map(read).collect() };
        kept.mark();
        kept
    }

    fn mark(&mut self) {
        let marks = kustomize::marks(&self.pairs());
        self.files.iter_mut().zip(marks).for_each(|(file, mark)| file.with_dependent_mut(|_, parsed| parsed.mark = mark));
    }

    fn pairs(&self) -> Vec<(&Source, &Parsed<'_>)> {
        self.files.iter().map(|file| (file.borrow_owner(), file.borrow_dependent())).collect()
    }

    /// A file has another text, or is new; one that is gone has none.
    pub fn put(&mut self, name: &str, text: String) {
        let index = self.files.iter().position(|file| file.borrow_owner().name == name).unwrap_or(self.files.len());
        let source = Source { name: name.to_owned(), text };
        let read = ReadFile::new(source, |file: &Source| parse(number(index), &file.text));
        match self.files.get_mut(index) {
            Some(place) => *place = read,
            None => self.files.push(read),
        }
        self.mark();
    }

    /// All texts.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.files.iter().map(ReadFile::borrow_owner)
    }

    /// Checks what is there now.
    #[must_use]
    pub fn check(&self, request: &CheckRequest, lang: Lang) -> CheckReport {
        with_mesh_of(&self.pairs(), request.mesh_config.as_ref(), &request.settings, |mesh, sources| {
            report(mesh, sources, request, lang)
        })
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
