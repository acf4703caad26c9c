//! What all pages share.

use maud::{DOCTYPE, Markup, html};
use meshwhy_core::Lang;
use meshwhy_core::catalogue::SITE;

use super::prefix;
use super::words::Words;

/// What a page may do: its own style and scripts, nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; form-action 'none'";

/// The tag of a language.
pub(super) const fn tag(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "en",
        Lang::Zh => "zh-CN",
    }
}

/// A page: `code` is that of its entry, or none for the list. `description` stands in what search engines show.
pub(super) fn page(lang: Lang, code: Option<&str>, title: &str, description: &str, content: &Markup) -> Markup {
    let words = Words::of(lang);
    let path = code.map(|code| format!("{code}/")).unwrap_or_default();
    let depth = usize::from(code.is_some()) + usize::from(lang == Lang::Zh);
    let root = "../".repeat(depth);
    let root = if root.is_empty() { "./" } else { &root };
    let other = if lang == Lang::En { Lang::Zh } else { Lang::En };
    let address = |lang| format!("{SITE}/{}{}", prefix(lang), code.unwrap_or_default());
    html! {
        (DOCTYPE)
        html lang=(tag(lang)) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="referrer" content="no-referrer";
                meta name="description" content=(description);
                title { (title) }
                link rel="canonical" href=(address(lang));
                @for lang in [Lang::En, Lang::Zh] { link rel="alternate" hreflang=(tag(lang)) href=(address(lang)); }
                link rel="stylesheet" href={ (root) "site.css" };
                @if code.is_none() {
                    script src={ (root) "terms.js" } defer {}
                    script src={ (root) "site.js" } defer {}
                }
            }
            body {
                a.skip href="#content" { (words.skip) }
                header.site {
                    nav aria-label="meshwhy" {
                        a.home href={ (root) (prefix(lang)) } { "meshwhy" }
                        a href={ (root) (prefix(lang)) "#causes" } { (words.causes) }
                        a href={ (root) (prefix(lang)) "#rules" } { (words.rules) }
                        a href=(env!("CARGO_PKG_REPOSITORY")) { (words.source_code) }
                    }
                    a.language href={ (root) (prefix(other)) (path) } lang=(tag(other)) hreflang=(tag(other)) rel="alternate" { (Words::of(other).name) }
                }
                main #content tabindex="-1" { (content) }
                footer.faint { p { (words.generated) " " (env!("CARGO_PKG_VERSION")) } }
            }
        }
    }
}
