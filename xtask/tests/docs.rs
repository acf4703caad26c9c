//! The files that the pages name exist, and so do the names that the pages say are in them.

#![allow(clippy::unwrap_used, reason = "a broken test must fail loudly")]

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn what_the_pages_name_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut wrong = Vec::new();
    for page in pages(root) {
        let text = fs::read_to_string(&page).unwrap();
        let place = page.strip_prefix(root).unwrap().display();
        let code: Vec<&str> = text.split('`').collect();
        for (at, path) in code.iter().enumerate().skip(1).step_by(2).filter(|(_, code)| is_path(root, code)) {
            let files = matching(root, path);
            let name = code.get(at.wrapping_sub(2)).filter(|_| code[at - 1].trim() == "in");
            let has = |name: &&str| files.iter().any(|file| fs::read_to_string(file).is_ok_and(|text| text.contains(*name)));
            if files.is_empty() || name.is_some_and(|name| files[0].is_file() && !has(name)) {
                wrong.push(format!("{place}: {} {path}", name.unwrap_or(&"")));
            }
        }
        let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        let own = links.filter(|link| !link.is_empty() && !link.contains("://"));
        wrong.extend(own.filter(|link| !page.with_file_name(link).exists()).map(|link| format!("{place}: link to {link}")));
    }
    assert!(wrong.is_empty(), "not there:\n{}", wrong.join("\n"));
}

/// Every page for people. Decisions are of their day.
fn pages(root: &Path) -> Vec<PathBuf> {
    [root.to_owned(), root.join("docs"), root.join("docs/contributing")]
        .iter()
        .flat_map(|folder| matching(folder, "*.md"))
        .collect()
}

/// Whether some code is a path in this checkout.
fn is_path(root: &Path, code: &str) -> bool {
    let first = code.split_once('/').map(|(first, _)| first);
    first.is_some_and(|first| !["", "target"].contains(&first) && !code.contains([' ', '\n', '=']) && root.join(first).is_dir())
}

/// The files and folders of this path, in which `*` stands for anything but `/`.
fn matching(folder: &Path, path: &str) -> Vec<PathBuf> {
    path.split('/').filter(|part| !part.is_empty()).fold(vec![folder.to_owned()], |folders, part| match part.split_once('*') {
        None => folders.iter().map(|folder| folder.join(part)).filter(|path| path.exists()).collect(),
        Some((head, tail)) => {
            let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().map(|entry| entry.unwrap());
            let named = |name: &str| name.starts_with(head) && name.ends_with(tail);
            entries.filter(|entry| named(&entry.file_name().to_string_lossy())).map(|entry| entry.path()).collect()
        }
    })
}
