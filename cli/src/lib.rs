//! Commands, sources and renderers of meshwhy. Judging is `meshwhy-core`'s, reading lines `meshwhy-logs`'s, putting them together `meshwhy-diagnose`'s.
//!
//! Data goes to stdout, everything else to stderr; whoever closes stdout early has what they wanted.

mod args;
mod check_options;
mod commands;
mod completion;
mod failure;
mod follow;
mod input;
mod install_options;
mod interruption;
mod lang;
mod manifests;
mod options;
mod page;
mod paths;
mod probe_options;
mod probe_report;
mod progress;
mod prometheus;
mod proxies;
mod render;
mod search;
mod survey_options;
mod verbosity;
mod way;

pub use meshwhy_report::configuration;
pub use search::{SearchIndex, search_index};

#[cfg(feature = "schemas")]
pub use render::schemas::schemas;

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};
use clap_complete::Shell;

use meshwhy_report::{diagnosis as report, escape};

use crate::failure::{Failure, Outcome};

/// Writes what a release has beside the program into a folder: `man` with a page per command, `completions` with a file per shell.
///
/// # Errors
/// The folder cannot be written.
pub fn write_release_files(folder: &Path) -> std::io::Result<()> {
    let command = args::Cli::command();
    let (man, completions) = (folder.join("man"), folder.join("completions"));
    std::fs::create_dir_all(&man)?;
    std::fs::create_dir_all(&completions)?;
    clap_mangen::generate_to(command.clone(), man)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell] {
        clap_complete::generate_to(shell, &mut command.clone(), "meshwhy", &completions)?;
    }
    Ok(())
}

/// Runs the command line and gives the exit code: 0 nothing wrong, 1 findings, 2 usage, 3 unreadable input, 4 a server that cannot be
/// reached.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some((_, [word, typed @ ..])) = arguments.split_first()
        && word == completion::WORD
    {
        return completion::answer(args::Cli::command(), typed);
    }
    let command = args::named(args::Cli::command(), arguments.first());
    let parsed = command.clone().try_get_matches_from(&arguments).and_then(|matches| args::Cli::from_arg_matches(&matches));
    let outcome = match parsed {
        Ok(cli) => {
            verbosity::start(cli.verbose);
            options::Options::new(cli).and_then(|options| commands::run(options, command))
        }
        Err(error) => Err(Failure::Arguments(error)),
    };
    match outcome {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Ok(Outcome::Unreachable) => ExitCode::from(4),
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => report(failure),
    }
}

fn report(failure: Failure) -> ExitCode {
    let code = failure.exit_code();
    complain(failure);
    ExitCode::from(code)
}

/// Says on standard error what went wrong.
pub(crate) fn complain(failure: Failure) {
    match failure {
        // Clap's help and version are data; it chooses the stream itself.
        Failure::Arguments(error) => drop(error.print()),
        other => {
            let hints = other.hints();
            let message = escape::line(&format!("{:#}", anyhow::Error::new(other)));
            let _ = writeln!(anstream::stderr(), "meshwhy: {message}");
            for hint in hints {
                let _ = writeln!(anstream::stderr(), "{}", escape::line(&hint));
            }
        }
    }
}
