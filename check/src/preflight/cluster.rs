//! Whether the cluster knows the kinds, and whether Istio is new enough.

use std::collections::BTreeSet;

use super::{Remark, Standing};
use crate::mesh::Mesh;
use crate::model::{EnvoyFilter, Resource, ResourceKind, Workload};
use crate::rules::Message;

static KINDS_THERE: Message = Message { en: "the cluster has the kind {kind}", zh: "集群里有 {kind} 这个 kind" };
static KIND_MISSING: Message = Message {
    en: "no CustomResourceDefinition has the kind {kind} in {version}: apply those of this Istio first",
    zh: "没有 CustomResourceDefinition 提供 {version} 的 {kind}：请先 apply 这个版本 Istio 的 CRD",
};
static KIND_UNKNOWN: Message = Message {
    en: "no CustomResourceDefinition was given, so it is unknown whether the cluster has {kind}",
    zh: "没有给出 CustomResourceDefinition，因此不知道集群里有没有 {kind}",
};
static CONTROL_PLANE: Message =
    Message { en: "istiod is of Istio 1.{found}; 1.{needed} is needed", zh: "istiod 是 Istio 1.{found}，需要 1.{needed}" };
static CONTROL_PLANE_UNKNOWN: Message = Message {
    en: "no Deployment of istiod was given, so its version is unknown; Istio 1.{needed} is needed",
    zh: "没有给出 istiod 的 Deployment，因此不知道它的版本；需要 Istio 1.{needed}",
};
static OLD_PROXY: Message = Message {
    en: "the proxy is of Istio 1.{found}, whose Envoy refuses listeners with this configuration; 1.{needed} is needed ({count} pods like this)",
    zh: "代理是 Istio 1.{found}，它的 Envoy 会拒绝带有这些配置的 listener；需要 1.{needed}（这样的 Pod 有 {count} 个）",
};
static PROXIES: Message =
    Message { en: "the proxies of {count} pods are new enough", zh: "{count} 个 Pod 的代理版本都足够新" };

/// Plural names are what the lower-case kind with an `s` is, for all that are rendered.
pub(super) fn kinds<'a>(given: &Mesh<'a>, rendered: &Mesh<'_>, remarks: &mut Vec<Remark<'a>>) {
    let own = |resource: &&Resource<'_>| resource.kind.is_istio();
    let wanted: BTreeSet<_> =
        rendered.resources.iter().filter(own).map(|resource| (resource.kind, resource.api_version.to_owned())).collect();
    for (kind, api_version) in wanted {
        let name = format!("{}s.{}", kind.name().to_ascii_lowercase(), kind.group());
        let version = api_version.rsplit('/').next().unwrap_or_default().to_owned();
        let mut definitions = given.of(ResourceKind::CustomResourceDefinition).peekable();
        let is_any = definitions.peek().is_some();
        let serves = |definition: &Resource<'a>| {
            definition.spec().list("versions").any(|served| {
                let is_served = served.get("served").is_none_or(|served| served.as_bool() != Some(false));
                is_served && served.str_at(&["name"]) == Some(version.as_str())
            })
        };
        remarks.push(match definitions.find(|definition| definition.name == name) {
            Some(found) if serves(&found) => Remark::new(Standing::Passed, &KINDS_THERE).with("kind", kind.name()),
            Some(found) => Remark::new(Standing::Failed, &KIND_MISSING)
                .with("kind", kind.name())
                .with("version", api_version)
                .at(&found, found.name_node().place()),
            None if is_any => Remark::new(Standing::Failed, &KIND_MISSING).with("kind", kind.name()).with("version", api_version),
            None => Remark::new(Standing::Unknown, &KIND_UNKNOWN).with("kind", kind.name()),
        });
    }
}

/// Envoy 1.35 takes status filters without a `runtime_key`; istiod 1.29 knows the stats access logger; TrafficExtension came with 1.30.
pub(super) fn versions<'a>(given: &Mesh<'a>, rendered: &Mesh<'_>, remarks: &mut Vec<Remark<'a>>) {
    const STATS: &str = "type.googleapis.com/envoy.extensions.access_loggers.stats.v3.Config";
    let has_filters = rendered.has(ResourceKind::EnvoyFilter);
    let counts = rendered.of(ResourceKind::EnvoyFilter).map(EnvoyFilter).any(|filter| {
        let values = filter.patches().filter_map(|patch| patch.value()).collect::<Vec<_>>();
        values.into_iter().flat_map(|value| value.descendants()).any(|node| node.text() == Some(STATS))
    });
    let needed = match () {
        () if rendered.has(ResourceKind::TrafficExtension) => 30,
        () if counts => 29,
        () => 27,
    };
    let is_istiod = |workload: &&Workload<'a>| {
        workload.resource.kind != ResourceKind::Pod
            && (workload.labels().get("app") == Some("istiod") || workload.resource.name.starts_with("istiod"))
    };
    let mut control_planes = 0;
    for workload in given.workloads().iter().filter(is_istiod) {
        let image = workload.containers().find_map(|container| container.image().filter(|image| image.contains("/pilot")));
        let Some(found) = image.and_then(minor) else { continue };
        control_planes += 1;
        let standing = if found < needed { Standing::Failed } else { Standing::Passed };
        let remark = Remark::new(standing, &CONTROL_PLANE).with("found", found.to_string()).with("needed", needed.to_string());
        remarks.push(remark.at(&workload.resource, workload.resource.name_node().place()));
    }
    if control_planes == 0 {
        remarks.push(Remark::new(Standing::Unknown, &CONTROL_PLANE_UNKNOWN).with("needed", needed.to_string()));
    }
    if !has_filters {
        return;
    }
    let proxies: Vec<_> =
        given.workloads().iter().filter_map(|workload| Some((workload, minor(workload.proxy()?.image()?)?))).collect();
    let old: Vec<_> = proxies.iter().filter(|(_, found)| *found < 27).collect();
    if let Some((workload, found)) = old.first() {
        let remark = Remark::new(Standing::Failed, &OLD_PROXY).with("found", found.to_string()).with("needed", "27");
        let remark = remark.with("count", old.len().to_string());
        remarks.push(remark.at(&workload.resource, workload.resource.name_node().place()));
    } else if !proxies.is_empty() {
        remarks.push(Remark::new(Standing::Passed, &PROXIES).with("count", proxies.len().to_string()));
    }
}

/// The minor release in the tag of one of Istio's images, such as `docker.io/istio/proxyv2:1.30.2-distroless`.
fn minor(image: &str) -> Option<u32> {
    let tag = image.split('@').next()?.rsplit('/').next()?.split_once(':')?.1;
    tag.strip_prefix("1.")?.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_says_the_release() {
        for (image, expected) in [
            ("docker.io/istio/proxyv2:1.30.2-distroless", Some(30)),
            ("registry:5000/istio/pilot:1.29@sha256:ab", Some(29)),
            ("registry:5000/istio/pilot", None),
            ("istio/proxyv2:latest", None),
            ("istio/proxyv2:1.", None),
            ("istio/proxyv2:2.30", None),
        ] {
            assert_eq!(minor(image), expected, "{image}");
        }
    }
}
