//! Where a probe sets out from: this machine, or a pod.

use std::time::Duration;

use meshwhy_cluster::{Access, Session, Tunnel, TunnelFailure};
use meshwhy_core::Lang;
use meshwhy_probe::{Address, ConnectFailure, Connection, Connector, Resolver, SocketError};

use crate::failure::Failure;
use crate::paths::unreadable;

/// The pod that is asked for.
pub(crate) struct PodOrigin {
    pub(crate) access: Access,
    pub(crate) namespace: Option<String>,
    pub(crate) pod: String,
    /// The first that is no proxy where absent.
    pub(crate) container: Option<String>,
}

/// Where a probe sets out from.
pub(crate) enum Way {
    Here(Resolver),
    /// The session has the threads that the tunnel needs.
    Pod {
        tunnel: Box<Tunnel>,
        instead: Option<Address>,
        _session: Box<Session>,
    },
}

impl Way {
    /// From here, or from a pod.
    ///
    /// # Errors
    /// The cluster cannot be asked, or has no such pod.
    pub(crate) fn new(here: Resolver, origin: Option<&PodOrigin>, lang: Lang) -> Result<Self, Failure> {
        let Some(PodOrigin { access, namespace, pod, container }) = origin else { return Ok(Self::Here(here)) };
        // Which namespace istiod is in does not matter here.
        let session = Session::connect(access, "")?;
        let tunnel = session.tunnel(namespace.as_deref(), pod, container.as_deref());
        let tunnel = tunnel.map_err(|gap| unreadable(&gap.what, std::io::Error::other(gap.reason.text(lang))))?;
        Ok(Self::Pod { tunnel: Box::new(tunnel), instead: here.instead, _session: Box::new(session) })
    }
}

impl Connector for Way {
    async fn connect(&self, to: &Address, patience: Duration) -> Result<Connection, ConnectFailure> {
        let (tunnel, instead) = match self {
            Self::Here(resolver) => return resolver.connect(to, patience).await,
            Self::Pod { tunnel, instead, .. } => (tunnel, instead),
        };
        let to = instead.as_ref().unwrap_or(to);
        let peer = format!("{to} from {}", tunnel.name());
        match tunnel.open(&to.host, to.port, patience).await {
            Ok(stream) => Ok(Connection { stream: Box::new(stream), peer }),
            Err(TunnelFailure::Silent) => Err(ConnectFailure::Socket { address: peer, error: SocketError::TimedOut }),
            Err(TunnelFailure::Refused(reason)) if reason.contains("Connection refused") => {
                Err(ConnectFailure::Socket { address: peer, error: SocketError::Refused })
            }
            Err(TunnelFailure::Refused(reason)) => Err(ConnectFailure::Tunnel { reason: format!("{}: {reason}", tunnel.name()) }),
        }
    }
}
