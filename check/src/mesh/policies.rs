//! Which PeerAuthentication decides.

use super::Mesh;
use crate::model::{PeerAuthentication, Workload, selects};

impl<'a> Mesh<'a> {
    /// The PeerAuthentications of a namespace.
    #[must_use]
    pub fn peer_authentications_of(&self, namespace: &str) -> &[PeerAuthentication<'a>] {
        self.names.peer_authentications.get(namespace).map(Vec::as_slice).unwrap_or_default()
    }

    /// The PeerAuthentication that decides for a port of a workload: its own, else the namespace's, else the mesh's. `None` where none of
    /// those given decides.
    #[must_use]
    pub fn peer_authentication(&self, workload: &Workload<'a>, port: i64) -> Option<PeerAuthentication<'a>> {
        let of = |namespace: &str| self.peer_authentications_of(namespace).iter().copied();
        let namespace = workload.resource.namespace;
        let own = of(namespace).find(|policy| {
            let selector = policy.0.selector();
            selector.is_some_and(|selector| selects(selector, workload.labels())) && policy.mode_of_port(port).is_some()
        });
        let of_namespace =
            |wanted: &str| of(wanted).find(|policy| policy.0.selector().is_none() && policy.mode_of_port(port).is_some());
        let deciding = own.or_else(|| of_namespace(namespace)).or_else(|| of_namespace(self.root_namespace()));
        deciding.filter(|policy| self.is_undivided(&policy.0))
    }

    /// The PeerAuthentication without selector that decides for a namespace: its own, else the mesh's.
    #[must_use]
    pub fn peer_authentication_of_namespace(&self, namespace: &str) -> Option<PeerAuthentication<'a>> {
        let of = |wanted: &str| {
            let mut all = self.peer_authentications_of(wanted).iter().copied();
            all.find(|policy| policy.0.selector().is_none() && policy.mode().is_some())
        };
        of(namespace).or_else(|| of(self.root_namespace())).filter(|policy| self.is_undivided(&policy.0))
    }
}
