//! What a check was asked for: the command line, and below it `meshwhy.toml`.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use meshwhy_check::finding::Severity;
use meshwhy_check::mesh::Settings;
use meshwhy_check::report::CheckRequest;
use meshwhy_check::rules::{Persona, Rule};
use meshwhy_check::suppression::Suppression;
use meshwhy_cluster::{Access, Namespaces, Selection};
use serde::Deserialize;

use crate::args::{CheckArgs, CheckFormatArg, PersonaArg, SeverityArg};
use crate::failure::Failure;
use crate::manifests;
use crate::options::stdin;

/// The file with defaults in the folder of the caller.
const DEFAULT_CONFIG: &str = "meshwhy.toml";

/// A check.
pub(crate) struct CheckOptions {
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) request: CheckRequest,
    pub(crate) threshold: Severity,
    pub(crate) format: CheckFormatArg,
    pub(crate) is_verbose: bool,
    pub(crate) edits: Edits,
    pub(crate) watches: bool,
    /// The cluster that is checked instead of files.
    pub(crate) live: Option<LiveObjects>,
}

/// What of a cluster is checked.
pub(crate) struct LiveObjects {
    pub(crate) access: Access,
    pub(crate) istio_namespace: String,
    pub(crate) selection: Selection,
}

/// What is done with the edits that cure findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edits {
    /// They are only mentioned.
    Mentioned,
    /// They are shown.
    Shown,
    /// They are made once the reader agrees.
    Asked,
    /// They are made.
    Made,
}

/// `meshwhy.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Defaults {
    ignore: Vec<String>,
    persona: Vec<PersonaArg>,
    severity_threshold: Option<SeverityArg>,
    istio_version: Option<String>,
    mesh_config: Option<PathBuf>,
}

impl CheckOptions {
    /// Puts both together; what the command line says wins, lists are joined.
    ///
    /// # Errors
    /// [`Failure::Usage`] for a configuration file that cannot be read, a code that no rule has, or edits of standard input.
    pub(crate) fn new(args: CheckArgs, is_verbose: bool) -> Result<Self, Failure> {
        let defaults = Defaults::read(args.config.as_deref())?;
        if args.access.connection.is_given() && !args.live {
            return Err(Failure::Usage("--context and --kubeconfig are for --live".to_owned()));
        }
        if args.paths.is_empty() && !args.live {
            stdin(true)?;
        }
        if args.fix && args.paths.iter().all(|path| path.as_os_str() == "-") {
            return Err(Failure::Usage("--fix needs files, not standard input".to_owned()));
        }
        if args.watch && args.paths.iter().any(|path| !path.exists()) {
            return Err(Failure::Usage("--watch needs files and folders that are there".to_owned()));
        }
        if args.watch && args.paths.is_empty() {
            return Err(Failure::Usage("--watch needs files or folders, not standard input".to_owned()));
        }
        let personas = args.persona.iter().chain(&defaults.persona).map(|persona| match persona {
            PersonaArg::Pedantic => Persona::Pedantic,
            PersonaArg::Security => Persona::Security,
        });
        let suppressions: Vec<_> = args.ignore.iter().chain(&defaults.ignore).map(|text| Suppression::read(text)).collect();
        if let Some(unknown) = suppressions.iter().find(|suppression| !is_known(&suppression.code)) {
            return Err(Failure::Usage(format!("no rule has the code or slug `{}`; `meshwhy rules` lists them", unknown.code)));
        }
        let mesh_config = args.mesh_config.or(defaults.mesh_config);
        let istio_minor = match (args.istio_version, &defaults.istio_version) {
            (Some(minor), _) => Some(minor),
            (None, Some(version)) => Some(crate::args::istio_minor(version).map_err(Failure::Usage)?),
            (None, None) => None,
        };
        let threshold = match args.severity_threshold.or(defaults.severity_threshold) {
            Some(SeverityArg::Info) => Severity::Info,
            Some(SeverityArg::Warning) | None => Severity::Warning,
            Some(SeverityArg::Error) => Severity::Error,
        };
        let edits = match (args.diff, args.fix, args.yes) {
            (true, ..) => Edits::Shown,
            (_, true, true) => Edits::Made,
            (_, true, false) => Edits::Asked,
            _ => Edits::Mentioned,
        };
        let live = args.live.then(|| LiveObjects {
            access: args.access.connection.access(),
            istio_namespace: args.access.istio_namespace.clone(),
            selection: Selection {
                namespaces: args.namespace.clone().map_or(Namespaces::All, Namespaces::One),
                ..Selection::default()
            },
        });
        let namespace = args.namespace.unwrap_or_else(|| "default".to_owned());
        Ok(Self {
            live,
            request: CheckRequest {
                settings: Settings { namespace, istio_minor, upgrade: args.upgrade, now: now() },
                personas: personas.collect(),
                suppressions,
                mesh_config: mesh_config.map(|path| manifests::one(&path)).transpose()?,
            },
            paths: args.paths,
            threshold,
            format: args.format,
            is_verbose,
            edits,
            watches: args.watch,
        })
    }
}

impl Defaults {
    fn read(given: Option<&Path>) -> Result<Self, Failure> {
        let path = given.unwrap_or(Path::new(DEFAULT_CONFIG));
        match manifests::one(path) {
            Ok(file) => toml::from_str(&file.text).map_err(|error| Failure::Usage(format!("{}: {}", file.name, error.message()))),
            Err(Failure::Input { source, .. }) if given.is_none() && source.kind() == io::ErrorKind::NotFound => {
                Ok(Self::default())
            }
            Err(failure) => Err(failure),
        }
    }
}

/// Seconds since 1970.
fn now() -> Option<i64> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

/// Whether a code is of a rule, or of another tool for which some rule stands.
fn is_known(code: &str) -> bool {
    let code = code.to_ascii_uppercase();
    code == "*"
        || Rule::find(&code).is_some()
        || Rule::find(&code.to_ascii_lowercase()).is_some()
        || Rule::equivalent_to(&code).next().is_some()
}
