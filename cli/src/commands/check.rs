//! `meshwhy check`.

mod watch;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, IsTerminal as _, Write};
use std::path::PathBuf;

use meshwhy_check::edit::{Edit, apply};
use meshwhy_check::report::{CheckReport, check};
use meshwhy_check::source::{Source, Sources};
use meshwhy_core::Lang;
use similar::TextDiff;

use super::{all_but_last, live};
use crate::check_options::{CheckOptions, Edits};
use crate::escape;
use crate::failure::{Failure, Outcome};
use crate::manifests::Manifests;
use crate::render::check::{Answer, write};

/// Reads, checks, says, and with `--diff` or `--fix` edits.
///
/// # Errors
/// Something cannot be read or written, or there is nothing to check.
pub(super) fn run(out: &mut dyn Write, options: CheckOptions, lang: Lang) -> Result<Outcome, Failure> {
    let (mut sources, files, failures) = match &options.live {
        Some(live) => {
            let (sources, failures) = live::objects(live, lang)?;
            (sources, Vec::new(), failures)
        }
        None => {
            let Manifests { sources, files, .. } = Manifests::read(&options.paths)?;
            (sources, files, Vec::new())
        }
    };
    if options.watches {
        return watch::run(out, sources, &options, lang);
    }
    let report = check(&sources, &options.request, lang);
    if report.resources == 0 && report.findings.is_empty() {
        return all_but_last(failures).and(Err(Failure::NothingToCheck(lang)));
    }
    let edited = edited(&report, &sources);
    match options.edits {
        Edits::Shown => diff(out, &sources, &edited)?,
        Edits::Mentioned => show(out, &report, &sources, &options, lang)?,
        Edits::Asked | Edits::Made => {
            show(out, &report, &sources, &options, lang)?;
            out.flush()?;
            let (edited, elsewhere): (BTreeMap<_, _>, BTreeMap<_, _>) =
                edited.into_iter().partition(|(index, _)| files.get(*index).is_some_and(Option::is_some));
            for source in elsewhere.keys().filter_map(|index| sources.get(*index)) {
                writeln!(anstream::stderr(), "meshwhy: {}", not_edited(&source.name, lang))?;
            }
            if !edited.is_empty() && (options.edits == Edits::Made || agreed(&sources, &edited, lang)?) {
                make(&files, &edited)?;
                for (index, text) in edited {
                    sources.get_mut(index).into_iter().for_each(|source| source.text.clone_from(&text));
                }
                return Ok(outcome(&check(&sources, &options.request, lang), &options));
            }
        }
    }
    all_but_last(failures)?;
    Ok(outcome(&report, &options))
}

fn outcome(report: &CheckReport, options: &CheckOptions) -> Outcome {
    if report.worst().is_some_and(|worst| worst >= options.threshold) { Outcome::Findings } else { Outcome::Clean }
}

fn show(out: &mut dyn Write, report: &CheckReport, sources: &[Source], options: &CheckOptions, lang: Lang) -> io::Result<()> {
    let sources = Sources::new(sources.iter().chain(&options.request.mesh_config));
    answer(out, report, &sources, options, lang)
}

fn answer(
    out: &mut dyn Write,
    report: &CheckReport,
    sources: &Sources<'_>,
    options: &CheckOptions,
    lang: Lang,
) -> io::Result<()> {
    let answer = Answer { report, sources, lang, is_verbose: options.is_verbose };
    write(out, &answer, options.format)
}

/// The new text of each file that has an edit, by its index.
fn edited(report: &CheckReport, sources: &[Source]) -> BTreeMap<usize, String> {
    let mut edits: BTreeMap<usize, Vec<Edit>> = BTreeMap::new();
    for edit in report.findings.iter().flat_map(|finding| &finding.edits) {
        edits.entry(edit.place.file as usize).or_default().push(edit.clone());
    }
    let new = |(file, edits): (usize, Vec<Edit>)| Some((file, apply(&sources.get(file)?.text, &edits)));
    edits.into_iter().filter_map(new).collect()
}

/// Writes the edits as a unified diff that `patch -p0` and `git apply -p0` take.
fn diff(out: &mut dyn Write, sources: &[Source], edited: &BTreeMap<usize, String>) -> io::Result<()> {
    for (file, new) in edited {
        let Some(source) = sources.get(*file) else { continue };
        let diff = TextDiff::from_lines(source.text.as_str(), new.as_str());
        let name = escape::line(&source.name);
        write!(out, "{}", diff.unified_diff().header(&name, &name))?;
    }
    Ok(())
}

/// Shows the edits and asks whether to make them.
fn agreed(sources: &[Source], edited: &BTreeMap<usize, String>, lang: Lang) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage("--fix asks before it writes; without a terminal say --fix --yes".to_owned()));
    }
    let mut err = anstream::stderr();
    diff(&mut err, sources, edited)?;
    let question = match lang {
        Lang::En => "Make these edits? [y/N] ",
        Lang::Zh => "执行这些修改？[y/N] ",
    };
    write!(err, "{question}")?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Writes the files anew.
fn make(files: &[Option<PathBuf>], edited: &BTreeMap<usize, String>) -> Result<(), Failure> {
    for (index, new) in edited {
        let Some(path) = files.get(*index).and_then(Option::as_ref) else { continue };
        let name = path.display().to_string();
        fs::write(path, new).map_err(|source| Failure::Input { name: name.clone(), source })?;
        writeln!(anstream::stderr(), "meshwhy: {}", escape::line(&name))?;
    }
    Ok(())
}

fn not_edited(name: &str, lang: Lang) -> String {
    let name = escape::line(name);
    match lang {
        Lang::En => format!("{name} is not edited: it is no file of its own, or not wholly UTF-8; --diff shows the edits"),
        Lang::Zh => format!("{name} 不会被修改：它不是独立的文件，或者不全是 UTF-8；用 --diff 查看修改内容"),
    }
}
