//! `cargo xtask site`: the catalogue as pages, two languages side by side, one permanent address for each code.
//!
//! `CODE/index.html` answers `/CODE` on every host of static files. Nothing here has text of its own but labels: whatever a page says
//! stands in the catalogue.

mod entry;
mod frame;
mod list;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use maud::Markup;
use meshwhy_check::rules::Rule;
use meshwhy_core::Lang;
use meshwhy_core::causes::REGISTRY;

use crate::shell::workspace;

/// What is added to the look of the report in HTML.
const STYLE: &str = include_str!("site.css");
/// The search.
const SCRIPT: &str = include_str!("site.js");

/// Writes the site into a folder, or into `target/site`.
///
/// # Errors
/// A folder of the catalogue cannot be read, or the site not be written.
pub fn write(folder: Option<PathBuf>) -> Result<()> {
    let folder = folder.unwrap_or_else(|| workspace().join("target/site"));
    let put = |path: &str, text: &str| -> Result<()> {
        let file = folder.join(path);
        fs::create_dir_all(file.parent().unwrap_or(&folder))?;
        fs::write(&file, text).with_context(|| format!("writing {}", file.display()))
    };
    put("site.css", &[meshwhy_report::html::STYLE, STYLE].concat())?;
    put("site.js", SCRIPT)?;
    put("terms.js", &format!("const INDEX = {};\n", serde_json::to_string(&meshwhy::search_index())?))?;
    for lang in [Lang::En, Lang::Zh] {
        let page = |path: &str, markup: Markup| put(&format!("{}{path}index.html", prefix(lang)), &markup.into_string());
        page("", list::page_of(lang))?;
        for cause in REGISTRY.iter() {
            page(&format!("{}/", cause.code), entry::cause(cause, lang, &read(&folder_of("core/src/causes", &cause.folder()))?))?;
        }
        for rule in Rule::all().iter() {
            page(&format!("{}/", rule.code), entry::rule(rule, lang, &read(&folder_of("check/src/rules", &rule.folder()))?))?;
        }
    }
    eprintln!("wrote {}", folder.display());
    Ok(())
}

/// Where the pages of a language begin.
const fn prefix(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "",
        Lang::Zh => "zh/",
    }
}

fn folder_of(registry: &str, name: &str) -> PathBuf {
    workspace().join(registry).join(name)
}

/// What a folder of the catalogue has beside its texts.
#[derive(Debug, Default)]
struct Files {
    /// `cases.md`
    cases: String,
    /// The manifests of a rule: the name of the file, and its text.
    manifests: Vec<(&'static str, String)>,
}

fn read(folder: &Path) -> Result<Files> {
    let text = |name: &str| match folder.join(name) {
        path if path.is_file() => fs::read_to_string(&path).with_context(|| format!("reading {}", path.display())).map(Some),
        _ => Ok(None),
    };
    let mut files = Files { cases: text("cases.md")?.unwrap_or_default(), manifests: Vec::new() };
    for name in ["bad.yaml", "good.yaml", "fixed.yaml"] {
        files.manifests.extend(text(name)?.map(|text| (name, text)));
    }
    Ok(files)
}
