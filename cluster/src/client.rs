//! The way to the API server.

use std::path::PathBuf;
use std::time::Duration;

use http::StatusCode;
use kube::client::ClientBuilder;
use kube::client::retry::RetryPolicy;
use kube::config::{InferConfigError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config, Error};
use tower::buffer::BufferLayer;
use tower::retry::RetryLayer;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer that is no stream may take, retries included.
pub(crate) const ANSWER: Duration = Duration::from_secs(60);
/// How often an answer of 429, 503 or 504 is asked for again; a `Retry-After` is heeded within [`ANSWER`].
const RETRIES: u32 = 5;
/// Requests that wait for the connection.
const WAITING: usize = 1024;

/// Which cluster, and as whom: as kubectl has it.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Instead of `$KUBECONFIG` and `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// Instead of the current context.
    pub context: Option<String>,
}

/// Why there is no way to the API server.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig that was named cannot be used.
    #[error("the kubeconfig cannot be used")]
    Kubeconfig(#[source] Box<KubeconfigError>),
    /// There is no kubeconfig that can be used, and this is no pod.
    #[error("there is no cluster to ask")]
    NoConfiguration(#[source] Box<InferConfigError>),
    /// The configuration is one, and cannot be used: a certificate, a command that fetches credentials.
    #[error("the configuration of the cluster cannot be used")]
    Configuration(#[source] Box<Error>),
    /// The API server does not answer, or not as one.
    #[error("the API server at {server} cannot be reached: {reason}")]
    Unreachable {
        /// Its address.
        server: String,
        /// Why, from the bottom of it.
        reason: String,
    },
    /// The API server does not say anything for too long.
    #[error("the API server at {server} does not answer")]
    Silent {
        /// Its address.
        server: String,
    },
    /// The API server does not know who is asking.
    #[error("the API server at {server} does not accept the credentials (401): they are wrong, or have expired")]
    Unauthorized {
        /// Its address.
        server: String,
    },
}

/// A client, and whom it speaks to.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) server: String,
}

impl Connection {
    /// Reads the configuration; nothing is sent.
    pub(crate) async fn new(access: &Access) -> Result<Self, ConnectError> {
        let mut config = configuration(access).await?;
        config.connect_timeout = Some(CONNECT);
        config.default_retry = false;
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let unusable = |error| ConnectError::Configuration(Box::new(error));
        let patient = RetryPolicy::new(Duration::from_millis(200), Duration::from_secs(5), RETRIES, true)
            .map_err(|error| unusable(Error::Service(error.into())))?;
        let client = ClientBuilder::try_from(config)
            .map_err(unusable)?
            .with_layer(&BufferLayer::new(WAITING))
            .with_layer(&RetryLayer::new(patient))
            .build();
        Ok(Self { client, server })
    }

    /// Asks for the version, which everybody may see who is known.
    pub(crate) async fn verify(&self) -> Result<String, ConnectError> {
        let server = self.server.clone();
        match tokio::time::timeout(ANSWER, self.client.apiserver_version()).await {
            Err(_) => Err(ConnectError::Silent { server }),
            Ok(Ok(version)) => Ok(version.git_version),
            Ok(Err(error)) => match status(&error) {
                Some(StatusCode::UNAUTHORIZED) => Err(ConnectError::Unauthorized { server }),
                // It is there; what it does not show it will name when asked.
                Some(StatusCode::FORBIDDEN) => Ok("unknown".to_owned()),
                _ => Err(ConnectError::Unreachable { server, reason: bottom(&error) }),
            },
        }
    }
}

async fn configuration(access: &Access) -> Result<Config, ConnectError> {
    let options = KubeConfigOptions { context: access.context.clone(), ..KubeConfigOptions::default() };
    let refused = |error| ConnectError::Kubeconfig(Box::new(error));
    if let Some(path) = &access.kubeconfig {
        let kubeconfig = Kubeconfig::read_from(path).map_err(refused)?;
        return Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(refused);
    }
    if access.context.is_some() {
        return Config::from_kubeconfig(&options).await.map_err(refused);
    }
    Config::infer().await.map_err(|error| ConnectError::NoConfiguration(Box::new(error)))
}

/// The status that the API server answered with.
pub(crate) fn status(error: &Error) -> Option<StatusCode> {
    match error {
        Error::Api(status) => StatusCode::from_u16(status.code).ok(),
        _ => None,
    }
}

/// The error that all others rest on.
fn bottom(error: &(dyn std::error::Error + 'static)) -> String {
    error.source().map_or_else(|| error.to_string(), bottom)
}
