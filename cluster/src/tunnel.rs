//! A connection that begins inside a pod: a program of one of its containers passes the bytes on. So the traffic takes the way of the
//! workload's own, its sidecar included.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{AttachParams, AttachedProcess};
use kube::{Api, Client};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, Join, ReadBuf, ReadHalf, SimplexStream, WriteHalf, join};
use tokio::time::timeout;

use crate::gap::Gap;
use crate::proxies::ProxyContainer;
use crate::selection::answered;

/// Connects to `$0` at port `$1` with what the container has, says so, and passes bytes on. What is first can say whether it is connected.
const RELAY: &str = r#"
if command -v python3 >/dev/null 2>&1; then exec python3 -c '
import os, socket, sys, threading
peer = socket.create_connection((sys.argv[1], int(sys.argv[2])))
os.write(1, b"connected\n")
def upwards():
    while True:
        data = os.read(0, 65536)
        if not data:
            break
        peer.sendall(data)
    peer.shutdown(socket.SHUT_WR)
threading.Thread(target=upwards, daemon=True).start()
while True:
    data = peer.recv(65536)
    if not data:
        break
    os.write(1, data)
' "$0" "$1"; fi
if command -v bash >/dev/null 2>&1; then exec bash -c 'exec 3<>"/dev/tcp/$0/$1" || exit 1; echo connected; cat >&3 & cat <&3' "$0" "$1"; fi
if command -v socat >/dev/null 2>&1; then echo connected; exec socat - "TCP:$0:$1"; fi
if command -v nc >/dev/null 2>&1; then echo connected; exec nc "$0" "$1"; fi
echo 'the container has none of python3, bash, socat, nc' >&2
exit 127
"#;
/// What it says first.
const CONNECTED: &[u8] = b"connected\n";
/// Most bytes of what a program complains of.
const MAX_COMPLAINT: u64 = 4096;

/// A container to connect from.
#[derive(Clone)]
pub struct Tunnel {
    client: Client,
    namespace: String,
    pod: String,
    container: String,
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TunnelFailure {
    /// What the program in the container says, or the API server.
    Refused(String),
    /// Nothing came of it in time.
    Silent,
}

impl Tunnel {
    /// Begins in a container; the first that is no proxy where none is named.
    pub(crate) async fn new(client: &Client, namespace: &str, pod: &str, container: Option<&str>) -> Result<Self, Gap> {
        let container = match container {
            Some(name) => name.to_owned(),
            None => {
                let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
                let found = answered(&format!("pod {pod}.{namespace}"), api.get(pod)).await?;
                let proxies = ProxyContainer::of(&found);
                let containers = found.spec.into_iter().flat_map(|spec| spec.containers).map(|container| container.name);
                let is_application = |name: &String| proxies.iter().all(|proxy| proxy.container != *name);
                containers.into_iter().find(is_application).unwrap_or_default()
            }
        };
        Ok(Self { client: client.clone(), namespace: namespace.to_owned(), pod: pod.to_owned(), container })
    }

    /// Whom it begins in, for people.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}/{}", self.pod, self.namespace, self.container)
    }

    /// Connects to a host and port as the container sees them.
    ///
    /// # Errors
    /// Nobody takes the connection, or nothing in the container can make one.
    pub async fn open(&self, host: &str, port: u16, patience: Duration) -> Result<TunnelStream, TunnelFailure> {
        timeout(patience, self.opened(host, port)).await.unwrap_or(Err(TunnelFailure::Silent))
    }

    async fn opened(&self, host: &str, port: u16) -> Result<TunnelStream, TunnelFailure> {
        let refused = |text: &str| TunnelFailure::Refused(text.trim().to_owned());
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &self.namespace);
        let attached = AttachParams::default().container(&self.container).stdin(true).stdout(true).stderr(true);
        let port = port.to_string();
        let mut process = api
            .exec(&self.pod, ["sh", "-c", RELAY, host, &port], &attached)
            .await
            .map_err(|error| refused(&crate::gap::message(&error)))?;
        let missing = || refused("the API server gives no streams of the container");
        let input = process.stdin().ok_or_else(missing)?;
        let mut output = process.stdout().ok_or_else(missing)?;
        let mut complaints = process.stderr().ok_or_else(missing)?.take(MAX_COMPLAINT);
        let mut first = [0; CONNECTED.len()];
        if output.read_exact(&mut first).await.is_err() || first != CONNECTED {
            let mut complaint = Vec::new();
            let _ = complaints.read_to_end(&mut complaint).await;
            let status = match process.take_status() {
                Some(status) => status.await.and_then(|status| status.message).filter(|message| !message.is_empty()),
                None => None,
            };
            let complaint = String::from_utf8_lossy(&complaint).into_owned();
            let last = complaint.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned);
            return Err(refused(&last.or(status).unwrap_or_else(|| "the container ended the connection".to_owned())));
        }
        Ok(TunnelStream { bytes: join(output, input), _process: process })
    }
}

/// The bytes of a connection; the program in the container ends with it.
pub struct TunnelStream {
    bytes: Join<ReadHalf<SimplexStream>, WriteHalf<SimplexStream>>,
    _process: AttachedProcess,
}

impl AsyncRead for TunnelStream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_read(context, buffer)
    }
}

impl AsyncWrite for TunnelStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.bytes).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_shutdown(context)
    }
}
