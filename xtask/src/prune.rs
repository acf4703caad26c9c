//! Takes out of the module what Envoy must not call and the code that only those calls would reach.
//!
//! Envoy enters the VM for each callback that it finds: for every chunk of a body, for trailers, for TCP data. So the module exports
//! what it answers and nothing else, not even what its libraries add.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use meshwhy_filter::abi::EXPORTS;
use walrus::ir::{MemArg, StoreKind};
use walrus::{ImportId, ImportKind, Module};

/// What Rust's library would ask of an operating system, for a panic's message and the settings of its printing. There is none; without
/// these the module can do nothing but call Envoy's functions that it imports, and the hash in the manifests pins which.
const SYSTEM: &str = "wasi_snapshot_preview1";

/// Writes the module `built` to `pruned` with only [`EXPORTS`], and without code and imports that none of them reaches.
///
/// # Errors
/// It cannot be read, is no WebAssembly, or lacks one of the exports.
pub fn prune(built: &Path, pruned: &Path) -> Result<()> {
    let mut module = Module::from_file(built).with_context(|| format!("reading {}", built.display()))?;
    for name in EXPORTS {
        module
            .exports
            .iter()
            .find(|export| export.name == *name)
            .with_context(|| format!("the module does not export {name}"))?;
    }
    let unwanted: Vec<_> =
        module.exports.iter().filter(|export| !EXPORTS.contains(&export.name.as_str())).map(|export| export.id()).collect();
    unwanted.into_iter().for_each(|export| module.exports.delete(export));
    for import in module.imports.iter().filter(|import| import.module == SYSTEM).map(|import| import.id()).collect::<Vec<_>>() {
        answer_for_the_system(&mut module, import)?;
    }
    module.customs = Default::default();
    walrus::passes::gc::run(&mut module);
    fs::write(pruned, module.emit_wasm()).with_context(|| format!("writing {}", pruned.display()))
}

/// Puts a function of our own into the place of an import: an environment without variables, and files that cannot be written.
fn answer_for_the_system(module: &mut Module, import: ImportId) -> Result<()> {
    const DONE: i32 = 0;
    const NOT_SUPPORTED: i32 = 58;
    let import = module.imports.get(import);
    let name = import.name.clone();
    let ImportKind::Function(function) = import.kind else { bail!("the module imports {name}, which is no function") };
    let memory = module.memories.iter().next().context("a module without memory")?.id();
    let number = MemArg { align: 4, offset: 0 };
    module.replace_imported_func(function, |(body, arguments)| match (name.as_str(), arguments.as_slice()) {
        ("environ_sizes_get", [count, size]) => {
            for place in [count, size] {
                body.local_get(*place).i32_const(0).store(memory, StoreKind::I32 { atomic: false }, number);
            }
            body.i32_const(DONE);
        }
        ("environ_get", _) => {
            body.i32_const(DONE);
        }
        ("proc_exit", _) => {
            body.unreachable();
        }
        _ => {
            body.i32_const(NOT_SUPPORTED);
        }
    })?;
    Ok(())
}
