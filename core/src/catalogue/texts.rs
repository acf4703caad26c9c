//! The texts of an entry, read from its Markdown files.

use super::Entry;

/// A language of the texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

impl Lang {
    /// The four headings, in order.
    #[must_use]
    pub const fn headings(self) -> [&'static str; 4] {
        match self {
            Self::En => ["What", "Why", "Confirm", "Fix"],
            Self::Zh => ["现象", "原因", "确认", "修复"],
        }
    }
}

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// A paragraph.
    Prose(&'static str),
    /// The place of a confirmation's steps.
    Confirm(&'static str),
    /// The place of a fix's steps.
    Fix(&'static str),
}

/// The four parts of an entry's text in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// What happened: one sentence.
    pub what: &'static str,
    /// The mechanism, and who acted.
    pub why: Vec<Block>,
    /// How to be sure.
    pub confirm: Vec<Block>,
    /// What to change.
    pub fix: Vec<Block>,
}

impl Entry {
    /// The text in `lang`.
    ///
    /// # Errors
    /// The heading that is missing, empty or out of order.
    pub fn text(&self, lang: Lang) -> Result<Text, &'static str> {
        let source = match lang {
            Lang::En => self.files.en,
            Lang::Zh => self.files.zh,
        };
        let [what, why, confirm, fix] = lang.headings();
        let mut rest = source;
        let mut part = |heading: &'static str, next: Option<&'static str>| {
            let (_, after) = rest.split_once(&format!("## {heading}\n")).ok_or(heading)?;
            let end = match next {
                Some(next) => after.find(&format!("## {next}\n")).ok_or(next)?,
                None => after.len(),
            };
            let (body, remaining) = after.split_at_checked(end).ok_or(heading)?;
            rest = remaining;
            Some(body.trim()).filter(|body| !body.is_empty()).ok_or(heading)
        };
        Ok(Text {
            what: part(what, Some(why))?,
            why: blocks(part(why, Some(confirm))?),
            confirm: blocks(part(confirm, Some(fix))?),
            fix: blocks(part(fix, None)?),
        })
    }

    /// The headline in `lang`; the slug should the text be broken, which a law forbids.
    #[must_use]
    pub fn headline(&self, lang: Lang) -> &'static str {
        self.text(lang).map_or(self.slug, |text| text.what)
    }
}

fn blocks(body: &'static str) -> Vec<Block> {
    let paragraphs = body.split("\n\n").flat_map(|paragraph| {
        let anchors = paragraph.lines().all(|line| line.trim().starts_with('{'));
        if anchors { paragraph.lines().collect::<Vec<_>>() } else { vec![paragraph] }
    });
    paragraphs.map(str::trim).filter(|paragraph| !paragraph.is_empty()).map(block).collect()
}

fn block(paragraph: &'static str) -> Block {
    let anchor = |kind: &str| paragraph.strip_prefix(kind)?.strip_suffix('}').map(str::trim);
    match (anchor("{confirm:"), anchor("{fix:")) {
        (Some(id), _) => Block::Confirm(id),
        (_, Some(id)) => Block::Fix(id),
        _ => Block::Prose(paragraph),
    }
}
