//! The sidecar of a client, a gateway and the sidecar of a server, each one process, in front of an application.

use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use serde_json::{Value, json};

use super::cluster::{cluster, http2, outbound};
use super::filters::{denied, policies};
use super::listener::{
    PeerAuthentication, gateway_http, gateway_https, inbound, outbound_http, outbound_tcp, unknown_hosts, virtual_host,
    virtual_inbound, virtual_outbound,
};
use super::proxy::Proxy;
use crate::certificates::Certificates;
use crate::client::request::{ClientRequest, ClientTls};
use crate::client::{self, Response};
use crate::deployment::Deployment;
use crate::observation::{is_record, record_json};
use crate::run_directory::RunDirectory;
use crate::scenario::Placement;
use crate::tail::Tail;
use crate::upstream::{Upstream, UpstreamFault, UpstreamKind};

/// A log to which nothing was added for so long is at rest; Envoy flushes its files every 50 milliseconds.
const QUIET: Duration = Duration::from_millis(160);
/// How long a log may take to come to rest.
const SETTLING: Duration = Duration::from_secs(5);

/// A proxy of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    /// The client's sidecar, pod `web-0`.
    Client,
    /// The gateway, pod `edge-0`.
    Gateway,
    /// The server's sidecar, pod `shop-0`.
    Server,
}

/// Where a client enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The workload beside the client's sidecar, where unknown hosts are blocked.
    Client,
    /// The same, where unknown hosts are passed on.
    Permissive,
    /// The same, with bytes for the service on this listener.
    Bytes(&'static str),
    /// A stranger, at the gateway's plaintext port.
    Gateway,
    /// A stranger, at the gateway's port for TLS.
    GatewayTls,
    /// A peer without a proxy, at a port of the server's sidecar.
    Server(&'static str),
}

/// What one request leaves behind.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What the client got; absent if the connection ended without a response.
    pub response: Option<Response>,
    /// What each proxy logged, by pod.
    pub logs: Vec<(&'static str, Vec<String>)>,
}

/// The proxies and the application.
#[derive(Debug)]
pub struct Chain {
    proxies: [Proxy; 3],
    certificates: Certificates,
    _upstreams: Vec<Upstream>,
    directory: RunDirectory,
}

impl Hop {
    /// Its pod.
    pub const fn pod(self) -> &'static str {
        match self {
            Self::Client => "web-0",
            Self::Gateway => "edge-0",
            Self::Server => "shop-0",
        }
    }
}

impl Exchange {
    /// The lines as `kubectl logs --prefix` prints them.
    pub fn collected(&self) -> String {
        let lines = self.logs.iter().flat_map(|(pod, lines)| lines.iter().map(move |line| (pod, line)));
        lines.map(|(pod, line)| format!("[pod/{pod}/istio-proxy] {line}\n")).collect()
    }

    /// The records of one proxy: lines of the module, or of the loggers in the manifests.
    pub fn records(&self, hop: Hop) -> Vec<&String> {
        self.lines(hop).iter().filter(|line| is_record(line)).collect()
    }

    /// The access log of one proxy.
    pub fn access_log(&self, hop: Hop) -> Vec<Value> {
        let lines = self.lines(hop).iter().filter(|line| line.starts_with('{') && !is_record(line));
        lines.filter_map(|line| record_json(line)).collect()
    }

    /// The header in which proxies say why.
    pub fn proxy_status(&self) -> Option<String> {
        self.response.as_ref()?.header("proxy-status")
    }

    fn lines(&self, hop: Hop) -> &[String] {
        self.logs.iter().find(|(pod, _)| *pod == hop.pod()).map(|(_, lines)| lines.as_slice()).unwrap_or_default()
    }
}

impl Chain {
    /// Starts them, meshwhy deployed to each as it is shipped.
    ///
    /// # Errors
    /// Something is missing, or an Envoy refuses its configuration.
    pub fn start(deployment: Option<Deployment>) -> Result<Self> {
        let name = deployment.map_or("without", Deployment::name);
        let mut directory = RunDirectory::new(&format!("chain-{name}"))?;
        let certificates = Certificates::make(directory.path())?;
        let started = Self::proxies(deployment, &certificates, &directory).inspect_err(|_| directory.keep())?;
        let (proxies, upstreams) = started;
        Ok(Self { proxies, certificates, _upstreams: upstreams, directory })
    }

    fn proxies(
        deployment: Option<Deployment>,
        certificates: &Certificates,
        directory: &RunDirectory,
    ) -> Result<([Proxy; 3], Vec<Upstream>)> {
        let application = Upstream::start(UpstreamKind::UpstreamFault(UpstreamFault::ByPath), certificates)?;
        let grpc = Upstream::start(UpstreamKind::UpstreamFault(UpstreamFault::OverLimit), certificates)?;
        let refusing = Upstream::start(UpstreamKind::UpstreamFault(UpstreamFault::Refuse), certificates)?;
        let authorizer = Upstream::start(UpstreamKind::Status(403), certificates)?;

        let http = || Some(Vec::new());
        let listeners = vec![
            inbound(8080, PeerAuthentication::Permissive, Some(policies("authorizer")), certificates),
            inbound(8081, PeerAuthentication::Strict, Some(policies("authorizer")), certificates),
            inbound(8082, PeerAuthentication::Disable, http(), certificates),
            inbound(8083, PeerAuthentication::Strict, http(), certificates),
            inbound(8084, PeerAuthentication::Strict, http(), certificates),
            inbound(5432, PeerAuthentication::Permissive, None, certificates),
            inbound(5433, PeerAuthentication::Disable, None, certificates),
            denied(inbound(5435, PeerAuthentication::Strict, None, certificates)),
            virtual_inbound(certificates),
        ];
        let clusters = vec![
            cluster("inbound|8080||", &[application.address()]),
            cluster("inbound|8081||", &[application.address()]),
            cluster("inbound|8082||", &[application.address()]),
            cluster("inbound|8083||", &[refusing.address()]),
            http2(cluster("inbound|8084||", &[grpc.address()])),
            cluster("inbound|5432||", &[application.address()]),
            cluster("inbound|5433||", &[refusing.address()]),
            cluster("inbound|5435||", &[application.address()]),
            cluster("InboundPassthroughCluster", &[application.address()]),
            cluster("BlackHoleCluster", &[]),
            cluster("authorizer", &[authorizer.address()]),
        ];
        let path = directory.path();
        let server = Proxy::start(Hop::Server.pod(), Placement::Sidecar, deployment, listeners, clusters, path)?;
        let gateway = Self::gateway(deployment, &server, &refusing, certificates, directory)?;
        let client = Self::client(deployment, [&server, &gateway], &refusing, &application, certificates, directory)?;
        Ok(([client, gateway, server], vec![application, grpc, refusing, authorizer]))
    }

    fn gateway(
        deployment: Option<Deployment>,
        server: &Proxy,
        refusing: &Upstream,
        certificates: &Certificates,
        directory: &RunDirectory,
    ) -> Result<Proxy> {
        let to = |host: &str, port: u16, account: Option<&str>| -> Result<Value> {
            Ok(outbound(host, port, &[server.address(&format!("10.245.90.20_{port}"))?], account, certificates))
        };
        let clusters = vec![
            to(STRICT, 8081, Some("edge"))?,
            to(REFUSING, 8083, Some("edge"))?,
            outbound(GONE, 8085, &[refusing.address()], Some("edge"), certificates),
            cluster("BlackHoleCluster", &[]),
        ];
        let hosts = |port: u16| {
            // Every host at the edge is a public one.
            let public = |host: &str, domain: &str, port_of_service: u16, prefix: &str| {
                let mut host = virtual_host(host, port_of_service, prefix, &json!({}));
                if let Some(fields) = host.as_object_mut() {
                    fields.insert("name".to_owned(), format!("{domain}:{port}").into());
                    fields.insert("domains".to_owned(), json!([domain]));
                }
                host
            };
            [
                public(STRICT, "shop.demo", 8081, "/"),
                public(REFUSING, "refusing.demo", 8083, "/"),
                public(GONE, "gone.demo", 8085, "/"),
                public(STRICT, "narrow.demo", 8081, "/only"),
                json!({"name": "secure.demo:8080", "domains": ["secure.demo"], "require_tls": "ALL", "include_request_attempt_count": true}),
            ]
        };
        let strict = super::cluster::outbound_name(STRICT, 8081);
        let withheld = match deployment {
            Some(Deployment::Annotate) => "%FILTER_STATE(wasm.meshwhy.proxy_status:PLAIN)%",
            _ => "%DYNAMIC_METADATA(meshwhy:proxy_status)%",
        };
        let listeners = vec![
            gateway_http(&hosts(8080), withheld),
            gateway_https(&strict, &["shop.demo", "narrow.demo"], &hosts(8443), withheld, &certificates.placeholders()),
        ];
        Proxy::start(Hop::Gateway.pod(), Placement::Gateway, deployment, listeners, clusters, directory.path())
    }

    fn client(
        deployment: Option<Deployment>,
        [server, gateway]: [&Proxy; 2],
        refusing: &Upstream,
        application: &Upstream,
        certificates: &Certificates,
        directory: &RunDirectory,
    ) -> Result<Proxy> {
        let at = |port: u16| server.address(&format!("10.245.90.20_{port}"));
        let service = |host: &str, port: u16, endpoints: &[SocketAddr], mutual: bool| {
            outbound(host, port, endpoints, mutual.then_some("web"), certificates)
        };
        let clusters = vec![
            service(PERMISSIVE, 8080, &[at(8080)?], false),
            service(STRICT, 8081, &[at(8081)?], true),
            service(RETRIED, 8081, &[refusing.address(), at(8081)?], true),
            service(PLAINTEXT_TO_STRICT, 8081, &[at(8081)?], false),
            service(TLS_TO_PLAINTEXT, 8082, &[at(8082)?], true),
            service(DISABLED, 8082, &[at(8082)?], false),
            service(REFUSING, 8083, &[at(8083)?], true),
            http2(service(GRPC, 8084, &[at(8084)?], true)),
            service(PASSTHROUGH, 8086, &[server.address("virtualInbound")?], false),
            service(VIA_GATEWAY, 80, &[gateway.address("0.0.0.0_8080")?], false),
            service(GONE, 8085, &[refusing.address()], true),
            service(DATABASE, 5432, &[at(5432)?], true),
            service(BROKEN_DATABASE, 5433, &[at(5433)?], false),
            service(GONE, 5434, &[refusing.address()], true),
            service(DENIED_DATABASE, 5435, &[at(5435)?], true),
            cluster("PassthroughCluster", &[application.address()]),
            cluster("BlackHoleCluster", &[]),
        ];
        let delay = json!({"typed_per_filter_config": {"envoy.filters.http.fault": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
            "delay": {"fixed_delay": "0.05s", "percentage": {"numerator": 100}},
        }}});
        let plain = |host: &str, port: u16| virtual_host(host, port, "/", &json!({}));
        let mut delayed = virtual_host(STRICT, 8081, "/", &delay);
        if let Some(fields) = delayed.as_object_mut() {
            fields.insert("name".to_owned(), "delayed.demo:8081".into());
            fields.insert("domains".to_owned(), json!(["delayed.demo"]));
        }
        let mut via_gateway = plain(VIA_GATEWAY, 80);
        if let Some(route) = via_gateway.pointer_mut("/routes/0/route").and_then(Value::as_object_mut) {
            // The gateway knows the service by its public name.
            route.insert("host_rewrite_literal".to_owned(), "shop.demo".into());
        }
        let mut routeless = virtual_host(STRICT, 8081, "/only", &json!({}));
        if let Some(fields) = routeless.as_object_mut() {
            fields.insert("name".to_owned(), "routeless.demo:8081".into());
            fields.insert("domains".to_owned(), json!(["routeless.demo"]));
        }
        let known = [
            plain(PERMISSIVE, 8080),
            plain(STRICT, 8081),
            plain(RETRIED, 8081),
            plain(PLAINTEXT_TO_STRICT, 8081),
            plain(TLS_TO_PLAINTEXT, 8082),
            plain(DISABLED, 8082),
            plain(REFUSING, 8083),
            plain(GRPC, 8084),
            plain(PASSTHROUGH, 8086),
            plain(GONE, 8085),
            via_gateway,
            delayed,
            routeless,
        ];
        let with = |unknown: Value| known.iter().cloned().chain([unknown]).collect::<Vec<_>>();
        let name = super::cluster::outbound_name;
        let listeners = vec![
            outbound_http(8080, &with(unknown_hosts(false))),
            outbound_http(80, &with(unknown_hosts(true))),
            outbound_tcp("10.96.4.25_5432", &name(DATABASE, 5432)),
            outbound_tcp("10.96.4.25_5433", &name(BROKEN_DATABASE, 5433)),
            outbound_tcp("10.96.4.25_5434", &name(GONE, 5434)),
            outbound_tcp("10.96.4.25_5435", &name(DENIED_DATABASE, 5435)),
            outbound_tcp("passthrough", "PassthroughCluster"),
            virtual_outbound("BlackHoleCluster"),
        ];
        Proxy::start(Hop::Client.pod(), Placement::Sidecar, deployment, listeners, clusters, directory.path())
    }

    /// Sends a request and waits until no proxy logs anything more.
    ///
    /// # Errors
    /// The connection fails, or nothing is logged at all.
    pub fn send(&self, entry: Entry, request: &ClientRequest) -> Result<Exchange> {
        let tails: Vec<_> = self.proxies.iter().map(Proxy::tail).collect();
        let [client, gateway, server] = &self.proxies;
        let tls = self.certificates.client(request)?;
        let address = match entry {
            Entry::Client => client.address("0.0.0.0_8080")?,
            Entry::Permissive => client.address("0.0.0.0_80")?,
            Entry::Bytes(listener) => client.address(listener)?,
            Entry::Gateway => gateway.address("0.0.0.0_8080")?,
            Entry::GatewayTls => gateway.address("0.0.0.0_8443")?,
            Entry::Server(listener) => server.address(listener)?,
        };
        let response = match entry {
            // A handshake that fails is what some clients are for.
            _ if request.tls != ClientTls::None => client::send(address, request, tls.as_ref()).unwrap_or(None),
            _ => client::send(address, request, tls.as_ref())?,
        };
        let logs = self.proxies.iter().map(Proxy::pod).zip(settled(&tails)).collect();
        Ok(Exchange { response, logs })
    }

    /// The sum of all statistics of a proxy whose name ends so.
    ///
    /// # Errors
    /// The admin interface does not answer.
    pub fn statistic(&self, hop: Hop, suffix: &str) -> Result<u64> {
        let proxy = self.proxies.iter().find(|proxy| proxy.pod() == hop.pod());
        proxy.context("no such proxy")?.envoy().statistic(suffix)
    }

    /// Runs a check; a failure keeps the files and carries the reports.
    ///
    /// # Errors
    /// Those of the check.
    pub fn check<T>(mut self, check: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        check(&self).map_err(|error| {
            self.directory.keep();
            let reports: Vec<_> = self.proxies.iter().map(|proxy| proxy.envoy().failure_report()).collect();
            anyhow!("{error:#}\n{}", reports.join("\n"))
        })
    }
}

/// The services by the names that clients use.
const PERMISSIVE: &str = "permissive.demo";
const STRICT: &str = "strict.demo";
const RETRIED: &str = "retried.demo";
const PLAINTEXT_TO_STRICT: &str = "plaintext-to-strict.demo";
const TLS_TO_PLAINTEXT: &str = "tls-to-plaintext.demo";
const DISABLED: &str = "disabled.demo";
const REFUSING: &str = "refusing.demo";
const GRPC: &str = "grpc.demo";
const PASSTHROUGH: &str = "passthrough.demo";
const VIA_GATEWAY: &str = "via-gateway.demo";
const GONE: &str = "gone.demo";
const DATABASE: &str = "database.demo";
const BROKEN_DATABASE: &str = "broken-database.demo";
const DENIED_DATABASE: &str = "denied-database.demo";

/// The lines since, once nothing more comes.
fn settled(tails: &[Tail]) -> Vec<Vec<String>> {
    let began = Instant::now();
    let read = || tails.iter().map(Tail::lines).collect::<Vec<_>>();
    let count = |lines: &[Vec<String>]| lines.iter().map(Vec::len).sum::<usize>();
    let mut last = read();
    let mut since = Instant::now();
    while began.elapsed() < SETTLING {
        sleep(Duration::from_millis(20));
        let now = read();
        if count(&now) != count(&last) {
            since = Instant::now();
        } else if count(&now) > 0 && since.elapsed() >= QUIET {
            return now;
        }
        last = now;
    }
    last
}
