//! Tests that a machine cannot run: noted by the test, listed by whoever started all of them.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::artifacts::target;

/// A directory with a file for each test that was not run.
#[derive(Clone, Debug)]
pub struct NotRun(PathBuf);

impl NotRun {
    /// The one in the build directory.
    pub fn here() -> Self {
        Self(target().join("not-run"))
    }

    /// Notes that a test is not run, why, and how to get what it needs.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn note(&self, test: &str, why: &str, remedy: &str) -> Result<()> {
        fs::create_dir_all(&self.0)?;
        fs::write(self.0.join(test), format!("not run: {test}, since {why}; {remedy}\n"))
            .with_context(|| format!("writing into {}", self.0.display()))
    }

    /// Forgets what was noted.
    ///
    /// # Errors
    /// The directory cannot be removed.
    pub fn clear(&self) -> Result<()> {
        fs::remove_dir_all(&self.0).or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
        Ok(())
    }

    /// Prints what was noted.
    ///
    /// # Errors
    /// Something was, and everything `must_run`.
    pub fn report(&self, must_run: bool) -> Result<()> {
        let mut notes: Vec<String> = fs::read_dir(&self.0)
            .into_iter()
            .flatten()
            .map(|entry| fs::read_to_string(entry?.path()))
            .collect::<Result<_, _>>()?;
        notes.sort();
        eprint!("{}", notes.concat());
        ensure!(notes.is_empty() || !must_run, "tests that were not run: {}", notes.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RunDirectory;

    #[test]
    fn what_was_not_run_fails_where_everything_must_run() {
        let directory = RunDirectory::new("not-run").unwrap();
        let not_run = NotRun(directory.path().join("not-run"));
        not_run.clear().unwrap();
        not_run.report(true).unwrap();
        not_run.note("envoy_on_mars", "there is no rocket", "build one").unwrap();
        let note = fs::read_to_string(directory.path().join("not-run/envoy_on_mars")).unwrap();
        assert_eq!(note, "not run: envoy_on_mars, since there is no rocket; build one\n");
        not_run.report(false).unwrap();
        assert!(not_run.report(true).is_err());
        not_run.clear().unwrap();
        not_run.report(true).unwrap();
    }
}
