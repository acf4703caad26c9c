//! Takes out of the module what Envoy must not call and what then nobody needs.
//!
//! Envoy enters the VM for each callback that it finds: for every chunk of a body, for trailers, for TCP data. So the module exports
//! what it answers and nothing else, not even what its libraries add.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use walrus::Module;

/// What the module exports: the ABI's own needs and the callbacks that it answers.
///
/// Source: proxy-wasm ABI 0.2.1; Envoy `source/extensions/common/wasm/wasm.cc`, 1.40.
pub const EXPORTS: [&str; 11] = [
    "memory",
    "_initialize",
    "proxy_abi_version_0_2_1",
    "proxy_on_memory_allocate",
    "proxy_on_vm_start",
    "proxy_on_configure",
    "proxy_on_tick",
    "proxy_on_request_headers",
    "proxy_on_response_headers",
    "proxy_on_log",
    "proxy_on_delete",
];

/// Writes the module `built` to `pruned` with only [`EXPORTS`], and without code and imports that none of them reaches.
///
/// # Errors
/// It cannot be read, is no WebAssembly, or lacks one of the exports.
pub fn prune(built: &Path, pruned: &Path) -> Result<()> {
    let mut module = Module::from_file(built).with_context(|| format!("reading {}", built.display()))?;
    for name in EXPORTS {
        module.exports.iter().find(|export| export.name == name).with_context(|| format!("the module does not export {name}"))?;
    }
    let unwanted: Vec<_> =
        module.exports.iter().filter(|export| !EXPORTS.contains(&export.name.as_str())).map(|export| export.id()).collect();
    unwanted.into_iter().for_each(|export| module.exports.delete(export));
    module.customs = Default::default();
    walrus::passes::gc::run(&mut module);
    fs::write(pruned, module.emit_wasm()).with_context(|| format!("writing {}", pruned.display()))
}
