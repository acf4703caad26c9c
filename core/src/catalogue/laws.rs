//! The laws of every catalogue, for its tests. Each failure says what to do.

use std::collections::BTreeSet;
use std::ops::Deref;

use sha2::{Digest as _, Sha256};
use unicode_width::UnicodeWidthStr as _;

use super::fix::{PatchKind, Step};
use super::slot::pieces;
use super::texts::{Block, Lang};
use super::{Entry, Registry};

/// A law: an entry keeps it, or how it breaks it.
type Law = fn(&Entry) -> Result<(), String>;

/// What every entry keeps.
const LAWS: [Law; 7] =
    [names_no_remedy, has_texts, has_anchors, has_steps, has_sound_templates, is_translation_of_todays_english, has_sources];

const LANGS: [Lang; 2] = [Lang::En, Lang::Zh];
/// What the first line of `zh.md` says of the `en.md` that it was written for.
const TRANSLATION_MARK: &str = "<!-- en: ";
/// The first line of a `zh.md` that nobody has translated yet.
pub const UNTRANSLATED: &str = "<!-- untranslated -->";

/// How the entries of a registry break the laws.
#[must_use]
pub fn broken<T: Deref<Target = Entry>>(registry: &Registry<T>) -> Vec<String> {
    let each = |entry: &&'static T| LAWS.iter().filter_map(|law| Some(format!("{}: {}", entry.slug, law(entry).err()?)));
    let mut broken: Vec<String> = registry.iter().flat_map(each).collect();
    let is_sorted = registry.is_sorted_by(|one, other| one.code < other.code);
    broken.extend((!is_sorted).then(|| "the registry is stale: run `cargo xtask gen`".to_owned()));
    let mut slugs = BTreeSet::new();
    let names = registry.iter().flat_map(|entry| std::iter::once(&entry.slug).chain(entry.former_slugs));
    broken.extend(names.filter(|slug| !slugs.insert(**slug)).map(|slug| format!("{slug}: a name is never used twice")));
    broken
}

/// The entries that nobody has translated yet.
#[must_use]
pub fn untranslated<T: Deref<Target = Entry>>(registry: &Registry<T>) -> Vec<&'static str> {
    registry.iter().filter(|entry| entry.files.zh.starts_with(UNTRANSLATED)).map(|entry| entry.slug).collect()
}

/// The terms of a glossary that stay as they are in Chinese; its rows are English, Chinese, and whether the English word is kept.
pub fn kept_terms(glossary: &str) -> impl Iterator<Item = &str> + Clone {
    glossary.lines().filter_map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let (term, _, kept, end) = (cells.next()?, cells.next()?, cells.next()?, cells.next());
        (kept == "yes" && end.is_none()).then(|| term.trim_matches('`'))
    })
}

/// The text of `zh.md` as a translation of today's `en.md`.
#[must_use]
pub fn blessed(en: &str, zh: &str) -> String {
    let is_marked = zh.starts_with(TRANSLATION_MARK) || zh.starts_with(UNTRANSLATED);
    let body = zh.split_once('\n').filter(|_| is_marked).map_or(zh, |(_, body)| body);
    format!("{TRANSLATION_MARK}{} -->\n{body}", hash(en))
}

/// The first 16 hex digits of the SHA-256.
fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn law(is_kept: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if is_kept { Ok(()) } else { Err(otherwise()) }
}

fn names_no_remedy(entry: &Entry) -> Result<(), String> {
    let remedies = ["set-", "use-", "add-", "fix-", "enable-", "disable-", "increase-", "configure-"];
    law(!remedies.iter().any(|remedy| entry.slug.starts_with(remedy)), || "name the problem, not the remedy".to_owned())
}

fn has_texts(entry: &Entry) -> Result<(), String> {
    LANGS.iter().try_for_each(|lang| {
        let text = entry.text(*lang).map_err(|heading| format!("{lang:?}: heading {heading} is missing or empty"))?;
        let short = text.what.width() <= 80 && !text.what.contains('\n');
        law(short, || format!("{lang:?}: headline over 80 columns: {}", text.what))
    })
}

fn has_anchors(entry: &Entry) -> Result<(), String> {
    let mut expected: Vec<Block> = entry.confirm.iter().map(|confirm| Block::Confirm(confirm.id)).collect();
    expected.extend(entry.fixes.iter().map(|fix| Block::Fix(fix.id)));
    LANGS.iter().try_for_each(|lang| {
        let text = entry.text(*lang)?;
        let blocks = text.why.into_iter().chain(text.confirm).chain(text.fix);
        let mut missing = expected.clone();
        for anchor in blocks.filter(|block| !matches!(block, Block::Prose(_))) {
            let at = missing.iter().position(|expected| *expected == anchor);
            missing.remove(at.ok_or_else(|| format!("{lang:?}: {anchor:?} has no steps, or is there twice"))?);
        }
        law(missing.is_empty(), || format!("{lang:?}: {missing:?} have no anchor"))
    })?;
    law(!entry.files.en.contains("```") && !entry.files.zh.contains("```"), || "commands and YAML are data in mod.rs".to_owned())
}

fn has_steps(entry: &Entry) -> Result<(), String> {
    law(!entry.confirm.is_empty(), || "how can the reader be sure?".to_owned())?;
    law(!entry.fixes.is_empty(), || "what should the reader change?".to_owned())?;
    entry
        .fixes
        .iter()
        .try_for_each(|fix| law(!fix.steps.is_empty() && !fix.verify.is_empty(), || format!("{}: steps and verify", fix.id)))
}

fn has_sound_templates(entry: &Entry) -> Result<(), String> {
    let confirms = entry.confirm.iter().flat_map(|confirm| confirm.steps);
    let fixes = entry.fixes.iter().flat_map(|fix| fix.steps.iter().chain(fix.verify));
    confirms.chain(fixes).try_for_each(|step| {
        let (Step::Command(template) | Step::Patch(_, template)) = step else { return Ok(()) };
        pieces(template).map_err(|name| format!("{{{name}}} is no slot in {template}"))?;
        match step {
            Step::Command(_) => law(!template.replace("'{cluster}'", "").contains("{cluster}"), || {
                format!("put {{cluster}} in single quotes: {template}")
            }),
            Step::Patch(PatchKind::Resource, yaml) => {
                law(yaml.contains("apiVersion:") && yaml.contains("kind:"), || format!("a resource is complete: {yaml}"))
            }
            _ => Ok(()),
        }
    })
}

fn is_translation_of_todays_english(entry: &Entry) -> Result<(), String> {
    let marked = entry.files.zh.strip_prefix(TRANSLATION_MARK).and_then(|rest| rest.split(' ').next());
    let is_kept = entry.files.zh.starts_with(UNTRANSLATED) || marked == Some(&hash(entry.files.en));
    law(is_kept, || format!("read zh.md against en.md, then run `cargo xtask bless-translation {}`", entry.slug))
}

fn has_sources(entry: &Entry) -> Result<(), String> {
    law(!entry.sources.is_empty(), || "on what does it rest?".to_owned())?;
    let is_sound = |source: &str| source.starts_with("https://") || source.bytes().any(|byte| byte.is_ascii_digit());
    entry.sources.iter().try_for_each(|source| law(is_sound(source), || format!("{source}: a link, or a path with a version")))
}
