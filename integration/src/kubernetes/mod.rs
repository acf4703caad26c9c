//! A real API server with pods that run nothing: their logs are files, their proxy's administration interface any port of this machine.

mod definitions;
mod tools;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, ValidationDirective};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client, Config};
use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use tokio::runtime::Runtime;

use self::tools::Tools;
use crate::children::{Owned, watched};
use crate::run_directory::RunDirectory;

/// How long a control plane may take until it is ready.
const READY: Duration = Duration::from_secs(120);

/// Who may ask: the first may everything, the others what RBAC gives them.
pub const USERS: [&str; 3] = ["admin", "reader", "nobody"];

/// A pod's log.
#[derive(Debug, Clone)]
pub struct PodLog<'l> {
    /// The namespace of the pod.
    pub namespace: &'l str,
    /// Its name.
    pub pod: &'l str,
    /// The container.
    pub container: &'l str,
    /// What it wrote, line by line.
    pub lines: &'l str,
    /// What it wrote in its life before.
    pub previous: Option<&'l str>,
}

/// A control plane; it ends with this.
pub struct ApiServer {
    /// They end before their files are removed.
    _children: Vec<Owned>,
    directory: RunDirectory,
    port: u16,
    runtime: Runtime,
    client: Client,
}

impl ApiServer {
    /// Starts one whose pods have these logs, and whose proxies answer at this port of 127.0.0.1; or says what is missing here.
    ///
    /// # Errors
    /// Something that is there does not start.
    pub fn start(logs: &[PodLog<'_>], admin_port: Option<u16>) -> Result<Result<Self, String>> {
        let tools = match Tools::get() {
            Ok(tools) => tools,
            Err(missing) => return Ok(Err(missing)),
        };
        let directory = RunDirectory::new("kubernetes")?;
        let at = directory.path();
        let [peer, store, port, kubelet] = ports()?;
        write_credentials(at, port)?;
        fs::write(at.join("kwok.yaml"), kwok_configuration(at, logs, admin_port)?)?;
        let mut children = Vec::new();
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        children.push(started(
            watched(&tools.etcd)
                .args(["--unsafe-no-fsync", "--data-dir", "etcd"])
                .args(["--listen-client-urls", &url(store), "--advertise-client-urls", &url(store)])
                .args(["--listen-peer-urls", &url(peer)]),
            at,
            "etcd.log",
        )?);
        children.push(started(
            watched(&tools.api_server)
                .args(["--etcd-servers", &url(store), "--bind-address", "127.0.0.1", "--secure-port", &port.to_string()])
                // A machine may have no network at all, and nobody asks for the address of the server inside its cluster.
                .args(["--advertise-address", "127.0.0.1", "--endpoint-reconciler-type", "none"])
                .args(["--cert-dir", "certificates", "--token-auth-file", "tokens.csv", "--authorization-mode", "RBAC"])
                .args(["--service-account-key-file", "certificate.pem", "--service-account-signing-key-file", "key.pem"])
                .args(["--service-account-issuer", "https://meshwhy.test", "--service-cluster-ip-range", "10.96.0.0/16"])
                .args(["--disable-admission-plugins", "ServiceAccount", "--kubelet-preferred-address-types", "InternalIP"])
                .args(["--kubelet-client-certificate", "certificate.pem", "--kubelet-client-key", "key.pem"]),
            at,
            "kube-apiserver.log",
        )?);
        let runtime = Runtime::new()?;
        let client = ready(&runtime, at, &children)?;
        children.push(started(
            watched(&tools.kwok)
                .args(["--kubeconfig", "admin.yaml", "--manage-all-nodes", "--config", "kwok.yaml"])
                .args(["--server-address", &format!("127.0.0.1:{kubelet}"), "--node-ip", "127.0.0.1"])
                .args(["--node-port", &kubelet.to_string()])
                .args(["--tls-cert-file", "certificate.pem", "--tls-private-key-file", "key.pem"]),
            at,
            "kwok.log",
        )?);
        let server = Self { _children: children, directory, port, runtime, client };
        server.apply("apiVersion: v1\nkind: Node\nmetadata: {name: node-1}\n")?;
        Ok(Ok(server))
    }

    /// The kubeconfig of a user, with `shop` as namespace.
    pub fn kubeconfig(&self, user: &str) -> PathBuf {
        self.directory.path().join(format!("{user}.yaml"))
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Applies documents one by one, as `kubectl apply --server-side` does.
    ///
    /// # Errors
    /// The API server refuses one.
    pub fn apply(&self, manifests: &str) -> Result<()> {
        self.apply_with(manifests, &PatchParams::apply("meshwhy-test").force())
    }

    /// Defines the kinds of Istio and of the Gateway API, with the schemas that this project carries.
    ///
    /// # Errors
    /// The API server refuses one, or never serves it.
    pub fn define_kinds(&self) -> Result<()> {
        let definitions = definitions::all()?;
        definitions.iter().try_for_each(|definition| self.apply(&definition.to_string()))?;
        let api: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        for definition in &definitions {
            let name = definition.pointer("/metadata/name").and_then(Value::as_str).context("a definition without a name")?;
            let is_established = |definition: CustomResourceDefinition| {
                let conditions = definition.status.and_then(|status| status.conditions).unwrap_or_default();
                conditions.iter().any(|condition| condition.type_ == "Established" && condition.status == "True")
            };
            wait(name, || self.runtime.block_on(api.get(name)).is_ok_and(is_established))?;
        }
        Ok(())
    }

    /// Has the API server say whether it would take documents, as `kubectl apply --server-side --dry-run=server` does.
    ///
    /// # Errors
    /// It refuses one.
    pub fn would_apply(&self, manifests: &str) -> Result<()> {
        self.apply_with(
            manifests,
            &PatchParams {
                dry_run: true,
                field_validation: Some(ValidationDirective::Strict),
                ..PatchParams::apply("meshwhy-test").force()
            },
        )
    }

    fn apply_with(&self, manifests: &str, parameters: &PatchParams) -> Result<()> {
        for document in documents(manifests)? {
            let (api, object) = self.api(document)?;
            let name = object.metadata.name.clone().unwrap_or_default();
            let applied = self.runtime.block_on(api.patch(&name, parameters, &Patch::Apply(&object)));
            applied.with_context(|| format!("applying {name}"))?;
        }
        Ok(())
    }

    /// Where an object lives.
    fn api(&self, document: Value) -> Result<(Api<DynamicObject>, DynamicObject)> {
        let object: DynamicObject = serde_json::from_value(document)?;
        let types = object.types.clone().context("a document without a kind")?;
        let resource = ApiResource::from_gvk(&GroupVersionKind::try_from(&types)?);
        let api = match &object.metadata.namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        };
        Ok((api, object))
    }

    /// Deletes what documents describe.
    ///
    /// # Errors
    /// The API server refuses.
    pub fn delete(&self, manifests: &str) -> Result<()> {
        for document in documents(manifests)? {
            let (api, object) = self.api(document)?;
            let name = object.metadata.name.clone().unwrap_or_default();
            self.runtime.block_on(api.delete(&name, &DeleteParams::default())).with_context(|| format!("deleting {name}"))?;
        }
        Ok(())
    }

    /// Waits until a pod runs.
    ///
    /// # Errors
    /// It never does.
    pub fn wait_for_pod(&self, namespace: &str, name: &str) -> Result<()> {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        wait(&format!("pod {name}"), || {
            let phase = self.runtime.block_on(api.get(name)).ok().and_then(|pod| pod.status).and_then(|status| status.phase);
            phase.as_deref() == Some("Running")
        })
    }

    /// Its answer to a GET by somebody who may everything, as it is; `None` where it refuses.
    pub fn answer(&self, path: &str) -> Option<String> {
        let request = http::Request::get(path).body(Vec::new()).ok()?;
        self.runtime.block_on(self.client.request_text(request)).ok()
    }

    /// Appends lines to the log of a container, by the number of the log that it was started with.
    ///
    /// # Errors
    /// There is no such log.
    pub fn append(&self, number: usize, lines: &str) -> Result<()> {
        let mut file = File::options().append(true).open(self.directory.path().join(format!("logs/{number}.log")))?;
        Ok(file.write_all(cri(lines)?.as_bytes())?)
    }
}

/// The documents of a YAML text.
fn documents(text: &str) -> Result<Vec<Value>> {
    let mut documents = Vec::new();
    for document in text.split("\n---").map(|document| document.trim_start_matches("---")) {
        let is_empty = document.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
        if !is_empty {
            documents.push(serde_saphyr::from_str(document)?);
        }
    }
    Ok(documents)
}

fn ports<const N: usize>() -> Result<[u16; N]> {
    let listeners: Vec<TcpListener> = (0..N).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    let ports: Vec<u16> = listeners.iter().map(|it| Ok(it.local_addr()?.port())).collect::<Result<_>>()?;
    ports.try_into().ok().context("as many ports as were asked for")
}

fn write_credentials(at: &Path, port: u16) -> Result<()> {
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()])?.self_signed(&key)?;
    fs::write(at.join("key.pem"), key.serialize_pem())?;
    fs::write(at.join("certificate.pem"), certificate.pem())?;
    let group = |user: &str| if user == "admin" { ",\"system:masters\"" } else { "" };
    let tokens: String = USERS.iter().map(|user| format!("{user}-token,{user},{user}{}\n", group(user))).collect();
    fs::write(at.join("tokens.csv"), tokens)?;
    for user in USERS {
        let authority = at.join("certificates/apiserver.crt");
        fs::write(
            at.join(format!("{user}.yaml")),
            format!(
                "apiVersion: v1\nkind: Config\ncurrent-context: {user}\n\
                 clusters: [{{name: test, cluster: {{server: \"https://127.0.0.1:{port}\", certificate-authority: \"{}\"}}}}]\n\
                 users: [{{name: {user}, user: {{token: {user}-token}}}}]\n\
                 contexts: [{{name: {user}, context: {{cluster: test, user: {user}, namespace: shop}}}}]\n",
                authority.display()
            ),
        )?;
    }
    Ok(())
}

/// The logs of pods, which a kubelet keeps in the form of CRI, and where their ports lead.
fn kwok_configuration(at: &Path, logs: &[PodLog<'_>], admin_port: Option<u16>) -> Result<String> {
    let folder = at.join("logs");
    fs::create_dir_all(&folder)?;
    let mut text = String::new();
    for (number, log) in logs.iter().enumerate() {
        let file = |name: &str, lines: &str| -> Result<String> {
            let path = folder.join(format!("{number}.{name}"));
            fs::write(&path, cri(lines)?)?;
            Ok(path.display().to_string())
        };
        let current = file("log", log.lines)?;
        let previous = log.previous.map(|lines| file("previous", lines)).transpose()?;
        let previous = previous.map_or_else(String::new, |path| format!("\n    previousLogsFile: {path}"));
        write!(
            text,
            "---\napiVersion: kwok.x-k8s.io/v1alpha1\nkind: Logs\nmetadata: {{name: {}, namespace: {}}}\nspec:\n  logs:\n  \
             - containers: [{}]\n    logsFile: {current}{previous}\n    follow: true\n",
            log.pod, log.namespace, log.container
        )?;
    }
    // A program of a container is run on this machine.
    text.push_str(
        "---\napiVersion: kwok.x-k8s.io/v1alpha1\nkind: ClusterExec\nmetadata: {name: here}\nspec:\n  execs:\n  - local: {}\n",
    );
    if let Some(port) = admin_port {
        write!(
            text,
            "---\napiVersion: kwok.x-k8s.io/v1alpha1\nkind: ClusterPortForward\nmetadata: {{name: admin}}\nspec:\n  forwards:\n  \
             - ports: [15000]\n    target: {{port: {port}, address: 127.0.0.1}}\n"
        )?;
    }
    Ok(text)
}

/// Lines as the container runtime writes them, of now.
fn cri(lines: &str) -> Result<String> {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let mut text = String::new();
    for (number, line) in lines.lines().enumerate() {
        writeln!(text, "{now}.{number:09}Z stdout F {line}")?;
    }
    Ok(text)
}

fn started(command: &mut Command, at: &Path, log: &str) -> Result<Owned> {
    let file = File::create(at.join(log))?;
    let child = command.current_dir(at).stdout(file.try_clone()?).stderr(file).spawn();
    Ok(Owned::new(child.with_context(|| format!("starting {}", command.get_program().display()))?))
}

/// Waits until the API server says that it is ready, and gives a client that may everything.
fn ready(runtime: &Runtime, at: &Path, children: &[Owned]) -> Result<Client> {
    let begun = Instant::now();
    loop {
        let error = match runtime.block_on(asked(at)) {
            Ok(client) => return Ok(client),
            Err(error) => error,
        };
        let has_ended = children.iter().any(|child| child.get().try_wait().is_ok_and(|ended| ended.is_some()));
        if has_ended || begun.elapsed() > READY {
            let log = fs::read_to_string(at.join("kube-apiserver.log")).unwrap_or_default();
            let last: Vec<&str> = log.lines().rev().take(20).collect();
            return Err(
                error.context(format!("the API server is not ready; its last lines, the last first:\n{}", last.join("\n")))
            );
        }
        sleep(Duration::from_millis(200));
    }
}

async fn asked(at: &Path) -> Result<Client> {
    let kubeconfig = Kubeconfig::read_from(at.join("admin.yaml"))?;
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    config.default_retry = false;
    let client = Client::try_from(config)?;
    client.request_text(http::Request::get("/readyz").body(Vec::new())?).await?;
    Ok(client)
}

fn wait(what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
    let begun = Instant::now();
    while !holds() {
        ensure!(begun.elapsed() < READY, "{what}: not ready after {READY:?}");
        sleep(Duration::from_millis(200));
    }
    Ok(())
}
