//! What somebody wants to install, and the resources that do it.

use meshwhy_core::proxy_status::Level;

use crate::deployment;
use crate::module::{Module, ModuleSource};
use crate::mount::{LABEL_KEY, LABEL_VALUE};
use crate::names::{Name, Namespace, Selector};
use crate::patches::{GATEWAY, INBOUND, OUTBOUND};
use crate::refusal::Refusal;
use crate::resource::{self, Kind, Resource};
use crate::server;
use crate::target::{Target, TargetKind};
use crate::trace_check;
use crate::waypoint;

/// A way to deploy meshwhy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The module as access logger; Envoy marks its replies.
    Observe,
    /// The module as HTTP filter.
    Annotate,
    /// No module.
    Native,
}

/// Who sees the annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Visibility {
    /// Outbound, the workload itself; inbound, peers with mutual TLS; at gateways and waypoints nobody.
    #[default]
    Mesh,
    /// Everyone, strangers outside of the mesh included.
    Always,
}

/// Kinds of proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proxies {
    /// Those beside workloads.
    pub sidecars: bool,
    /// Those at the edge.
    pub gateways: bool,
    /// Those of ambient mode.
    pub waypoints: bool,
}

impl Proxies {
    /// Sidecars.
    pub const SIDECARS: Self = Self { sidecars: true, gateways: false, waypoints: false };
    /// Gateways.
    pub const GATEWAYS: Self = Self { sidecars: false, gateways: true, waypoints: false };
    /// All that an EnvoyFilter without labels reaches.
    pub const SIDECARS_AND_GATEWAYS: Self = Self { sidecars: true, gateways: true, waypoints: false };

    pub(crate) const fn take_envoy_filters(self) -> bool {
        self.sidecars || self.gateways
    }
}

/// What is to be installed, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// How.
    pub mode: Mode,
    /// Into which proxies.
    pub proxies: Proxies,
    /// The namespace whose configuration holds for the whole mesh.
    pub root_namespace: Namespace,
    /// The namespace of the resources: the root, or the one whose proxies they are for.
    pub namespace: Namespace,
    /// The pods of sidecars and gateways that get them.
    pub selector: Selector,
    /// The waypoints that get them; without any, those of the class `istio-waypoint` in the root namespace, else the Gateway `waypoint`.
    pub targets: Vec<Target>,
    /// Who sees the annotation.
    pub visibility: Visibility,
    /// How much it has.
    pub level: Level,
    /// Of 10 000 requests, how many are looked at for trace context. Without a number, 100 in annotate and none in observe.
    pub trace_check: Option<u16>,
    /// Whether Envoy counts (native).
    pub counters: bool,
    /// Whether a new proxy fetches the module once for all its listeners (observe).
    pub fetch_once: bool,
    /// Whether the server of the module is among the resources.
    pub server: bool,
    /// Providers of the access log that waypoints keep beside ours (native).
    pub kept_providers: Vec<Name>,
    /// The module; none in native.
    pub module: Option<Module>,
    /// The minor release of Istio, 30 for 1.30, where it is known.
    pub istio_minor: Option<u32>,
}

/// What is rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendering {
    /// What is applied, in this order. Removal goes the other way.
    pub resources: Vec<Resource>,
    /// What the user puts into files of their own, by the name of a file.
    pub snippets: Vec<(&'static str, String)>,
}

impl Rendering {
    /// The resources as one stream of YAML documents.
    #[must_use]
    pub fn text(&self) -> String {
        resource::text(&self.resources)
    }

    /// The resources as `kubectl delete -f` takes them: those first that speak, last what keeps gateways silent, and the server.
    #[must_use]
    pub fn removal(&self) -> String {
        self.resources.iter().rev().map(Resource::reference).collect::<Vec<_>>().join("---\n")
    }
}

impl Install {
    /// A deployment with its defaults, in the root namespace `istio-system`.
    #[must_use]
    pub fn new(mode: Mode, proxies: Proxies) -> Self {
        Self {
            mode,
            proxies,
            root_namespace: Namespace::istio_system(),
            namespace: Namespace::istio_system(),
            selector: Selector::default(),
            targets: Vec::new(),
            visibility: Visibility::default(),
            level: Level::default(),
            trace_check: None,
            counters: false,
            fetch_once: false,
            server: false,
            kept_providers: Vec::new(),
            module: None,
            istio_minor: None,
        }
    }

    /// What is checked in for this hash.
    pub(crate) fn shipped(mode: Mode, proxies: Proxies, sha256: &str) -> Self {
        let module = Module::trusted(&Namespace::istio_system(), sha256.to_owned());
        Self { module: Some(module), ..Self::new(mode, proxies) }
    }

    /// The resources.
    ///
    /// # Errors
    /// What is wanted contradicts itself, would break proxies, or is more than the version of Istio can do.
    pub fn render(&self) -> Result<Rendering, Refusal> {
        self.check()?;
        let mut rendering = self.deployment();
        rendering.resources.extend(match self.trace_check {
            Some(sample) if self.mode == Mode::Observe && self.proxies.take_envoy_filters() && sample > 0 => {
                Some(deployment::trace_check(self, sample))
            }
            _ => None,
        });
        rendering.resources.extend((self.counters && self.proxies.take_envoy_filters()).then(|| deployment::counters(self)));
        rendering.resources.extend(self.fetch_once.then(|| deployment::fetch_once(self)));
        if self.proxies.waypoints {
            waypoint::add(self, &mut rendering);
        }
        if self.server {
            rendering.resources.splice(0..0, server::resources(&self.root_namespace));
        }
        Ok(rendering)
    }

    /// What does the work in sidecars and gateways, and keeps what they say in the mesh.
    pub(crate) fn deployment(&self) -> Rendering {
        let mut rendering = Rendering { resources: Vec::new(), snippets: Vec::new() };
        if !self.proxies.take_envoy_filters() {
            return rendering;
        }
        if let Some(Module(ModuleSource::File(file))) = &self.module {
            rendering.snippets.push(("workload-patch.yaml", file.patch()));
        }
        let resources = &mut rendering.resources;
        if self.visibility == Visibility::Mesh && !self.module_guards_gateways() {
            resources.push(deployment::silent_gateways(self));
        }
        let is_image = matches!(&self.module, Some(Module(ModuleSource::Image(_))));
        let kinds =
            [(self.proxies.sidecars, "sidecar", &[INBOUND, OUTBOUND][..]), (self.proxies.gateways, "gateway", &[GATEWAY])];
        let chosen = kinds.into_iter().filter(|(is_chosen, ..)| *is_chosen);
        match self.mode {
            Mode::Observe => resources.extend(chosen.map(|(_, proxy, contexts)| deployment::observe(self, proxy, contexts))),
            Mode::Native => resources.extend(chosen.map(|(_, proxy, contexts)| deployment::native(self, proxy, contexts))),
            Mode::Annotate if is_image => resources.push(waypoint::plugin_of_pods(self)),
            Mode::Annotate => resources.push(deployment::annotate(self)),
        }
        if self.visibility == Visibility::Always && self.proxies.gateways && self.mode != Mode::Annotate {
            resources.push(deployment::always(self));
        }
        if let Some(first) = resources.first_mut().filter(|first| first.kind == Kind::EnvoyFilter) {
            first.text.insert_str(0, deployment::intent(self));
        }
        rendering
    }

    /// Whether every gateway gets the module as HTTP filter, which takes out what the proxies behind it say.
    fn module_guards_gateways(&self) -> bool {
        let is_everywhere = self.namespace == self.root_namespace && self.selector.is_empty();
        self.mode == Mode::Annotate && self.proxies.gateways && is_everywhere
    }

    /// The labels of pods: where the module is a file, also the one that comes with its mount.
    pub(crate) fn pod_selector(&self) -> Selector {
        match &self.module {
            Some(Module(ModuleSource::File(_))) => self.selector.and(LABEL_KEY, LABEL_VALUE),
            _ => self.selector.clone(),
        }
    }

    /// Of 10 000 requests, how many the module as HTTP filter looks at.
    pub(crate) fn sample(&self) -> u16 {
        self.trace_check.unwrap_or(if self.mode == Mode::Annotate { trace_check::SAMPLE } else { 0 })
    }

    fn check(&self) -> Result<(), Refusal> {
        let Proxies { sidecars, gateways, waypoints } = self.proxies;
        let is = |mode| self.mode == mode;
        let has_filters = self.proxies.take_envoy_filters();
        let server = match &self.module {
            Some(Module(ModuleSource::Server(server))) => Some(server),
            _ => None,
        };
        let is_image = matches!(&self.module, Some(Module(ModuleSource::Image(_))));
        let is_file = matches!(&self.module, Some(Module(ModuleSource::File(_))));
        let full_takes_filter = is(Mode::Native) || (is(Mode::Observe) && has_filters);
        let needs_gateway = self.istio_minor.is_none_or(|minor| minor <= 30) && !is(Mode::Native);
        let is_target = |kind| self.targets.iter().any(|target| target.kind == kind);
        let rules = [
            (!has_filters && !waypoints, Refusal::NoProxies),
            (self.istio_minor.is_some_and(|minor| minor < 27), Refusal::TooOld),
            (is(Mode::Native) && self.module.is_some(), Refusal::ModuleInNative),
            (!is(Mode::Native) && self.module.is_none(), Refusal::HashMissing),
            (self.level == Level::Full && full_takes_filter, Refusal::FullLevel),
            (self.trace_check.is_some() && is(Mode::Native), Refusal::TraceCheckInNative),
            (self.trace_check.is_some_and(|sample| sample > 10_000), Refusal::Sample),
            (self.counters && !is(Mode::Native), Refusal::CountersOfModule),
            (self.counters && has_filters && self.istio_minor.is_some_and(|minor| minor < 29), Refusal::CountersTooOld),
            (self.fetch_once && !(is(Mode::Observe) && has_filters && server.is_some()), Refusal::FetchOnce),
            (self.server && !server.is_some_and(|server| server.is_own), Refusal::ServerElsewhere),
            (is_image && is(Mode::Observe) && has_filters, Refusal::ImageInObserve),
            (is_image && (sidecars != gateways) && self.selector.is_empty(), Refusal::ImageForOneKind),
            (is_file && self.selector.is_empty(), Refusal::FileWithoutSelector),
            (is_file && (gateways || waypoints), Refusal::FileElsewhere),
            (waypoints && !self.selector.is_empty(), Refusal::SelectorOfWaypoints),
            (!waypoints && !self.targets.is_empty(), Refusal::TargetWithoutWaypoints),
            (self.targets.len() > Target::MOST, Refusal::TooManyTargets),
            (is_target(TargetKind::GatewayClass) && self.namespace != self.root_namespace, Refusal::ClassElsewhere),
            (is_target(TargetKind::Service) && needs_gateway, Refusal::ServiceTarget),
        ];
        rules.into_iter().find(|(is_wrong, _)| *is_wrong).map_or(Ok(()), |(_, refusal)| Err(refusal))
    }
}
