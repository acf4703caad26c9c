//! `meshwhy check --watch`: files stay read, and what changes is read again.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use meshwhy_check::kept::KeptFiles;
use meshwhy_check::source::{Source, Sources};
use meshwhy_core::Lang;
use meshwhy_packed::is_manifest;
use notify::{Event, RecursiveMode, Watcher as _};

use super::answer;
use crate::check_options::CheckOptions;
use crate::failure::{Failure, Outcome};

/// How long changes are waited for that belong together: an editor writes a file in several steps. The files are checked meanwhile, and
/// again if another change comes.
const TOGETHER: Duration = Duration::from_millis(10);

/// Checks, and checks again whenever a file changes, until the output is closed.
///
/// # Errors
/// The paths cannot be watched, or the output cannot be written.
pub(super) fn run(out: &mut dyn Write, sources: Vec<Source>, options: &CheckOptions, lang: Lang) -> Result<Outcome, Failure> {
    let (sender, changes) = channel();
    let mut watcher = notify::recommended_watcher(sender).map_err(refused)?;
    for path in &options.paths {
        watcher.watch(path, RecursiveMode::Recursive).map_err(refused)?;
    }
    let roots: Vec<(PathBuf, &PathBuf)> =
        options.paths.iter().filter_map(|path| Some((path.canonicalize().ok()?, path))).collect();
    let mut files = KeptFiles::new(sources);
    let mut until = Instant::now();
    loop {
        let report = files.check(&options.request, lang);
        let mut changed = taken(&changes, until);
        if changed.is_empty() {
            let sources = Sources::new(files.sources().chain(&options.request.mesh_config));
            answer(out, &report, &sources, options, lang)?;
            out.flush()?;
            while changed.is_empty() {
                let Ok(event) = changes.recv() else { return Ok(Outcome::Clean) };
                changed = paths(event);
            }
        }
        until = Instant::now() + TOGETHER;
        changed.extend(changes.try_iter().flat_map(paths));
        for path in changed {
            let Some(name) = name_of(&path, &roots) else { continue };
            let is_known = files.sources().any(|file| file.name == name);
            if is_known || is_manifest(&path) {
                files.put(&name, fs::read_to_string(&path).unwrap_or_default());
            }
        }
    }
}

/// The paths that change up to a time.
fn taken(changes: &Receiver<notify::Result<Event>>, until: Instant) -> BTreeSet<PathBuf> {
    let mut changed = BTreeSet::new();
    while let Ok(event) = changes.recv_timeout(until.saturating_duration_since(Instant::now())) {
        changed.extend(paths(event));
    }
    changed
}

/// The files that an event says have changed.
fn paths(event: notify::Result<Event>) -> BTreeSet<PathBuf> {
    let event = event.ok().filter(|event| !event.kind.is_access());
    event.into_iter().flat_map(|event| event.paths).filter(|path| !path.is_dir()).collect()
}

/// A path as its reader gave it: the system names it from the root.
fn name_of(path: &Path, roots: &[(PathBuf, &PathBuf)]) -> Option<String> {
    let (below, given) = roots.iter().find_map(|(root, given)| Some((path.strip_prefix(root).ok()?, given)))?;
    let named = if below.as_os_str().is_empty() { given.to_path_buf() } else { given.join(below) };
    let is_hidden = below.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'));
    (!is_hidden).then(|| named.display().to_string())
}

fn refused(error: notify::Error) -> Failure {
    Failure::Input { name: "--watch".to_owned(), source: std::io::Error::other(error) }
}
