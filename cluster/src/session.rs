//! Everything for a caller that does not wait asynchronously.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, mpsc};

use crate::admin::{self, Endpoint};
use crate::client::{Access, ConnectError, Connection};
use crate::gap::Gap;
use crate::logs::{LogProgress, LogRequest, Piece, Streams};
use crate::objects::{self, Objects};
use crate::proxies::ProxyContainer;
use crate::selection::{Selected, Selection};
use crate::tunnel::Tunnel;

/// Threads that wait for the network.
const THREADS: usize = 2;
/// Pieces that wait for the reader; when so many do, nothing more is read.
const WAITING: usize = 32;
/// Proxies that are asked about themselves at once.
const AT_ONCE: usize = 4;

/// A cluster that answers.
pub struct Session {
    runtime: Runtime,
    connection: Connection,
    /// The version of the API server.
    pub version: String,
    /// Where istiod is.
    pub root: String,
}

/// What a proxy says of itself, or why it does not.
pub type Answers = Vec<(Endpoint, Result<Bytes, Gap>)>;

impl Session {
    /// Reads the configuration and asks the API server for its version.
    ///
    /// # Errors
    /// There is no way to it.
    pub fn connect(access: &Access, root: &str) -> Result<Self, ConnectError> {
        let failed = |error: std::io::Error| ConnectError::Configuration(Box::new(kube::Error::Service(error.into())));
        let runtime = Builder::new_multi_thread().worker_threads(THREADS).enable_all().build().map_err(failed)?;
        let (connection, version) = runtime.block_on(async {
            let connection = Connection::new(access).await?;
            let version = connection.verify().await?;
            Ok((connection, version))
        })?;
        Ok(Self { runtime, connection, version, root: root.to_owned() })
    }

    /// The address of the API server.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.connection.server
    }

    /// The namespace of the context.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.connection.client.default_namespace()
    }

    /// Finds the proxies that are meant.
    #[must_use]
    pub fn select(&self, selection: &Selection) -> Selected {
        self.runtime.block_on(selection.resolve(&self.connection.client, self.namespace(), &self.root))
    }

    /// Lists what is configured.
    #[must_use]
    pub fn objects(&self, selection: &Selection) -> Objects {
        let namespace = selection.namespace(self.namespace());
        self.runtime.block_on(Objects::read(&self.connection.client, namespace, &self.root))
    }

    /// Lists events, one JSON object a line, the oldest first.
    ///
    /// # Errors
    /// They cannot be listed.
    pub fn events(&self, selection: &Selection) -> Result<String, Gap> {
        self.runtime.block_on(objects::events(&self.connection.client, selection.namespace(self.namespace())))
    }

    /// Asks proxies about themselves, several at once, and hands on the answers of each as it has them all.
    pub fn admin(&self, containers: &[ProxyContainer], mut take: impl FnMut(usize, Answers)) {
        let envoys = containers.iter().enumerate().filter(|(_, container)| container.kind.is_envoy());
        let asked = envoys.map(|(at, container)| async move { (at, admin::ask(&self.connection.client, container).await) });
        self.runtime.block_on(async {
            let mut answers = stream::iter(asked).buffer_unordered(AT_ONCE);
            while let Some((at, answers)) = answers.next().await {
                take(at, answers);
            }
        });
    }

    /// Connections that begin in a pod of a namespace; in the first container that is no proxy where none is named.
    ///
    /// # Errors
    /// The pod cannot be looked up.
    pub fn tunnel(&self, namespace: Option<&str>, pod: &str, container: Option<&str>) -> Result<Tunnel, Gap> {
        let namespace = namespace.unwrap_or_else(|| self.namespace());
        self.runtime.block_on(Tunnel::new(&self.connection.client, namespace, pod, container))
    }

    /// Begins to read logs. The pieces end when all are read, and never where they are followed: then pods of the selection that come later are
    /// read, too. A receiver that is dropped ends the reading.
    #[must_use]
    pub fn logs(
        &self,
        containers: &[ProxyContainer],
        selection: &Selection,
        request: LogRequest,
    ) -> (Pieces<'_>, Arc<LogProgress>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let progress = Arc::new(LogProgress::default());
        let streams = Arc::new(Streams {
            client: self.connection.client.clone(),
            request,
            progress: Arc::clone(&progress),
            sender,
            permits: Arc::new(Semaphore::new(if request.follow { Semaphore::MAX_PERMITS } else { request.at_once })),
        });
        if request.follow {
            let (namespace, root) = (self.namespace().to_owned(), self.root.clone());
            self.runtime.spawn(streams.join_newcomers(containers.to_vec(), selection.clone(), namespace, root));
        } else {
            for (source, container) in containers.iter().enumerate() {
                self.runtime.spawn(Arc::clone(&streams).read(source, Arc::new(container.clone())));
            }
        }
        (Pieces { session: self, receiver }, progress)
    }
}

/// What comes of logs.
pub struct Pieces<'s> {
    session: &'s Session,
    receiver: mpsc::Receiver<Piece>,
}

/// What came within some time.
pub enum Next {
    /// Lines, or what is missing of them.
    Piece(Piece),
    /// Nothing yet.
    Nothing,
    /// Nothing comes any more.
    End,
}

impl Pieces<'_> {
    /// Waits for the next one, but not longer than so long.
    pub fn next_within(&mut self, wait: std::time::Duration) -> Next {
        let Self { session, receiver } = self;
        let next = session.runtime.block_on(async { tokio::time::timeout(wait, receiver.recv()).await });
        match next {
            Err(_) => Next::Nothing,
            Ok(None) => Next::End,
            Ok(Some(piece)) => Next::Piece(piece),
        }
    }
}
