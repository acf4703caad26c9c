//! The command line of `install`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use meshwhy_envoyfilter::{Level, Mode, Name, Namespace, Selector, Target, Visibility};

use super::{ConnectionArgs, istio_minor};

/// Subcommands may stand beside these options, never among them.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct InstallArgs {
    /// How meshwhy is deployed
    #[arg(long, value_enum, default_value_t)]
    pub(crate) mode: ModeArg,
    /// The proxies that get it
    #[arg(long = "for", value_enum, value_name = "PROXIES", value_delimiter = ',', default_values_t = [ProxyArg::Sidecar, ProxyArg::Gateway])]
    pub(crate) proxies: Vec<ProxyArg>,
    /// The namespace whose proxies get it [default: the root namespace, for the whole mesh]
    #[arg(long, short, value_name = "NAMESPACE", value_parser = Namespace::parse)]
    pub(crate) namespace: Option<Namespace>,
    /// The root namespace of the mesh
    #[arg(long, value_name = "NAMESPACE", value_parser = Namespace::parse, default_value = "istio-system")]
    pub(crate) root_namespace: Namespace,
    /// Only sidecars and gateways whose pods have these labels
    #[arg(long, short = 'l', value_name = "KEY=VALUE,…", value_parser = Selector::parse)]
    pub(crate) selector: Option<Selector>,
    /// The waypoint, as the name of its Gateway, or GatewayClass/NAME or Service/NAME; may be repeated [default: Gateway/waypoint, in the root
    /// namespace GatewayClass/istio-waypoint]
    #[arg(long = "target", value_name = "[KIND/]NAME", value_parser = Target::parse)]
    pub(crate) targets: Vec<Target>,
    /// Who sees the annotation
    #[arg(long, value_enum, default_value_t)]
    pub(crate) visibility: VisibilityArg,
    /// How much the annotation has
    #[arg(long, value_enum, default_value_t)]
    pub(crate) level: LevelArg,
    /// Look for requests without trace context, at so many of 10 000 (100 when no number is given); in annotate this is on, 0 turns it off
    #[arg(long, value_name = "SAMPLE", num_args = 0..=1, default_missing_value = "100", value_parser = clap::value_parser!(u16).range(0..=10_000))]
    pub(crate) trace_check: Option<u16>,
    /// Have Envoy count failures (native)
    #[arg(long)]
    pub(crate) counters: bool,
    /// A new proxy fetches the module once, not for each of its listeners (observe)
    #[arg(long)]
    pub(crate) fetch_once: bool,
    /// Where the proxies get the module: http(s)://HOST[:PORT]/PATH[#sha256=HASH], oci://HOST/IMAGE@sha256:DIGEST (annotate, waypoints) or
    /// file:///FOLDER/FILE (sidecars, with --selector) [default: the Service meshwhy-module of the root namespace]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) module: Option<String>,
    /// The hash of the module: proxies run no other bytes
    #[arg(long, value_name = "HASH", conflicts_with = "module_file")]
    pub(crate) sha256: Option<String>,
    /// The module as it was built; its hash is taken from it
    #[arg(long, value_name = "FILE")]
    pub(crate) module_file: Option<PathBuf>,
    /// Also render a server for the module, a Deployment with its Service
    #[arg(long)]
    pub(crate) server: bool,
    /// Provider of the access log that waypoints keep beside ours (native); may be repeated
    #[arg(long = "keep-provider", value_name = "NAME", value_parser = Name::parse, default_value = "envoy")]
    pub(crate) kept_providers: Vec<Name>,
    /// Version of Istio that runs, such as 1.30: what it cannot do is refused, what it can do better is used
    #[arg(long, value_name = "VERSION", value_parser = istio_minor)]
    pub(crate) istio_version: Option<u32>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: InstallFormatArg,
    /// The folder to write to (kustomize, helm)
    #[arg(long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Render the way back: what the same options install, as `kubectl delete -f -` takes it
    #[arg(long)]
    pub(crate) remove: bool,
    /// Render nothing, and prove that it can be applied: CRDs, versions, labels and mounts, your own EnvoyFilters. Against the cluster, or
    /// against these manifests of it; `-` reads standard input
    #[arg(long, value_name = "PATH", num_args = 0.., conflicts_with = "remove")]
    pub(crate) check: Option<Vec<PathBuf>>,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(subcommand)]
    pub(crate) action: Option<InstallSubcommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum InstallSubcommand {
    /// Render the least that must be allowed to whoever reads a cluster
    Rbac(RbacArgs),
}

/// Who may read, and how much.
#[derive(Debug, Args)]
pub(crate) struct RbacArgs {
    /// A user
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// A group
    #[arg(long, value_name = "NAME", conflicts_with = "user")]
    pub(crate) group: Option<String>,
    /// A ServiceAccount
    #[arg(long, value_name = "NAMESPACE:NAME", conflicts_with_all = ["user", "group"], value_parser = service_account)]
    pub(crate) service_account: Option<(Namespace, Name)>,
    /// Only this namespace, and what is needed of the root namespace [default: the whole cluster]
    #[arg(long, short, value_name = "NAMESPACE", value_parser = Namespace::parse)]
    pub(crate) namespace: Option<Namespace>,
    /// The root namespace of the mesh
    #[arg(long, value_name = "NAMESPACE", value_parser = Namespace::parse, default_value = "istio-system")]
    pub(crate) root_namespace: Namespace,
    /// Also `probe --from`: it needs to run programs in the pods
    #[arg(long)]
    pub(crate) probe: bool,
    /// Also what `--deep` asks the proxies themselves: it needs to forward ports, to any port of the pods
    #[arg(long)]
    pub(crate) deep: bool,
}

/// Reads `NAMESPACE:NAME`, as `kubectl create rolebinding --serviceaccount` takes it.
///
/// # Errors
/// It is no such pair.
fn service_account(text: &str) -> Result<(Namespace, Name), String> {
    let (namespace, name) = text.split_once(':').ok_or("a ServiceAccount is written NAMESPACE:NAME")?;
    let namespace = Namespace::parse(namespace).map_err(|error| error.to_string())?;
    Ok((namespace, Name::parse(name).map_err(|error| error.to_string())?))
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeArg {
    /// The module as access logger, entered for failures only (recommended)
    #[default]
    Observe,
    /// The module as HTTP filter
    Annotate,
    /// No module
    Native,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProxyArg {
    /// Beside workloads
    Sidecar,
    /// At the edge
    Gateway,
    /// Of ambient mode: a WasmPlugin or TrafficExtension, in native Telemetry
    Waypoint,
    /// All of them
    All,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum VisibilityArg {
    /// The workload itself and peers with mesh mTLS
    #[default]
    Mesh,
    /// Everyone, strangers outside of the mesh included
    Always,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LevelArg {
    /// Name, error type, side
    Minimal,
    /// Also cause, flags and details
    #[default]
    Standard,
    /// Also next hop and record (annotate, waypoints)
    Full,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum InstallFormatArg {
    /// One stream on standard output, for `kubectl apply -f -`
    #[default]
    Yaml,
    /// A folder, for `kubectl apply -k`
    Kustomize,
    /// A chart
    Helm,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Observe => Self::Observe,
            ModeArg::Annotate => Self::Annotate,
            ModeArg::Native => Self::Native,
        }
    }
}

impl From<VisibilityArg> for Visibility {
    fn from(visibility: VisibilityArg) -> Self {
        match visibility {
            VisibilityArg::Mesh => Self::Mesh,
            VisibilityArg::Always => Self::Always,
        }
    }
}

impl From<LevelArg> for Level {
    fn from(level: LevelArg) -> Self {
        match level {
            LevelArg::Minimal => Self::Minimal,
            LevelArg::Standard => Self::Standard,
            LevelArg::Full => Self::Full,
        }
    }
}
