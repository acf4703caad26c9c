//! What a proxy says of itself: Envoy's administration interface, which listens on the pod's own loopback address, through the API server.
//!
//! Source: Envoy "Administration interface" 1.40; Istio binds it to 127.0.0.1:15000 (`pkg/bootstrap`, 1.29).

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client};
use tokio::time::timeout;

use crate::client::ANSWER;
use crate::gap::{Gap, GapReason, message};
use crate::proxies::ProxyContainer;

/// The port of the administration interface.
const PORT: u16 = 15_000;
/// Most bytes of one answer: a sidecar that sees thousands of services has a dump of a hundred megabytes and more.
const MOST: usize = 512 << 20;

/// Something that a proxy says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// What it is asked for.
    pub path: &'static str,
    /// The name of a file with the answer, as `istioctl bug-report` has it.
    pub file: &'static str,
}

/// What is asked for; none of it changes anything.
pub const ENDPOINTS: [Endpoint; 5] = [
    Endpoint { path: "/config_dump?include_eds", file: "config_dump" },
    Endpoint { path: "/clusters", file: "clusters" },
    Endpoint { path: "/certs", file: "certs" },
    Endpoint { path: "/stats", file: "stats" },
    Endpoint { path: "/server_info", file: "server_info" },
];

/// Asks a proxy for all of it, over a connection each.
pub(crate) async fn ask(client: &Client, container: &ProxyContainer) -> Vec<(Endpoint, Result<Bytes, Gap>)> {
    let api: Api<Pod> = Api::namespaced(client.clone(), &container.namespace);
    let mut answers = Vec::new();
    for endpoint in ENDPOINTS {
        let what = format!("{} of {container}", endpoint.path);
        let answer = match timeout(ANSWER, get(&api, &container.pod, endpoint.path)).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(reason)) => Err(Gap { what, reason }),
            Err(_) => Err(Gap { what, reason: GapReason::Silent(ANSWER.as_secs()) }),
        };
        // Whoever may not forward one port may forward none.
        let is_closed =
            matches!(&answer, Err(Gap { reason: GapReason::Forbidden | GapReason::Unauthorized | GapReason::NotFound, .. }));
        answers.push((endpoint, answer));
        if is_closed {
            break;
        }
    }
    answers
}

async fn get(api: &Api<Pod>, pod: &str, path: &str) -> Result<Bytes, GapReason> {
    let failed = |error: &(dyn std::error::Error + 'static)| GapReason::Failed(message(error));
    let mut forwarder = api.portforward(pod, &[PORT]).await.map_err(|error| Gap::of("", &error).reason)?;
    let stream = forwarder.take_stream(PORT).ok_or_else(|| GapReason::Failed("the port was not forwarded".to_owned()))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
    let connection = tokio::spawn(connection);
    let request = Request::get(path).header("host", "localhost").body(Empty::<Bytes>::new()).map_err(|error| failed(&error))?;
    let answer = async {
        let answer = sender.send_request(request).await.map_err(|error| failed(&error))?;
        let status = answer.status();
        if !status.is_success() {
            return Err(GapReason::Failed(format!("the proxy answers {status}")));
        }
        let body = Limited::new(answer.into_body(), MOST).collect().await;
        body.map(http_body_util::Collected::to_bytes).map_err(|error| failed(error.as_ref()))
    };
    let answer = answer.await;
    connection.abort();
    forwarder.abort();
    answer
}
