//! Takes out of the module what Envoy must not call and the code that only those calls would reach.
//!
//! Envoy enters the VM for each callback that it finds: for every chunk of a body, for trailers, for TCP data. So the module exports
//! what it answers and nothing else, not even what its libraries add.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use meshwhy_filter::abi::{EXPORTS, IMPORTS};
use walrus::ir::{Call, MemArg, StoreKind, Visitor, dfs_in_order};
use walrus::{FunctionBuilder, FunctionId, FunctionKind, ImportId, ImportKind, Module};

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
    take_out_calls_of_others(&mut module);
    module.customs = Default::default();
    walrus::passes::gc::run(&mut module);
    fs::write(pruned, module.emit_wasm()).with_context(|| format!("writing {}", pruned.display()))
}

/// Puts a trap in place of each function that calls one of the host's that is not in [`IMPORTS`]: the SDK's contexts hold them for whoever
/// calls them, and ours do not. So the module can do nothing that this list does not say.
fn take_out_calls_of_others(module: &mut Module) {
    let foreign = |id: FunctionId| match &module.funcs.get(id).kind {
        FunctionKind::Import(function) => !IMPORTS.contains(&module.imports.get(function.import).name.as_str()),
        _ => false,
    };
    let calls_one = |id: &FunctionId| match &module.funcs.get(*id).kind {
        FunctionKind::Local(function) => {
            let mut calls = Calls::default();
            dfs_in_order(&mut calls, function, function.entry_block());
            calls.0.into_iter().any(foreign)
        }
        _ => false,
    };
    let unwanted: Vec<FunctionId> = module.funcs.iter().map(|function| function.id()).filter(calls_one).collect();
    for id in unwanted {
        let kind = module.types.get(module.funcs.get(id).ty());
        let (parameters, results) = (kind.params().to_vec(), kind.results().to_vec());
        let mut trap = FunctionBuilder::new(&mut module.types, &parameters, &results);
        trap.func_body().unreachable();
        let arguments = parameters.into_iter().map(|kind| module.locals.add(kind)).collect();
        module.funcs.get_mut(id).kind = FunctionKind::Local(trap.local_func(arguments));
    }
}

/// The functions that a function calls by name.
#[derive(Default)]
struct Calls(Vec<FunctionId>);

impl<'m> Visitor<'m> for Calls {
    fn visit_call(&mut self, call: &Call) {
        self.0.push(call.func);
    }
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
