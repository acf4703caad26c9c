//! What the built module is: its size, what it imports and exports, and that no text of the catalogue is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::Result;
use meshwhy_filter::abi::{EXPORTS, IMPORTS};
use meshwhy_integration::artifacts::{module, sdk_module, workspace};
use walrus::{ExportItem, ImportKind, Module};

/// The size in steps, so that it changes here when something grows and not with every edit.
const SIZE_KIB: usize = 300;
const STEP_KIB: usize = 25;
/// What every proxy of a mesh has to load and compile.
const MAX_KIB: usize = 300;

#[test]
fn it_is_small() {
    let bytes = fs::read(module().unwrap()).unwrap().len();
    let stepped = bytes.div_ceil(STEP_KIB * 1024) * STEP_KIB;
    assert_eq!(stepped, SIZE_KIB, "{bytes} bytes; `docs/performance.md` says how to find what is in it");
    const { assert!(SIZE_KIB <= MAX_KIB) };
}

#[test]
fn it_imports_and_exports_what_the_abi_lists_and_nothing_else() {
    let module = Module::from_file(module().unwrap()).unwrap();
    let imports: BTreeSet<_> = module.imports.iter().map(|import| (import.module.as_str(), import.name.as_str())).collect();
    assert_eq!(imports, IMPORTS.iter().map(|name| ("env", *name)).collect());
    let exports: BTreeSet<_> = module.exports.iter().map(|export| export.name.as_str()).collect();
    assert_eq!(exports, EXPORTS.iter().copied().collect());
}

#[test]
fn its_functions_have_the_types_of_the_sdk() {
    let [ours, sdk] = [module(), sdk_module()].map(|path| functions(&path.unwrap()).unwrap());
    assert_eq!(ours.len(), IMPORTS.len() + EXPORTS.len() - ["memory"].len());
    for (name, kind) in &ours {
        assert_eq!(Some(kind), sdk.get(name), "{name}");
    }
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

/// The functions that a module imports and exports, each with its type.
fn functions(path: &Path) -> Result<BTreeMap<String, String>> {
    let module = Module::from_file(path)?;
    let imports = module.imports.iter().filter_map(|import| match import.kind {
        ImportKind::Function(function) => Some((format!("import {}.{}", import.module, import.name), function)),
        _ => None,
    });
    let exports = module.exports.iter().filter_map(|export| match export.item {
        ExportItem::Function(function) => Some((format!("export {}", export.name), function)),
        _ => None,
    });
    let kind = |function| module.types.get(module.funcs.get(function).ty());
    let functions = imports.chain(exports).map(|(name, function)| (name, kind(function)));
    Ok(functions.map(|(name, kind)| (name, format!("{:?} -> {:?}", kind.params(), kind.results()))).collect())
}
