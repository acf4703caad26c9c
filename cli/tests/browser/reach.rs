//! Who can use the page, and where: with a keyboard, a screen reader, a telephone, without a network.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use meshwhy_integration::artifacts::target;
use meshwhy_integration::browser::{Tab, axe};

use crate::inputs::{LINE, MANIFESTS};
use crate::served::{Server, Setup, explained, settled};

/// Screens: a desktop and a telephone.
const SCREENS: [(&str, u32, u32); 2] = [("desktop", 1280, 900), ("phone", 390, 844)];

pub(crate) fn axe_finds_nothing(setup: &Setup) -> Result<()> {
    let axe = axe()?;
    let pictures = target().join("web/pictures");
    fs::create_dir_all(&pictures)?;
    for (language, lang) in [("en-US", "en"), ("zh-CN", "zh")] {
        for (name, width, height) in SCREENS {
            for (scheme, is_dark) in [("light", false), ("dark", true)] {
                let mut tab = Tab::open(&setup.browser, language)?;
                tab.screen(width, height, is_dark)?;
                tab.go(&setup.server.address)?;
                tab.value(&axe)?;
                let several = format!(
                    "{LINE}\n{}\nwhat nobody understands\n",
                    LINE.replace("503 UF", "404 NR").repeat(12).replace("default[", "default\n[")
                );
                for (what, text) in [
                    ("empty", ""),
                    ("lines", LINE),
                    ("diagnosis", &several),
                    ("manifests", MANIFESTS),
                    ("nothing", "lorem ipsum"),
                ] {
                    if !text.is_empty() {
                        explained(&mut tab, text)?;
                    }
                    let found = tab.value("axe.run().then(({violations}) => violations.map(({id, nodes}) => id + ': ' + nodes.map(({html}) => html).join(' ')).join('\\n'))")?;
                    ensure!(found == "", "{lang} {name} {scheme} {what}: {found}");
                    let is_too_wide = tab.value("document.documentElement.scrollWidth > innerWidth")?;
                    ensure!(is_too_wide == false, "{lang} {name} {scheme} {what}: wider than the screen");
                    let picture = BASE64_STANDARD.decode(tab.picture()?)?;
                    fs::write(pictures.join(format!("{lang}-{name}-{scheme}-{what}.png")), picture)?;
                }
            }
        }
    }
    Ok(())
}

pub(crate) fn keyboard(setup: &Setup) -> Result<()> {
    let mut tab = setup.page("en-US")?;
    let mut reached = Vec::new();
    for _ in 0..12 {
        tab.press("Tab")?;
        let id = tab.value("document.activeElement.id || document.activeElement.dataset.example || ''")?;
        reached.push(id.as_str().unwrap_or_default().to_owned());
        if id == "log" {
            break;
        }
    }
    ensure!(["language", "theme", "text", "choose", "log"].iter().all(|id| reached.iter().any(|one| one == id)), "{reached:?}");
    // An example by Enter; then the answer by the keys of the report.
    tab.press("Enter")?;
    settled(&mut tab)?;
    tab.press("j")?;
    ensure!(tab.value("document.activeElement.tagName")? == "ARTICLE");
    let outline = tab.value("getComputedStyle(document.activeElement).outlineStyle")?;
    ensure!(outline != "none", "the focus cannot be seen");
    // The language by keyboard, too.
    tab.value("document.getElementById('language').focus()")?;
    tab.press("Enter")?;
    tab.wait("document.documentElement.lang === 'zh'")?;
    ensure!(settled(&mut tab)?.contains("修复"));
    Ok(())
}

pub(crate) fn without_server(setup: &Setup) -> Result<()> {
    let server = Server::start()?;
    let mut tab = Tab::open(&setup.browser, "en-US")?;
    tab.go(&server.address)?;
    tab.wait("navigator.serviceWorker.controller !== null")?;
    let address = server.address.clone();
    drop(server);
    tab.go(&address)?;
    ensure!(explained(&mut tab, LINE)?.contains("MW3"), "not without its server");
    drop(tab);

    let page = target().join("web/index.html");
    let page = page.canonicalize().with_context(|| format!("{}: `cargo xtask web` builds it", page.display()))?;
    let mut tab = Tab::open(&setup.browser, "zh-CN")?;
    tab.go(&format!("file://{}", page.display()))?;
    ensure!(explained(&mut tab, LINE)?.contains("修复"), "not as a file");
    ensure!(tab.complaints()?.is_empty(), "{:?}", tab.complaints()?);
    Ok(())
}
