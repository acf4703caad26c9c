//! `meshwhy __complete WORD…`: what the last word may become, as kubectl asks its plugins.
//!
//! kubectl runs `kubectl_complete-meshwhy WORD…` and reads one completion per line, behind a tab what it is, and in the last line `:` and
//! a number. The words may be anything, `--lang` and `--help` among them, so that clap does not read them.
//!
//! Source: kubectl `plugin_completion.go`, 1.34; Cobra `ShellCompDirective`, 1.10.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Command;
use clap_complete::engine::complete;

use crate::escape;

/// The word that asks for it.
pub(crate) const WORD: &str = "__complete";

/// No space is added behind the only completion.
const NO_SPACE: u8 = 2;
/// The shell completes no file by itself.
const NO_FILES: u8 = 4;

/// Writes the completions of the last word; nothing else is written, since a shell is at work.
pub(crate) fn answer(command: Command, typed: &[OsString]) -> ExitCode {
    let written = write(&mut io::stdout().lock(), command, typed);
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn write(out: &mut dyn Write, mut command: Command, typed: &[OsString]) -> io::Result<()> {
    let words: Vec<OsString> = std::iter::once("meshwhy".into()).chain(typed.iter().cloned()).collect();
    let last = words.len().saturating_sub(1);
    let folder = std::env::current_dir().ok();
    let candidates = if typed.is_empty() { Vec::new() } else { complete(&mut command, words, last, folder.as_deref())? };
    let mut directive = NO_FILES;
    for candidate in candidates.iter().filter(|candidate| !candidate.is_hide_set()) {
        let value = candidate.get_value().to_string_lossy();
        if value.ends_with(['/', '=']) {
            directive |= NO_SPACE;
        }
        match candidate.get_help() {
            Some(help) => {
                let help = help.to_string();
                writeln!(out, "{}\t{}", escape::line(&value), escape::line(help.lines().next().unwrap_or_default()))?;
            }
            None => writeln!(out, "{}", escape::line(&value))?,
        }
    }
    writeln!(out, ":{directive}")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn completed(typed: &[&str]) -> (Vec<String>, String) {
        let (mut out, typed) = (Vec::new(), typed.iter().map(OsString::from).collect::<Vec<_>>());
        write(&mut out, crate::args::Cli::command(), &typed).unwrap();
        let text = String::from_utf8(out).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        let directive = lines.pop().unwrap().to_owned();
        (lines.iter().map(|line| line.split('\t').next().unwrap().to_owned()).collect(), directive)
    }

    #[test]
    fn commands_flags_and_values() {
        for (typed, expected) in [
            (&["diag"] as &[&str], &["diagnose"] as &[&str]),
            (&["diagnose", "--fo"], &["--follow", "--format"]),
            (&["diagnose", "--format", "js"], &["json", "jsonl"]),
            (&["probe", "http://cart/", "--http1"], &["--http1.0", "--http1.1"]),
            (&["config", "ch"], &["check"]),
            (&["--lan"], &["--lang"]),
            (&["--lang", "z"], &["zh"]),
        ] {
            assert_eq!(
                completed(typed),
                (expected.iter().map(|word| (*word).to_owned()).collect(), ":4".to_owned()),
                "{typed:?}"
            );
        }
    }

    #[test]
    fn nothing_typed_is_no_failure() {
        assert_eq!(completed(&[]), (Vec::new(), ":4".to_owned()));
        assert!(completed(&[""]).0.iter().any(|word| word == "explain"));
        assert!(completed(&["no-such-command", "--x"]).0.is_empty());
    }
}
