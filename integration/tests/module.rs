//! What the built module is: its size, what it imports and exports, and that no text of the catalogue is in it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Result;
use meshwhy_integration::artifacts::{module, workspace};
use wasmparser::{Parser, Payload};

/// Sizes are compared in steps, so that the golden file changes when something grows and not with every edit.
const STEP_KIB: usize = 25;
/// What every proxy of a mesh has to load and compile.
const MAX_KIB: usize = 250;

#[test]
fn its_imports_exports_and_size_are_those_of_the_golden_file() {
    let bytes = fs::read(module().unwrap()).unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/module.txt");
    let actual = describe(&bytes).unwrap();
    let expected = fs::read_to_string(&golden).unwrap_or_default();
    assert_eq!(actual, expected, "if this change of the module is meant, write it into {}", golden.display());
}

#[test]
fn it_is_small() {
    let bytes = fs::read(module().unwrap()).unwrap().len();
    assert!(bytes <= MAX_KIB * 1024, "{bytes} bytes; `docs/performance.md` says how to find what is in it");
}

#[test]
fn no_text_of_the_catalogue_is_in_it() {
    let bytes = fs::read(module().unwrap()).unwrap();
    let mut sentences = 0;
    for folder in fs::read_dir(workspace().join("core/src/causes")).unwrap() {
        for language in ["en.md", "zh.md"] {
            let Ok(text) = fs::read_to_string(folder.as_ref().unwrap().path().join(language)) else { continue };
            for line in text.lines().filter(|line| line.len() > 30 && !line.starts_with("<!--")) {
                sentences += 1;
                let found = bytes.windows(line.len()).any(|window| window == line.as_bytes());
                assert!(!found, "the module holds: {line}");
            }
        }
    }
    assert!(sentences > 100, "only {sentences} sentences were looked for");
}

fn describe(bytes: &[u8]) -> Result<String> {
    let (mut imports, mut exports) = (BTreeSet::new(), BTreeSet::new());
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    imports.insert(format!("{}.{}", import.module, import.name));
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    exports.insert(export?.name.to_owned());
                }
            }
            _ => {}
        }
    }
    let mut text = format!("size: at most {} KiB\n", bytes.len().div_ceil(STEP_KIB * 1024) * STEP_KIB);
    for (title, names) in [("imports", imports), ("exports", exports)] {
        text.push_str(&format!("\n{title}:\n"));
        names.iter().for_each(|name| text.push_str(&format!("  {name}\n")));
    }
    Ok(text)
}
