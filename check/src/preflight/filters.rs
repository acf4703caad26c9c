//! The user's own configuration of the same proxies: who comes first, and who wins.

use super::{Remark, Standing};
use crate::document::Node;
use crate::mesh::Mesh;
use crate::model::{EnvoyFilter, Resource, ResourceKind};
use crate::rules::Message;

static BEFORE: Message = Message {
    en: "{count} EnvoyFilters for the same proxies come before ours, so their error pages and filters win",
    zh: "作用于相同代理的 {count} 个 EnvoyFilter 排在 meshwhy 之前，它们的错误页和过滤器优先",
};
static AFTER: Message = Message {
    en: "{resource} has priority {priority} and comes after ours ({ours}): where the first that matches wins, it is ours; give it a lower one",
    zh: "{resource} 的 priority 是 {priority}，排在 meshwhy（{ours}）之后：凡是“第一个匹配的生效”的地方，生效的是 meshwhy 的；请把它的 priority 调低",
};
static MAPPERS: Message = Message {
    en: "{resource} has mappers of its own in local_reply_config: replies that they match are as before, and are not marked",
    zh: "{resource} 在 local_reply_config 里有自己的 mapper：被它们匹配的响应保持原样，不会带上标注",
};
static MAPPERS_AFTER: Message = Message {
    en: "{resource} has mappers in local_reply_config and comes after ours: replies that ours mark no longer get its bodies and headers",
    zh: "{resource} 在 local_reply_config 里有 mapper，却排在 meshwhy 之后：被 meshwhy 标注的响应不再带有它的 body 和 header",
};
static IN_FRONT: Message = Message {
    en: "{resource} puts an HTTP filter in front of ours: the module does not see the replies that this filter makes; they are only logged",
    zh: "{resource} 在 meshwhy 之前插入了 HTTP 过滤器：模块看不到它生成的响应，这些响应只会出现在日志里",
};
static SAME_MACHINE: Message = Message {
    en: "{resource} runs a Wasm module with the vm_id or the name `meshwhy` as well: Envoy would mix up both",
    zh: "{resource} 也运行着 vm_id 或名称为 `meshwhy` 的 Wasm 模块：Envoy 会把两者混淆",
};
static SAME_CLUSTER: Message = Message {
    en: "{resource} adds the cluster {cluster} as well; Envoy refuses the second of a name",
    zh: "{resource} 也添加了集群 {cluster}；Envoy 会拒绝同名的第二个",
};
static ANOTHER_DEPLOYMENT: Message = Message {
    en: "{resource} is meshwhy as well and stays: failures would be recorded twice. `meshwhy install --remove` with its options renders how it goes",
    zh: "{resource} 也属于 meshwhy，而且会保留：故障会被记录两次。用它原来的选项执行 `meshwhy install --remove` 可得到移除方法",
};

pub(super) fn compare<'a>(given: &Mesh<'a>, rendered: &Mesh<'_>, root: &str, remarks: &mut Vec<Remark<'a>>) {
    let ours: Vec<EnvoyFilter<'_>> = rendered.of(ResourceKind::EnvoyFilter).map(EnvoyFilter).collect();
    let is_replaced = |resource: &Resource<'a>| rendered.find(resource.kind, resource.namespace, resource.name).is_some();
    let theirs: Vec<Resource<'a>> = given.resources.iter().filter(|resource| !is_replaced(resource)).copied().collect();
    for resource in theirs.iter().filter(|resource| is_meshwhy(resource)) {
        remarks.push(remark(Standing::Warning, &ANOTHER_DEPLOYMENT, resource, resource.name_node()));
    }
    let theirs: Vec<_> = theirs.into_iter().filter(|resource| !is_meshwhy(resource)).collect();
    let mut before = 0;
    for filter in theirs.iter().filter(|resource| resource.kind == ResourceKind::EnvoyFilter).copied().map(EnvoyFilter) {
        let met: Vec<_> = ours.iter().filter(|own| meet(own, &filter, root)).collect();
        let Some(first) = met.iter().map(|own| own.priority()).min() else { continue };
        let is_after = filter.priority() >= first;
        before += usize::from(!is_after);
        order(&filter, &met, is_after, first, remarks);
    }
    if before > 0 {
        remarks.push(Remark::new(Standing::Passed, &BEFORE).with("count", before.to_string()));
    }
    let clusters: Vec<String> = ours.iter().flat_map(added_clusters).map(|(name, _)| name.to_owned()).collect();
    for resource in &theirs {
        if let Some(node) = same_machine(resource).filter(|_| runs_module(rendered)) {
            remarks.push(remark(Standing::Failed, &SAME_MACHINE, resource, node));
        }
        let filter = Some(EnvoyFilter(*resource)).filter(|filter| filter.0.kind == ResourceKind::EnvoyFilter);
        for (name, node) in filter.iter().flat_map(added_clusters).filter(|(name, _)| clusters.iter().any(|own| own == name)) {
            remarks.push(remark(Standing::Failed, &SAME_CLUSTER, resource, node).with("cluster", name));
        }
    }
}

fn remark<'a>(standing: Standing, message: &'static Message, resource: &Resource<'a>, node: Node<'a>) -> Remark<'a> {
    Remark::new(standing, message).with("resource", resource.id().to_string()).at(resource, node.place())
}

fn order<'a>(theirs: &EnvoyFilter<'a>, met: &[&EnvoyFilter<'_>], is_after: bool, first: i64, remarks: &mut Vec<Remark<'a>>) {
    let resource = &theirs.0;
    let mappers = theirs.patches().find_map(|patch| {
        let reply = patch
            .value()?
            .descendants()
            .find_map(|node| node.get("local_reply_config").or_else(|| node.get("localReplyConfig")))?;
        reply.get("mappers").filter(|mappers| !mappers.is_empty())
    });
    let have_mappers = met.iter().any(|own| {
        let mut values = own.patches().filter_map(|patch| patch.value());
        values.any(|value| value.descendants().any(|node| node.get("local_reply_config").is_some()))
    });
    // Each that comes later and inserts a filter first stands before the ones that came earlier.
    let stand_first = |filter: &EnvoyFilter<'_>| {
        filter.patches().any(|patch| is_prepended(patch.apply_to(), patch.operation_name(), patch.sub_filter()))
    };
    let has_module = met.iter().any(|own| own.patches().any(|patch| patch.value_name() == Some("meshwhy")));
    if is_after {
        let priority = theirs.0.spec().get("priority").unwrap_or_else(|| resource.name_node());
        let after = remark(Standing::Warning, &AFTER, resource, priority).with("priority", theirs.priority().to_string());
        remarks.push(after.with("ours", first.to_string()));
    }
    if let Some(mappers) = mappers.filter(|_| have_mappers) {
        let (standing, message) = if is_after { (Standing::Failed, &MAPPERS_AFTER) } else { (Standing::Passed, &MAPPERS) };
        remarks.push(remark(standing, message, resource, mappers));
    }
    if is_after && has_module && stand_first(theirs) {
        remarks.push(remark(Standing::Warning, &IN_FRONT, resource, resource.name_node()));
    }
}

fn is_prepended(apply_to: Option<&str>, operation: Option<&str>, anchor: Option<Node<'_>>) -> bool {
    apply_to == Some("HTTP_FILTER")
        && (operation == Some("INSERT_FIRST") || operation == Some("INSERT_BEFORE") && anchor.is_none())
}

/// Whether some proxy may get both: a namespace in common, and no label that excludes the other.
fn meet(one: &EnvoyFilter<'_>, other: &EnvoyFilter<'_>, root: &str) -> bool {
    let roots = [one, other].map(|filter| filter.0.namespace == root);
    let near = roots.contains(&true) || one.0.namespace == other.0.namespace;
    let excludes = |own: Node<'_>, their: Node<'_>| {
        own.entries().any(|(key, value)| {
            let theirs = key.text().and_then(|key| their.get(key)).and_then(Node::text);
            theirs.is_some_and(|theirs| value.text().is_some_and(|value| value != theirs))
        })
    };
    let apart = one.0.selector().zip(other.0.selector()).is_some_and(|(own, their)| excludes(own, their));
    // What is attached to a Gateway or waypoint reaches no sidecar; gateways it may reach.
    near && !apart
}

fn is_meshwhy(resource: &Resource<'_>) -> bool {
    let extends = [ResourceKind::EnvoyFilter, ResourceKind::WasmPlugin, ResourceKind::TrafficExtension, ResourceKind::Telemetry];
    extends.contains(&resource.kind) && resource.labels().get("app.kubernetes.io/name") == Some("meshwhy")
}

fn runs_module(rendered: &Mesh<'_>) -> bool {
    let is_plugin = |resource: &Resource<'_>| matches!(resource.kind, ResourceKind::WasmPlugin | ResourceKind::TrafficExtension);
    rendered.resources.iter().any(|resource| is_plugin(resource) || same_machine(resource).is_some())
}

/// Where a module of an EnvoyFilter is called as ours.
fn same_machine<'a>(resource: &Resource<'a>) -> Option<Node<'a>> {
    let filter = Some(EnvoyFilter(*resource)).filter(|filter| filter.0.kind == ResourceKind::EnvoyFilter)?;
    let values: Vec<_> = filter.patches().filter_map(|patch| patch.value()).collect();
    values.into_iter().flat_map(Node::descendants).find_map(|node| {
        let machine = node.get("vm_config").or_else(|| node.get("vmConfig"))?;
        let id = machine.get("vm_id").or_else(|| machine.get("vmId"));
        let is_ours = |node: &Node<'a>| node.text() == Some("meshwhy");
        id.filter(is_ours).or_else(|| node.get("name").filter(is_ours))
    })
}

fn added_clusters<'a>(filter: &EnvoyFilter<'a>) -> Vec<(&'a str, Node<'a>)> {
    let adds = filter.patches().filter(|patch| patch.apply_to() == Some("CLUSTER") && patch.operation_name() == Some("ADD"));
    adds.filter_map(|patch| Some((patch.value_name()?, patch.value()?.get("name")?))).collect()
}
