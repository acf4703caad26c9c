//! A sidecar that has a listener for each port of the mesh, with a deployment as it is shipped.

use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use crate::bootstrap::{Addresses, BootstrapPart, LogFiles, bootstrap, part};
use crate::deployment::{AnnotationVisibility, Deployment, Setup};
use crate::scenario::Scenario;

/// A sidecar's listeners by what they speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenerKind {
    /// HTTP, from the workload.
    OutboundHttp,
    /// TCP, from the workload.
    OutboundTcp,
    /// HTTP, to the workload.
    InboundHttp,
    /// TCP, to the workload.
    InboundTcp,
}

impl ListenerKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::OutboundHttp, Self::OutboundTcp, Self::InboundHttp, Self::InboundTcp];

    fn scenario(self, name: &str) -> Result<Scenario> {
        let fields = match self {
            Self::OutboundHttp => "",
            Self::OutboundTcp => "protocol: TCP",
            Self::InboundHttp => "direction: INBOUND",
            Self::InboundTcp => "direction: INBOUND\nprotocol: TCP",
        };
        Scenario::parse(name, &format!("summary: A listener of a sidecar.\ncluster: {{}}\n{fields}\n"))
    }
}

/// A listener of a sidecar with a deployment as it is shipped.
///
/// # Errors
/// The manifests cannot be applied, or the module is not there.
pub fn listener(kind: ListenerKind, deployment: Option<Deployment>) -> Result<Value> {
    Ok(listening(kind, "port", 0, deployment)?.listener)
}

fn setup(deployment: Option<Deployment>) -> Setup {
    Setup::new(deployment).visible(AnnotationVisibility::Mesh).without_trace_check()
}

fn listening(kind: ListenerKind, name: &str, index: usize, deployment: Option<Deployment>) -> Result<BootstrapPart> {
    let (setup, nowhere) = (setup(deployment), Path::new("/dev/null"));
    let logs = LogFiles { json: nowhere, text: nowhere };
    let mut part = part(&kind.scenario(name)?, index, &Addresses::default(), &logs, &[])?;
    setup.apply(&setup.documents()?, &mut part.listener, nowhere)?;
    Ok(part)
}

/// The bootstrap of a sidecar with two inbound HTTP ports, one of TCP, and so many outbound HTTP ports, and the bytes of its listeners.
///
/// # Errors
/// As [`listener`].
pub fn sidecar(ports: usize, deployment: Option<Deployment>) -> Result<(Value, usize)> {
    let inbound = [ListenerKind::InboundHttp, ListenerKind::InboundHttp, ListenerKind::InboundTcp].into_iter();
    let kinds = inbound.chain(std::iter::repeat_n(ListenerKind::OutboundHttp, ports));
    let parts = kinds.enumerate().map(|(index, kind)| listening(kind, &format!("port-{index}"), index, deployment));
    let parts = parts.collect::<Result<Vec<_>>>()?;
    let setup = setup(deployment);
    let listeners: Vec<_> = parts.iter().map(|part| part.listener.clone()).collect();
    let bytes = listeners.iter().map(|listener| listener.to_string().len()).sum();
    Ok((bootstrap(&parts, &listeners, &setup.clusters(&setup.documents()?)?), bytes))
}
