//! Whether what is rendered reaches somebody, and whether these have the file.

use super::{Remark, Standing};
use crate::mesh::Mesh;
use crate::model::{EnvoyFilter, Resource, ResourceKind, Workload};
use crate::rules::Message;
use crate::scope::{targets as target_refs, written};

static SELECTS: Message = Message {
    en: "{resource} selects {count} workloads, {workload} for one",
    zh: "{resource} 选中 {count} 个工作负载，例如 {workload}",
};
static SELECTS_NOTHING: Message = Message {
    en: "{resource} selects nothing: no workload of {namespace} has the labels {labels}",
    zh: "{resource} 什么也没选中：{namespace} 里没有带标签 {labels} 的工作负载",
};
static SELECTS_UNKNOWN: Message = Message {
    en: "no workload of {namespace} was given, so it is unknown whether {labels} selects any",
    zh: "没有给出 {namespace} 的工作负载，因此不知道 {labels} 能否选中",
};
static MOUNTED: Message =
    Message { en: "the proxies of {count} workloads have {file}", zh: "{count} 个工作负载的代理里都有 {file}" };
static NOT_MOUNTED: Message = Message {
    en: "{workload} has the labels and does not mount {file}: its proxy would refuse every update of its listeners, and new pods would not become ready",
    zh: "{workload} 有这些标签，却没有挂载 {file}：它的代理会拒绝之后的所有 listener 更新，新 Pod 也无法就绪",
};
static TARGET: Message = Message { en: "{target} is there", zh: "{target} 存在" };
static TARGET_MISSING: Message = Message {
    en: "{target} is not in {namespace}, where {resource} is",
    zh: "{resource} 所在的 {namespace} 里没有 {target}",
};
static TARGET_UNKNOWN: Message = Message {
    en: "no Gateway of {namespace} was given, so it is unknown whether {target} is there",
    zh: "没有给出 {namespace} 的 Gateway，因此不知道 {target} 是否存在",
};

/// The workloads that a resource selects by labels; in the root namespace those of every namespace.
fn chosen<'a>(given: &Mesh<'a>, resource: &Resource<'_>, root: &str) -> Option<Vec<Workload<'a>>> {
    let selector = resource.selector()?;
    Some(match resource.namespace == root {
        true => given.selected_anywhere(selector),
        false => given.selected(resource.namespace, selector),
    })
}

pub(super) fn selected<'a>(given: &Mesh<'a>, rendered: &Mesh<'_>, root: &str, remarks: &mut Vec<Remark<'a>>) {
    for resource in &rendered.resources {
        let kinds = [ResourceKind::EnvoyFilter, ResourceKind::WasmPlugin, ResourceKind::TrafficExtension];
        if !kinds.contains(&resource.kind) {
            continue;
        }
        let (Some(selector), Some(chosen)) = (resource.selector(), chosen(given, resource, root)) else { continue };
        let name = resource.id().to_string();
        let knows = given.has_workloads(resource.namespace) || resource.namespace == root && !given.workloads().is_empty();
        let remark = match chosen.first() {
            Some(first) => Remark::new(Standing::Passed, &SELECTS)
                .with("count", chosen.len().to_string())
                .with("workload", first.resource.id().to_string())
                .at(&first.resource, first.resource.name_node().place()),
            None if knows => Remark::new(Standing::Failed, &SELECTS_NOTHING),
            None => Remark::new(Standing::Unknown, &SELECTS_UNKNOWN),
        };
        let remark = remark.with("resource", name).with("namespace", resource.namespace.to_owned());
        remarks.push(remark.with("labels", written(selector)));
        if let Some(file) = file(resource) {
            mounts(&chosen, &file, remarks);
        }
    }
}

fn mounts<'a>(chosen: &[Workload<'a>], file: &str, remarks: &mut Vec<Remark<'a>>) {
    let (with, without): (Vec<&Workload<'a>>, Vec<_>) =
        chosen.iter().partition(|workload: &&Workload<'a>| workload.mounts_into_proxy(file));
    for workload in without {
        let remark = Remark::new(Standing::Failed, &NOT_MOUNTED).with("workload", workload.resource.id().to_string());
        remarks.push(remark.with("file", file.to_owned()).at(&workload.resource, workload.resource.name_node().place()));
    }
    if !with.is_empty() {
        let remark = Remark::new(Standing::Passed, &MOUNTED).with("count", with.len().to_string());
        remarks.push(remark.with("file", file.to_owned()));
    }
}

/// The file that an EnvoyFilter has Envoy load.
fn file(resource: &Resource<'_>) -> Option<String> {
    let filter = Some(EnvoyFilter(*resource)).filter(|filter| filter.0.kind == ResourceKind::EnvoyFilter)?;
    let patches: Vec<_> = filter.patches().filter_map(|patch| patch.value()).collect();
    let mut nodes = patches.into_iter().flat_map(|value| value.descendants());
    nodes.find_map(|node| node.str_at(&["code", "local", "filename"]).map(str::to_owned))
}

pub(super) fn targets<'a>(given: &Mesh<'a>, rendered: &Mesh<'_>, remarks: &mut Vec<Remark<'a>>) {
    for resource in &rendered.resources {
        for target in target_refs(resource) {
            let (Some(kind), Some(name)) = (target.str_at(&["kind"]), target.str_at(&["name"])) else { continue };
            let (found, is_known) = match kind {
                "Gateway" => {
                    let kind = ResourceKind::KubernetesGateway;
                    (given.find(kind, resource.namespace, name), given.in_namespace(kind, resource.namespace).next().is_some())
                }
                "GatewayClass" => {
                    let kind = ResourceKind::GatewayClass;
                    (given.of(kind).find(|class| class.name == name), given.has(kind))
                }
                _ => {
                    let kind = ResourceKind::Service;
                    (given.find(kind, resource.namespace, name), given.in_namespace(kind, resource.namespace).next().is_some())
                }
            };
            let remark = match found {
                Some(found) => Remark::new(Standing::Passed, &TARGET).at(&found, found.name_node().place()),
                None if is_known => Remark::new(Standing::Failed, &TARGET_MISSING),
                None => Remark::new(Standing::Unknown, &TARGET_UNKNOWN),
            };
            let remark = remark.with("target", format!("{kind}/{name}")).with("resource", resource.id().to_string());
            remarks.push(remark.with("namespace", resource.namespace.to_owned()));
        }
    }
}
