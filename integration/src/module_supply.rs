//! A proxy whose control plane sends it meshwhy while the module can or cannot be had.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::{Value, json};

use crate::artifacts::{module, workspace};
use crate::bootstrap::{Addresses, BootstrapPart, LogFiles, bootstrap, part};
use crate::certificates::Certificates;
use crate::client::request::ClientRequest;
use crate::client::{self, Response};
use crate::deployment::{AnnotationVisibility, Deployment, Setup, point_to};
use crate::discovery::{CLUSTER, LISTENER, ResourceFile};
use crate::envoy::{Envoy, locate};
use crate::merge::{overlay, walk};
use crate::module_server::{ModuleAnswer, ModuleServer, sha256};
use crate::run_directory::RunDirectory;
use crate::scenario::{Placement, Scenario};
use crate::tail::wait_for;
use crate::upstream::{Upstream, UpstreamFault, UpstreamKind};

/// How long Envoy may take with an update: it waits for the module as long as the manifest's timeout.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a worker may need until its new listeners take connections.
const HANDOVER: Duration = Duration::from_millis(50);
/// How long a server takes that is slow: longer than the manifest waits.
const SLOW: Duration = Duration::from_secs(3);

/// Where Envoy counts what it is sent.
const CLUSTERS: &str = "cluster_manager.cds";
const LISTENERS: &str = "listener_manager.lds";

/// A WebAssembly module that exports nothing.
const EMPTY_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// A shipped way to deploy meshwhy that has a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `sidecar/observe.yaml`: access loggers of the connection manager, the TCP proxy and the listener.
    Sidecar,
    /// `gateway/observe.yaml`.
    Gateway,
    /// `annotate.yaml`: an HTTP filter.
    Filter,
    /// `sidecar/observe.yaml` beside `fetch-once.yaml`, which has the module fetched by a cluster before any listener asks.
    FetchedOnce,
}

/// What a proxy gets that asks for the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    /// The module.
    Good,
    /// Status 404.
    Absent,
    /// Status 200 without a body.
    Empty,
    /// Bytes that are no module, and the manifest has their hash.
    NotWasm,
    /// A module without the functions that Envoy calls, and the manifest has its hash.
    OtherAbi,
    /// The module, and the manifest has another hash.
    OtherHash,
    /// No connection.
    Down,
    /// The module, too late.
    Slow,
    /// No answer for so long.
    Hanging(Duration),
    /// Nobody to ask: the proxy does not know the cluster.
    NoCluster,
}

/// What the control plane has sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Listeners with meshwhy in them.
    pub meshwhy: bool,
    /// A later change that the user made: a header in every response.
    pub change: bool,
}

/// What a client got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The listener and the path.
    pub request: String,
    /// The status, 0 if there was no response.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// An Envoy that reads its listeners, and the clusters of the module, from files.
#[derive(Debug)]
pub struct SuppliedProxy {
    way: Way,
    supply: Supply,
    envoy: Envoy,
    parts: Vec<BootstrapPart>,
    listeners: ResourceFile,
    clusters: ResourceFile,
    ready_after: Duration,
    _upstream: Upstream,
    refusing: Upstream,
    directory: RunDirectory,
}

impl Way {
    /// Those that stand alone.
    pub const ALL: [Self; 3] = [Self::Sidecar, Self::Gateway, Self::Filter];

    fn setup(self) -> Result<Setup> {
        let (deployment, placement) = match self {
            Self::Sidecar | Self::FetchedOnce => (Deployment::Observe, Placement::Sidecar),
            Self::Gateway => (Deployment::Observe, Placement::Gateway),
            Self::Filter => (Deployment::Annotate, Placement::Sidecar),
        };
        let setup = Setup::new(deployment).placed(placement).visible(AnnotationVisibility::Mesh).without_trace_check();
        if self != Self::FetchedOnce {
            return Ok(setup);
        }
        let overlay = fs::read_to_string(workspace().join("envoyfilter/fetch-once.yaml"))?;
        Ok(setup.beside(serde_saphyr::from_multiple(&overlay)?))
    }

    /// The listeners: name and how they differ from the ordinary one.
    fn listeners(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Gateway => &[(HTTP, ROUTES), ("tcp", "protocol: TCP"), (TCP_TO_NOBODY, NOBODY), (NO_CHAIN, ELSEWHERE)],
            Self::Sidecar | Self::Filter | Self::FetchedOnce => &[
                (HTTP, ROUTES),
                ("tcp", "protocol: TCP"),
                (TCP_TO_NOBODY, NOBODY),
                ("inbound", "direction: INBOUND"),
                (NO_CHAIN, INBOUND_ELSEWHERE),
            ],
        }
    }
}

/// The listeners whose failures leave records: of requests, of connections, of what came no further than the listener.
pub const FAILING: [&str; 3] = [HTTP, TCP_TO_NOBODY, NO_CHAIN];
const HTTP: &str = "http";
const TCP_TO_NOBODY: &str = "tcp-to-nobody";
const NO_CHAIN: &str = "no-chain";

const NOBODY: &str = "protocol: TCP\nhttp: {cluster: nobody}";
const ELSEWHERE: &str = "filter_chain: {filter_chain_match: {source_ports: [1]}}";
const INBOUND_ELSEWHERE: &str = "direction: INBOUND\nfilter_chain: {filter_chain_match: {source_ports: [1]}}";

/// One route to the upstream, one to nobody; there is none for other paths.
const ROUTES: &str = "
virtual_host:
  routes:
  - {name: ok, match: {path: /ok}, route: {cluster: '{{cluster}}'}}
  - {name: nobody, match: {path: /nobody}, route: {cluster: nobody}}
";

impl SuppliedProxy {
    /// Starts a proxy whose first configuration is this.
    ///
    /// # Errors
    /// Something is missing, or Envoy does not become ready.
    pub fn start(way: Way, supply: Supply, sent: Sent) -> Result<Self> {
        let mut directory = RunDirectory::new("supply")?;
        let certificates = Certificates::make(directory.path())?;
        let upstream = Upstream::start(UpstreamKind::Status(200), &certificates)?;
        let refusing = Upstream::start(UpstreamKind::UpstreamFault(UpstreamFault::Refuse), &certificates)?;
        let addresses = Addresses { upstream: Some(upstream.address()), ..Addresses::default() };
        let parts = way.listeners().iter().enumerate().map(|(index, (name, fields))| {
            let scenario = Scenario::parse(name, &format!("summary: A listener of the user.\nupstream: http\n{fields}\n"))?;
            let logs = LogFiles { json: &directory.path().join("access.json"), text: &directory.path().join("access.txt") };
            part(&scenario, index, &addresses, &logs, &[])
        });
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let mut bootstrap = bootstrap(&parts, &[], &[json!({"name": "nobody", "type": "STATIC"})]);
        let mut listeners = ResourceFile::new(directory.path().join("listeners.json"), LISTENER);
        let mut clusters = ResourceFile::new(directory.path().join("clusters.json"), CLUSTER);
        overlay(
            &mut bootstrap,
            &json!({
                "dynamic_resources": {"lds_config": listeners.source(), "cds_config": clusters.source()},
            }),
        );
        clusters.write(&module_clusters(way, supply, sent, &refusing)?)?;
        listeners.write(&all_listeners(way, supply, &parts, sent, directory.path())?)?;
        let began = Instant::now();
        let envoy = Envoy::start(&locate()?, &bootstrap, directory.path()).inspect_err(|_| directory.keep())?;
        let ready_after = began.elapsed();
        Ok(Self { way, supply, envoy, parts, listeners, clusters, ready_after, _upstream: upstream, refusing, directory })
    }

    /// Sends a configuration and waits until Envoy has taken or refused it.
    ///
    /// # Errors
    /// The file cannot be written, or Envoy does neither.
    pub fn send(&mut self, sent: Sent) -> Result<()> {
        let before = self.answered_updates(CLUSTERS)?;
        self.clusters.write(&module_clusters(self.way, self.supply, sent, &self.refusing)?)?;
        self.settles(CLUSTERS, before, "cluster_manager.warming_clusters")?;
        let before = self.answered_updates(LISTENERS)?;
        self.listeners.write(&all_listeners(self.way, self.supply, &self.parts, sent, self.directory.path())?)?;
        self.settles(LISTENERS, before, "listener_manager.total_listeners_warming")?;
        sleep(HANDOVER);
        Ok(())
    }

    fn settles(&self, discovery: &str, before: u64, warming: &str) -> Result<()> {
        let settled = || {
            let answered = self.answered_updates(discovery).ok()? > before;
            (answered && self.envoy.statistic(warming).ok()? == 0).then_some(())
        };
        wait_for(PATIENCE, settled).with_context(|| format!("Envoy neither takes nor refuses what {discovery} sends"))
    }

    fn answered_updates(&self, discovery: &str) -> Result<u64> {
        Ok(self.envoy.statistic(&format!("{discovery}.update_success"))?
            + self.envoy.statistic(&format!("{discovery}.update_rejected"))?)
    }

    /// How many configurations Envoy refused.
    ///
    /// # Errors
    /// The admin interface does not answer.
    pub fn refused(&self) -> Result<u64> {
        Ok(self.envoy.statistic(&format!("{CLUSTERS}.update_rejected"))?
            + self.envoy.statistic(&format!("{LISTENERS}.update_rejected"))?)
    }

    /// From now on the proxy gets something else when it asks, and the manifest says so.
    pub fn supplied_with(&mut self, supply: Supply) {
        self.supply = supply;
    }

    /// Whether the proxy takes connections at all.
    pub fn listens(&self) -> bool {
        self.names().any(|name| self.envoy.listener(name).is_some())
    }

    /// What clients get from the upstream, for a path without a route and from a cluster without endpoints, through every listener.
    ///
    /// # Errors
    /// A listener is not there.
    pub fn answers(&self) -> Result<Vec<Answered>> {
        let mut answers = Vec::new();
        for name in self.names() {
            for path in ["/ok", "/nowhere", "/nobody"] {
                let response = self.ask(name, path)?;
                let (status, body) = response.map_or_else(Default::default, |response| (response.status, response.body));
                answers.push(Answered { request: format!("{name} {path}"), status, body });
            }
        }
        Ok(answers)
    }

    /// Whether the user's change is in the listeners that have the module.
    ///
    /// # Errors
    /// A listener is not there.
    pub fn changed(&self) -> Result<bool> {
        let mut changed = Vec::new();
        for name in self.names().filter(|name| [HTTP, "inbound"].contains(name)) {
            let response = self.ask(name, "/ok")?.with_context(|| format!("{name} gives no response"))?;
            changed.push(response.header("x-later").is_some());
        }
        if self.way != Way::Filter {
            // A TCP proxy has statistics by the name that the change gives it.
            changed.push(self.envoy.admin("/stats")?.contains("tcp.later.downstream_cx_total"));
        }
        ensure!(
            changed.iter().all(|one| Some(one) == changed.first()),
            "the change arrived in some listeners alone: {changed:?}"
        );
        Ok(changed.first() == Some(&true))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| part.listener.get("name")?.as_str())
    }

    fn ask(&self, listener: &str, path: &str) -> Result<Option<Response>> {
        let address = self.envoy.listener(listener).with_context(|| format!("no listener {listener}"))?;
        let request = ClientRequest { path: path.to_owned(), ..ClientRequest::default() };
        // A connection that is closed at once is no response, however the client learns it.
        Ok(client::send(address, &request, None).unwrap_or_default())
    }

    /// Whether a failure of this listener has left a record.
    pub fn recorded(&self, listener: &str) -> bool {
        let Some(address) = self.envoy.listener(listener) else { return false };
        let own = format!("\"envoy.downstream_local_address\":\"{address}\"");
        let native = fs::read_to_string(self.directory.path().join("native.log")).unwrap_or_default();
        let logs = format!("{}{native}", self.log());
        logs.lines().any(|line| line.contains("\"meshwhy.record\"") && line.contains(&own))
    }

    /// How long the proxy took until it was ready.
    pub fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// Its Envoy.
    pub fn envoy(&self) -> &Envoy {
        &self.envoy
    }

    /// All that Envoy wrote to its log.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.envoy.log()).unwrap_or_default()).into_owned()
    }

    /// Runs a check; a failure keeps the files and carries the report.
    ///
    /// # Errors
    /// Those of the check.
    pub fn check<T>(mut self, check: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        check(&mut self).map_err(|error| {
            self.directory.keep();
            anyhow!("{:?}, {:?}: {error:#}\n{}", self.way, self.supply, self.envoy.failure_report())
        })
    }
}

/// The clusters of the manifests as the control plane sends them.
fn module_clusters(way: Way, supply: Supply, sent: Sent, refusing: &Upstream) -> Result<Vec<Value>> {
    if !sent.meshwhy {
        return Ok(Vec::new());
    }
    let setup = way.setup()?;
    let documents = setup.documents()?;
    let mut clusters = setup.clusters(&documents)?;
    if supply == Supply::NoCluster {
        clusters.retain(|cluster| cluster.get("load_assignment").is_none());
    }
    for cluster in &mut clusters {
        if supply == Supply::Down {
            point_to(cluster, refusing.address());
        }
        supply_with(cluster, supply, &documents)?;
    }
    Ok(clusters)
}

/// The listeners as the control plane sends them.
fn all_listeners(way: Way, supply: Supply, parts: &[BootstrapPart], sent: Sent, directory: &Path) -> Result<Vec<Value>> {
    let setup = way.setup()?;
    let documents = setup.documents()?;
    let listed = parts.iter().map(|part| {
        let mut listener = part.listener.clone();
        if sent.change {
            walk(&mut listener, &mut change);
        }
        if sent.meshwhy {
            setup.apply(&documents, &mut listener, &directory.join("native.log"))?;
            supply_with(&mut listener, supply, &documents)?;
        }
        Ok(listener)
    });
    listed.collect()
}

/// Has every plugin ask for what is supplied, as long as the manifest says.
fn supply_with(resource: &mut Value, supply: Supply, documents: &[Value]) -> Result<()> {
    let (path, hash) = offer(supply)?;
    let timeout = shipped_timeout(documents)?;
    walk(resource, &mut |value| {
        if let Some(remote) = value.get_mut("remote").filter(|remote| remote.get("http_uri").is_some()) {
            let uri = format!("http://meshwhy-module{path}");
            overlay(remote, &json!({"sha256": hash, "http_uri": {"uri": uri, "timeout": timeout}}));
        }
    });
    Ok(())
}

/// How long a proxy waits for the module, as the manifest says; elsewhere the harness has it wait longer.
fn shipped_timeout(documents: &[Value]) -> Result<Value> {
    let mut found = None;
    for mut document in documents.iter().cloned() {
        walk(&mut document, &mut |value| found = found.take().or_else(|| value.pointer("/http_uri/timeout").cloned()));
    }
    found.context("no timeout in the manifest")
}

/// The user's change: every response of a route table has a header more, every TCP proxy another name for its statistics.
fn change(value: &mut Value) {
    let Some(fields) = value.as_object_mut() else { return };
    if fields.contains_key("virtual_hosts") {
        fields.insert("response_headers_to_add".to_owned(), json!([{"header": {"key": "x-later", "value": "1"}}]));
    } else if fields.get("@type").and_then(Value::as_str).is_some_and(|kind| kind.ends_with(".TcpProxy")) {
        fields.insert("stat_prefix".to_owned(), "later".into());
    }
}

/// Has the server of this process offer it; the path and the hash that the manifest has.
fn offer(supply: Supply) -> Result<(String, String)> {
    let server = ModuleServer::shared()?;
    let good = fs::read(module()?)?;
    let hash = sha256(&good);
    let (path, answer, hash) = match supply {
        Supply::Good | Supply::Down | Supply::NoCluster => ("/good.wasm", ModuleAnswer::Bytes(good), hash),
        Supply::Absent => ("/absent.wasm", ModuleAnswer::NotFound, hash),
        Supply::Empty => ("/empty.wasm", ModuleAnswer::Bytes(Vec::new()), hash),
        Supply::NotWasm => ("/not-wasm.wasm", ModuleAnswer::Bytes(b"not a module\n".to_vec()), sha256(b"not a module\n")),
        Supply::OtherAbi => ("/other-abi.wasm", ModuleAnswer::Bytes(EMPTY_MODULE.to_vec()), sha256(EMPTY_MODULE)),
        Supply::OtherHash => ("/other-hash.wasm", ModuleAnswer::Bytes(good), sha256(b"another module")),
        Supply::Slow => ("/slow.wasm", ModuleAnswer::Slow(good, SLOW), hash),
        Supply::Hanging(time) => ("/hanging.wasm", ModuleAnswer::Slow(good, time), hash),
    };
    server.answer(path, answer);
    Ok((path.to_owned(), hash))
}
