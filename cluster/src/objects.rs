//! Manifests as the API server has them, and events.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, stream};
use k8s_openapi::api::core::v1::{ConfigMap, Event};
use kube::api::DynamicObject;
use kube::core::{ApiResource, GroupVersionKind};
use kube::discovery::{ApiGroup, Scope};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::gap::{Gap, GapReason};
use crate::selection::{all, answered};

/// How many lists are asked for at once.
const AT_ONCE: usize = 6;

/// A kind of object that is read: its group, its plural, and whether it lives outside of namespaces.
pub(crate) struct Read {
    pub(crate) group: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) is_of_cluster: bool,
}

const fn read(group: &'static str, plural: &'static str) -> Read {
    Read { group, plural, is_of_cluster: false }
}

const fn of_cluster(group: &'static str, plural: &'static str) -> Read {
    Read { group, plural, is_of_cluster: true }
}

/// What is listed beside pods: everything that rules look at but Secrets, which nobody has to show.
pub(crate) const READ: &[Read] = &[
    of_cluster("", "namespaces"),
    read("", "services"),
    read("apps", "daemonsets"),
    read("apps", "deployments"),
    read("apps", "statefulsets"),
    read("batch", "cronjobs"),
    read("batch", "jobs"),
    read("networking.k8s.io", "ingresses"),
    read("networking.k8s.io", "networkpolicies"),
    of_cluster("admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
    of_cluster("admissionregistration.k8s.io", "validatingwebhookconfigurations"),
    read("extensions.istio.io", "trafficextensions"),
    read("extensions.istio.io", "wasmplugins"),
    read("networking.istio.io", "destinationrules"),
    read("networking.istio.io", "envoyfilters"),
    read("networking.istio.io", "gateways"),
    read("networking.istio.io", "proxyconfigs"),
    read("networking.istio.io", "serviceentries"),
    read("networking.istio.io", "sidecars"),
    read("networking.istio.io", "virtualservices"),
    read("networking.istio.io", "workloadentries"),
    read("networking.istio.io", "workloadgroups"),
    read("security.istio.io", "authorizationpolicies"),
    read("security.istio.io", "peerauthentications"),
    read("security.istio.io", "requestauthentications"),
    read("telemetry.istio.io", "telemetries"),
    read("gateway.networking.k8s.io", "backendtlspolicies"),
    of_cluster("gateway.networking.k8s.io", "gatewayclasses"),
    read("gateway.networking.k8s.io", "gateways"),
    read("gateway.networking.k8s.io", "grpcroutes"),
    read("gateway.networking.k8s.io", "httproutes"),
    read("gateway.networking.k8s.io", "listenersets"),
    read("gateway.networking.k8s.io", "referencegrants"),
    read("gateway.networking.k8s.io", "tcproutes"),
    read("gateway.networking.k8s.io", "tlsroutes"),
    read("gateway.networking.k8s.io", "udproutes"),
];

/// The ConfigMaps of the control plane: the mesh configuration, and that of the injector.
pub(crate) const CONFIG_MAPS: [&str; 2] = ["istio", "istio-sidecar-injector"];

/// One object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// `VirtualService/shop/pay`, `Namespace/shop`.
    pub name: String,
    /// Its manifest in YAML, without what only the API server is interested in.
    pub yaml: String,
    /// Whether its kind is one of Kubernetes itself.
    pub is_builtin: bool,
}

/// What a cluster is configured with.
#[derive(Debug, Default)]
pub struct Objects {
    /// All objects, kind by kind, by name.
    pub objects: Vec<Object>,
    /// What could not be listed.
    pub gaps: Vec<Gap>,
}

impl Objects {
    /// Lists what is configured: pods of one namespace or all, everything else of the whole cluster where that is allowed, else of that
    /// namespace and the root namespace.
    pub(crate) async fn read(client: &Client, namespace: Option<&str>, root: &str) -> Self {
        let mut found = Self::default();
        let resources = found.served(client).await;
        let lists =
            resources.into_iter().map(|(resource, is_of_cluster)| listed(client, resource, is_of_cluster, namespace, root));
        let mut lists: Vec<(usize, Self)> = stream::iter(lists.enumerate().map(|(at, list)| async move { (at, list.await) }))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        lists.sort_by_key(|(at, _)| *at);
        for (_, Self { objects, gaps }) in lists {
            found.objects.extend(objects);
            found.gaps.extend(gaps);
        }
        for name in CONFIG_MAPS {
            let api: Api<ConfigMap> = Api::namespaced(client.clone(), root);
            match answered(&format!("configmap {name}.{root}"), api.get(name)).await {
                Ok(map) => found.objects.extend(object("v1", "ConfigMap", serde_json::to_value(map).unwrap_or_default(), true)),
                Err(gap) => found.gaps.push(gap),
            }
        }
        found
    }

    /// The resources among those wanted that this API server has, each in its most stable version: EnvoyFilter has none of `v1`.
    async fn served(&mut self, client: &Client) -> Vec<(ApiResource, bool)> {
        let mut served = vec![(builtin("", "v1", "Pod", "pods"), false)];
        let mut groups: Vec<&str> = READ.iter().map(|wanted| wanted.group).collect();
        groups.dedup();
        let present = match answered("API groups", client.list_api_groups()).await {
            Ok(list) => list.groups.into_iter().map(|group| group.name).collect::<Vec<_>>(),
            Err(gap) => {
                self.gaps.push(gap);
                return served;
            }
        };
        for group in groups.into_iter().filter(|group| group.is_empty() || present.iter().any(|name| name == group)) {
            match answered(&format!("API group {group}"), kube::discovery::group(client, group)).await {
                Ok(found) => {
                    served.extend(wanted_of(&found));
                    self.objects.extend(definitions(&found));
                }
                Err(gap) => self.gaps.push(gap),
            }
        }
        served
    }
}

fn wanted_of(group: &ApiGroup) -> Vec<(ApiResource, bool)> {
    let wanted = |plural: &str| READ.iter().any(|wanted| wanted.group == group.name() && wanted.plural == plural);
    let resources = group.resources_by_stability().into_iter().filter(|(resource, _)| wanted(&resource.plural));
    resources.map(|(resource, capabilities)| (resource, capabilities.scope == Scope::Cluster)).collect()
}

/// What discovery shows of the custom resources of a group, as the definitions behind it say it; these themselves have a megabyte of schemas.
fn definitions(group: &ApiGroup) -> Vec<Object> {
    if is_builtin(group.name()) {
        return Vec::new();
    }
    let mut versions: BTreeMap<String, (ApiResource, bool, Vec<Value>)> = BTreeMap::new();
    for version in group.versions() {
        for (resource, capabilities) in group.versioned_resources(version) {
            let is_of_cluster = capabilities.scope == Scope::Cluster;
            let plural = resource.plural.clone();
            let (_, _, served) = versions.entry(plural).or_insert((resource, is_of_cluster, Vec::new()));
            served.push(json!({"name": version, "served": true}));
        }
    }
    let definition = |(resource, is_of_cluster, versions): (ApiResource, bool, Vec<Value>)| {
        let value = json!({
            "metadata": {"name": format!("{}.{}", resource.plural, resource.group)},
            "spec": {
                "group": resource.group,
                "names": {"kind": resource.kind, "plural": resource.plural},
                "scope": if is_of_cluster { "Cluster" } else { "Namespaced" },
                "versions": versions,
            },
        });
        object("apiextensions.k8s.io/v1", "CustomResourceDefinition", value, true)
    };
    versions.into_values().filter_map(definition).collect()
}

/// Whether the kinds of a group are Kubernetes' own.
fn is_builtin(group: &str) -> bool {
    !group.ends_with(".istio.io") && group != "gateway.networking.k8s.io"
}

fn builtin(group: &str, version: &str, kind: &str, plural: &str) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
}

/// One list, or several where the whole is forbidden.
async fn listed(client: &Client, resource: ApiResource, is_of_cluster: bool, namespace: Option<&str>, root: &str) -> Objects {
    let what =
        if resource.group.is_empty() { resource.plural.clone() } else { format!("{}.{}", resource.plural, resource.group) };
    let is_pods = resource.group.is_empty() && resource.plural == "pods";
    let of = |namespace: &str| Api::<DynamicObject>::namespaced_with(client.clone(), namespace, &resource);
    let whole = match namespace.filter(|_| is_pods) {
        Some(namespace) => all(&of(namespace), &what, None).await,
        None => all(&Api::<DynamicObject>::all_with(client.clone(), &resource), &what, None).await,
    };
    let (items, gaps) = match (whole, namespace) {
        (Ok(items), _) => (items, Vec::new()),
        (Err(Gap { reason: GapReason::Forbidden, .. }), Some(namespace)) if !is_pods && !is_of_cluster => {
            let (mut items, mut gaps, mut seen) = (Vec::new(), Vec::new(), Vec::new());
            for namespace in [namespace, root] {
                if seen.iter().any(|known| known == namespace) {
                    continue;
                }
                match all(&of(namespace), &format!("{what} of {namespace}"), None).await {
                    Ok(found) => {
                        items.extend(found);
                        seen.push(namespace.to_owned());
                    }
                    Err(gap) => gaps.push(gap),
                }
            }
            gaps.extend((!seen.is_empty()).then_some(Gap { what, reason: GapReason::OnlyIn(seen) }));
            (items, gaps)
        }
        (Err(gap), _) => (Vec::new(), vec![gap]),
    };
    let is_builtin = is_builtin(&resource.group);
    let value = |item: DynamicObject| serde_json::to_value(item).unwrap_or_default();
    let mut objects: Vec<Object> =
        items.into_iter().filter_map(|item| object(&resource.api_version, &resource.kind, value(item), is_builtin)).collect();
    objects.sort_by(|a, b| a.name.cmp(&b.name));
    Objects { objects, gaps }
}

/// An object as a manifest.
fn object(api_version: &str, kind: &str, mut value: Value, is_builtin: bool) -> Option<Object> {
    let fields = value.as_object_mut()?;
    fields.insert("apiVersion".to_owned(), api_version.into());
    fields.insert("kind".to_owned(), kind.into());
    let metadata = fields.get_mut("metadata")?.as_object_mut()?;
    metadata.remove("managedFields");
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        // What was applied once stands in the object itself.
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    let name = metadata.get("name")?.as_str()?;
    let namespace = metadata.get("namespace").and_then(Value::as_str);
    let name = namespace.map_or_else(|| format!("{kind}/{name}"), |namespace| format!("{kind}/{namespace}/{name}"));
    Some(Object { name, yaml: serde_saphyr::to_string(&value).ok()?, is_builtin })
}

/// The events of a namespace or of all, one JSON object a line, the oldest first.
pub(crate) async fn events(client: &Client, namespace: Option<&str>) -> Result<String, Gap> {
    let api: Api<Event> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let mut events = all(&api, "events", None).await?;
    events.sort_by_key(|event| event.last_timestamp.as_ref().map(|time| time.0).or(event.event_time.as_ref().map(|time| time.0)));
    let mut lines = String::new();
    for mut event in events {
        event.metadata.managed_fields = None;
        if let Ok(line) = serde_json::to_string(&event) {
            lines.push_str(&line);
            lines.push('\n');
        }
    }
    Ok(lines)
}
