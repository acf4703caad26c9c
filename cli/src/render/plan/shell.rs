//! A script for `sh`. Names and manifests come from files that anybody may have written: words are quoted, manifests stand in
//! here-documents that end at a line which none of them has, comments hold one line.

use std::borrow::Cow;
use std::io::{self, Write};

use meshwhy_check::plan::{PlannedBatch, PlannedStep, PlannedWait, as_json};

use super::PlanAnswer;
use crate::escape;
use crate::render::Labels;

/// Newer versions of istioctl tell the state of each type only when asked.
const PROXIES: &str = r#"
wait_for_proxies() {
  attempts=0
  while :; do
    sleep 2
    status=$(istioctl proxy-status --verbosity 1 2>/dev/null || istioctl proxy-status)
    case $status in *STALE*) ;; *) return 0 ;; esac
    attempts=$((attempts + 1))
    if [ "$attempts" -ge 60 ]; then
      printf '%s\n' "$status" >&2
      return 1
    fi
  done
}
"#;

pub(super) fn write(out: &mut dyn Write, answer: &PlanAnswer<'_>) -> io::Result<()> {
    let labels = Labels::of(answer.lang);
    let batches = &answer.report.batches;
    writeln!(out, "#!/bin/sh\nset -eu")?;
    if batches.is_empty() {
        return writeln!(out, "# {}", labels.nothing_to_do);
    }
    if batches.iter().flat_map(|batch| &batch.waits).any(is_for_proxies) {
        out.write_all(PROXIES.as_bytes())?;
    }
    for (number, batch) in (1..).zip(batches) {
        writeln!(out, "\n# {} {number}", labels.batch)?;
        batch.why.iter().try_for_each(|why| writeln!(out, "# {}", escape::line(why)))?;
        steps(out, labels, batch)?;
        for wait in &batch.waits {
            if is_for_proxies(wait) {
                writeln!(out, "wait_for_proxies")?;
            } else {
                let words: Vec<Cow<'_, str>> = wait.command.iter().map(|word| quoted(word)).collect();
                writeln!(out, "{}", words.join(" "))?;
            }
        }
    }
    Ok(())
}

fn is_for_proxies(wait: &PlannedWait) -> bool {
    wait.command.first().is_some_and(|word| word == "istioctl")
}

/// Neighbours that are applied to the same namespace share a command.
fn steps(out: &mut dyn Write, labels: &Labels, batch: &PlannedBatch) -> io::Result<()> {
    let alike = |one: &PlannedStep, other: &PlannedStep| {
        one.namespace == other.namespace && one.manifest.is_some() == other.manifest.is_some()
    };
    for steps in batch.steps.chunk_by(alike) {
        for step in steps {
            let between = if step.intermediate { format!(" ({})", labels.intermediate) } else { String::new() };
            let place = escape::line(&format!("{}:{}", step.at.file, step.at.line));
            writeln!(out, "# {} {}{between}  {place}", labels.action(step.action), escape::line(&step.resource))?;
        }
        let namespace = steps.first().map_or("", |step| step.namespace.as_str());
        let namespace =
            if namespace.is_empty() { String::new() } else { format!(" {}", quoted(&format!("--namespace={namespace}"))) };
        let manifests: Vec<String> = steps.iter().filter_map(|step| step.manifest.as_deref()).map(shown).collect();
        if manifests.is_empty() {
            let targets: Vec<Cow<'_, str>> = steps.iter().map(|step| quoted(&step.target)).collect();
            writeln!(out, "kubectl delete --ignore-not-found{namespace} -- {}", targets.join(" "))?;
        } else {
            let text = manifests.join("---\n");
            let end = end_of(&text);
            writeln!(out, "kubectl apply{namespace} -f - <<'{end}'\n{text}{end}")?;
        }
    }
    Ok(())
}

/// A manifest, as JSON where a terminal would obey something in it.
fn shown(manifest: &str) -> String {
    if escape::is_plain(manifest) { manifest.to_owned() } else { escape::json(&as_json(manifest)) }
}

/// A line that a text does not have.
fn end_of(text: &str) -> String {
    let mut end = "EOF".to_owned();
    while text.lines().any(|line| line == end) {
        end.push('_');
    }
    end
}

/// A word as `sh` takes it.
fn quoted(word: &str) -> Cow<'_, str> {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=,:@%+".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_safe) {
        return Cow::Borrowed(word);
    }
    // A terminal would obey these, and no name that Kubernetes takes holds them.
    let word: String =
        word.chars().map(|letter| if escape::is_plain(&letter.to_string()) && letter != '\n' { letter } else { '?' }).collect();
    Cow::Owned(format!("'{}'", word.replace('\'', "'\\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_words() {
        assert_eq!(quoted("deployment.apps/reviews"), "deployment.apps/reviews");
        assert_eq!(quoted("a'; rm -rf / #"), "'a'\\''; rm -rf / #'");
        assert_eq!(quoted("$(x)\n`y`"), "'$(x)?`y`'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_manifest_cannot_end_its_document() {
        assert_eq!(end_of("a\nEOF\nEOF_\n"), "EOF__");
    }
}
