//! The site of the catalogue: every page is there in both languages, and every link leads somewhere.

#![allow(clippy::unwrap_used, reason = "a broken site must fail loudly")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use meshwhy_check::rules::Rule;
use meshwhy_core::Lang;
use meshwhy_core::catalogue::SITE;
use meshwhy_core::causes::REGISTRY;

/// Hosts that pages link to. A new one is looked at before it is added.
const HOSTS: [&str; 15] = [
    "cloud.google.com",
    "gateway-api.sigs.k8s.io",
    "github.com",
    "grpc.io",
    "helm.sh",
    "istio.io",
    "kiali.io",
    "kubernetes.io",
    "meshwhy.github.io",
    "nginx.org",
    "oauth2-proxy.github.io",
    "www.envoyproxy.io",
    "www.rfc-editor.org",
    "www.w3.org",
    "yaml.org",
];

/// The pages, by their path in the site.
fn site() -> (tempfile::TempDir, BTreeMap<PathBuf, String>) {
    let folder = tempfile::tempdir().unwrap();
    let written = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("site").arg("--to").arg(folder.path()).output().unwrap();
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let mut pages = BTreeMap::new();
    let mut folders = vec![folder.path().to_owned()];
    while let Some(at) = folders.pop() {
        for path in fs::read_dir(at).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "html") {
                let text = fs::read_to_string(&path).unwrap();
                pages.insert(path.strip_prefix(folder.path()).unwrap().to_owned(), text);
            }
        }
    }
    (folder, pages)
}

/// The values of an attribute; maud writes each between double quotes.
fn values<'t>(page: &'t str, attribute: &str) -> Vec<&'t str> {
    let before = format!(" {attribute}=\"");
    page.split(before.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// The file that a link of a page means.
fn resolved(page: &Path, link: &str) -> PathBuf {
    let mut path = page.parent().unwrap().to_owned();
    for part in Path::new(link).components() {
        match part {
            Component::ParentDir => assert!(path.pop(), "{link} leads out of the site"),
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    if link.is_empty() || link.ends_with('/') { path.join("index.html") } else { path }
}

#[test]
fn every_entry_has_its_pages_and_every_link_leads_somewhere() {
    let (folder, pages) = site();
    let codes = REGISTRY.iter().map(|cause| &cause.entry).chain(Rule::all().iter().map(|rule| &rule.entry));
    for entry in codes {
        for (prefix, lang) in [("", Lang::En), ("zh/", Lang::Zh)] {
            let page = &pages[Path::new(&format!("{prefix}{}/index.html", entry.code))];
            let address = format!("{SITE}/{prefix}{}", entry.code);
            assert_eq!(entry.address(lang), address);
            assert!(page.contains(&format!("<link rel=\"canonical\" href=\"{address}\">")), "{address}");
        }
    }
    let ids: BTreeMap<&Path, BTreeSet<&str>> =
        pages.iter().map(|(path, page)| (path.as_path(), values(page, "id").into_iter().collect())).collect();
    let mut wrong = Vec::new();
    for (path, page) in &pages {
        assert_eq!(values(page, "id").len(), ids[path.as_path()].len(), "{}: an id stands twice", path.display());
        for link in values(page, "href").into_iter().chain(values(page, "src")) {
            if let Some(rest) = link.strip_prefix("https://") {
                let host = rest.split('/').next().unwrap_or_default();
                if !HOSTS.contains(&host) || link.contains([' ', '<', '>']) {
                    wrong.push(format!("{}: {link}", path.display()));
                }
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() { path.clone() } else { resolved(path, file) };
            let has_anchor = anchor.is_empty() || ids.get(file.as_path()).is_some_and(|ids| ids.contains(anchor));
            if !folder.path().join(&file).is_file() || !has_anchor {
                wrong.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_page_loads_nothing_from_elsewhere_and_has_nothing_inline() {
    let (_folder, pages) = site();
    for (path, page) in pages {
        let policy = "content=\"default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; form-action 'none'\"";
        assert!(page.contains(policy), "{}", path.display());
        assert!(values(&page, "src").iter().all(|source| !source.contains(':')), "{}", path.display());
        assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains(" onclick="), "{}", path.display());
        let lang = if path.starts_with("zh") { "zh-CN" } else { "en" };
        assert!(page.contains(&format!("<html lang=\"{lang}\">")), "{}", path.display());
        assert_eq!(page.matches("<h1").count(), 1, "{}", path.display());
    }
}
