//! What is to be installed, checked.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use meshwhy_cluster::Access;
use meshwhy_envoyfilter::{Install, Mode, Module, NO_MODULE, Proxies, Rendering};
use sha2::{Digest, Sha256};

use crate::args::{InstallArgs, InstallFormatArg, ProxyArg};
use crate::failure::Failure;
use crate::paths::unreadable;

/// Largest module, in bytes; ours has 0.2 MB.
const MAX_MODULE: u64 = 64 * 1024 * 1024;

/// What begins every Wasm module.
const MAGIC: &[u8] = b"\0asm";

/// An installation, and what is done with it.
pub(crate) struct InstallOptions {
    pub(crate) install: Install,
    pub(crate) rendering: Rendering,
    pub(crate) action: InstallAction,
}

/// What is done with an installation.
pub(crate) enum InstallAction {
    /// One stream to standard output.
    Stream,
    /// A folder for kustomize.
    Kustomize(PathBuf),
    /// A chart.
    Chart(PathBuf),
    /// The way back from what such a form was applied as.
    Remove(InstallFormatArg, Option<PathBuf>),
    /// The resources are compared with these manifests.
    Check(Vec<PathBuf>),
    /// The resources are compared with what the cluster has.
    CheckLive(Access),
}

impl InstallOptions {
    /// Puts together what is wanted, and renders it.
    ///
    /// # Errors
    /// [`Failure::Usage`] for whatever cannot be rendered, [`Failure::Input`] for a module that cannot be read.
    pub(crate) fn new(args: InstallArgs) -> Result<Self, Failure> {
        let refused = |refusal: meshwhy_envoyfilter::Refusal| Failure::Usage(refusal.to_string());
        let usage = |message: &str| Err(Failure::Usage(message.to_owned()));
        let mode = Mode::from(args.mode);
        let module = module(&args, mode)?;
        let namespace = args.namespace.unwrap_or_else(|| args.root_namespace.clone());
        let is_for = |proxy| args.proxies.contains(&proxy) || args.proxies.contains(&ProxyArg::All);
        let install = Install {
            namespace,
            root_namespace: args.root_namespace,
            selector: args.selector.unwrap_or_default(),
            targets: args.targets,
            visibility: args.visibility.into(),
            level: args.level.into(),
            trace_check: args.trace_check,
            counters: args.counters,
            fetch_once: args.fetch_once,
            server: args.server,
            kept_providers: args.kept_providers,
            module,
            istio_minor: args.istio_version,
            ..Install::new(
                mode,
                Proxies {
                    sidecars: is_for(ProxyArg::Sidecar),
                    gateways: is_for(ProxyArg::Gateway),
                    waypoints: is_for(ProxyArg::Waypoint),
                },
            )
        };
        let wants_cluster = args.check.as_ref().is_some_and(Vec::is_empty);
        if args.connection.is_given() && !wants_cluster {
            return usage("--context and --kubeconfig are for --check without manifests");
        }
        let action = match (args.remove, args.format, args.output) {
            _ if wants_cluster => InstallAction::CheckLive(args.connection.access()),
            _ if let Some(paths) = args.check => InstallAction::Check(paths),
            (_, InstallFormatArg::Yaml, Some(_)) => return usage("--output is for --format kustomize and helm"),
            (true, InstallFormatArg::Kustomize, None) | (false, InstallFormatArg::Kustomize | InstallFormatArg::Helm, None) => {
                return usage("this form has several files: name a folder with --output DIR");
            }
            (true, format, folder) => InstallAction::Remove(format, folder),
            (false, InstallFormatArg::Kustomize, Some(folder)) => InstallAction::Kustomize(folder),
            (false, InstallFormatArg::Helm, Some(folder)) => InstallAction::Chart(folder),
            (false, InstallFormatArg::Yaml, None) => InstallAction::Stream,
        };
        let rendering = install.render().map_err(refused)?;
        Ok(Self { install, rendering, action })
    }
}

fn module(args: &InstallArgs, mode: Mode) -> Result<Option<Module>, Failure> {
    let read = args.module_file.as_deref().map(hash_of).transpose()?;
    let hash = args.sha256.as_deref().or(read.as_deref());
    let parsed = match (&args.module, hash) {
        (Some(address), hash) => Module::parse(address, hash).map(Some),
        (None, Some(hash)) => Module::served(&args.root_namespace, hash).map(Some),
        // Neither a name nor a label depends on the hash.
        (None, None) if mode != Mode::Native && (args.remove || args.check.is_some()) => {
            Module::served(&args.root_namespace, NO_MODULE).map(Some)
        }
        (None, None) => Ok(None),
    };
    parsed.map_err(|refusal| Failure::Usage(refusal.to_string()))
}

/// The hash of a file that is a Wasm module: other bytes with their right hash would have Envoy refuse later updates.
fn hash_of(path: &Path) -> Result<String, Failure> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_MODULE.saturating_add(1)).read_to_end(&mut bytes));
    read.map_err(|source| unreadable(&name, source))?;
    if !bytes.starts_with(MAGIC) || u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_MODULE {
        return Err(Failure::Usage(format!("{}: no Wasm module", crate::escape::line(&name))));
    }
    Ok(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}
