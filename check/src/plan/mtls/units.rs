//! Gathers the units of both meshes.

use foldhash::{HashMap, HashSet};

use super::{Mtls, MtlsFacts, MtlsUnit, namespace_of};
use crate::mesh::Mesh;
use crate::model::ServicePort;
use crate::plan::dependencies::pairs;
use crate::plan::object::ObjectName;

/// Makes a [`Mtls`].
#[derive(Debug, Default)]
pub(crate) struct MtlsBuilder {
    mtls: Mtls,
    units: HashSet<MtlsUnit>,
}

impl MtlsBuilder {
    /// Takes in what a version of a resource says.
    pub(crate) fn version(&mut self, index: usize, facts: &MtlsFacts) {
        let note = |map: &mut HashMap<String, Vec<usize>>, key: &str| {
            let known = map.entry(key.to_owned()).or_default();
            if !known.contains(&index) {
                known.push(index);
            }
        };
        match facts {
            MtlsFacts::Policy(policy) => note(&mut self.mtls.policies, &policy.namespace),
            MtlsFacts::Rule(rule) => {
                note(&mut self.mtls.rules, &rule.host);
                if !namespace_of(&rule.host).is_empty() && !rule.host.starts_with('*') {
                    let unit = MtlsUnit {
                        host: rule.host.clone(),
                        port: None,
                        target: None,
                        namespace: namespace_of(&rule.host),
                        labels: Vec::new(),
                        workload: None,
                        service: None,
                    };
                    self.units.insert(unit);
                }
            }
            MtlsFacts::Namespace { name, .. } => {
                self.mtls.namespaces.insert(name.clone(), index);
            }
            MtlsFacts::Workload(_) | MtlsFacts::Service | MtlsFacts::Silent => {}
        }
    }

    /// Takes in the Services of a mesh and their workloads.
    pub(crate) fn services(&mut self, mesh: &Mesh<'_>, indexes: &HashMap<ObjectName, usize>) {
        for service in mesh.services() {
            let index = |root| indexes.get(&ObjectName::read(root, &mesh.settings.namespace)?).copied();
            let workloads: Vec<usize> =
                mesh.workloads_of(service).iter().filter_map(|workload| index(workload.resource.root)).collect();
            let workloads: Vec<Option<usize>> =
                if workloads.is_empty() { vec![None] } else { workloads.into_iter().map(Some).collect() };
            let mut ports: Vec<Option<ServicePort<'_>>> = service.ports().map(Some).collect();
            if ports.is_empty() {
                ports.push(None);
            }
            for workload in workloads {
                self.units.extend(ports.iter().map(|port| MtlsUnit {
                    host: service.host(),
                    port: port.and_then(ServicePort::number),
                    target: port.and_then(ServicePort::target),
                    namespace: service.0.namespace.to_owned(),
                    labels: service.selector().map(pairs).unwrap_or_default(),
                    workload,
                    service: index(service.0.root),
                }));
            }
        }
    }

    /// With everything gathered; `changing` are the workloads that may get or lose a proxy.
    pub(crate) fn finish<'v>(mut self, workloads: &[usize], before: super::View<'v>, after: super::View<'v>) -> Mtls {
        let of_services: HashSet<String> =
            self.units.iter().filter(|unit| unit.service.is_some()).map(|unit| unit.host.clone()).collect();
        self.units.retain(|unit| unit.service.is_some() || !of_services.contains(&unit.host));
        let mut units: Vec<MtlsUnit> = self.units.into_iter().collect();
        units.sort_by(|one, other| (&one.host, one.port, one.workload).cmp(&(&other.host, other.port, other.workload)));
        for (index, unit) in units.iter().enumerate() {
            self.mtls.by_namespace.entry(unit.namespace.clone()).or_default().push(index);
            self.mtls.by_host.entry(unit.host.clone()).or_default().push(index);
            for entry in [unit.workload, unit.service].into_iter().flatten() {
                self.mtls.by_entry.entry(entry).or_default().push(index);
            }
        }
        self.mtls.units = units;
        let proxy = |index: usize, view: super::View<'v>| match view(index) {
            MtlsFacts::Workload(workload) => self.mtls.has_proxy(workload, view),
            _ => None,
        };
        let is_changing = |index: &usize| {
            let (before, after) = (proxy(*index, before), proxy(*index, after));
            before != after && (before == Some(false) || after == Some(false))
        };
        let changing = workloads.iter().copied().filter(is_changing).collect();
        self.mtls.changing = changing;
        self.mtls
    }
}
