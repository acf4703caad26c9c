//! An nginx in the mesh calls its upstreams with HTTP/1.0.

use std::collections::BTreeSet;

use foldhash::HashMap;

use crate::document::{Node, Place};
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Resource, ResourceKind};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC728",
    slug: "nginx-http10",
    since: "0.1.0",
    severity: Warning,
    explains: [http10_rejected],
    equivalent: &[],
    kinds: [ConfigMap],
    message: "{image} sends HTTP/1.0 to {upstream}",
    message_zh: "{image} 用 HTTP/1.0 访问 {upstream}",
    confirm: &[
Confirm { id: "log", steps: &[Command("kubectl -n {namespace} logs {pod} -c istio-proxy"), Note("The access log shows 426 and low_version.", "访问日志里有 426 和 low_version。")] },
    ],
    fixes: &[
Fix { id: "version", applicability: Review, steps: &[Note("In the `server` or `location` of the configuration: `proxy_http_version 1.1;` and `proxy_set_header Connection \"\";`.", "在配置的 `server` 或 `location` 里加 `proxy_http_version 1.1;` 和 `proxy_set_header Connection \"\";`。")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/ops/common-problems/network-issues/#envoy-wont-connect-to-my-http10-service",
"https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_http_version",
    ],
}

/// A directive that asks for plain HTTP.
const PASS: &str = "proxy_pass http://";
/// What makes proxies take HTTP/1.0.
const ALLOWED: [&str; 2] = ["PILOT_HTTP10", "ISTIO_META_HTTP10"];

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let mut configs: HashMap<(&str, &str), Resource<'a>> = HashMap::default();
    for config in mesh.of(ResourceKind::ConfigMap) {
        let data = config.root.get("data").into_iter().flat_map(Node::entries);
        if data.filter_map(|(_, value)| value.text()).any(|text| text.contains(PASS)) {
            configs.insert((config.namespace, config.name), config);
        }
    }
    if configs.is_empty() || is_allowed(mesh) {
        return;
    }
    let mut seen = BTreeSet::new();
    for workload in mesh.workloads() {
        let images = workload.containers().filter_map(|container| container.0.get("image"));
        let Some(image) = images.into_iter().find(|image| image.text().is_some_and(is_old_nginx)) else { continue };
        if mesh.has_proxy(workload) != Some(true) {
            continue;
        }
        let volumes = workload.pod.get("spec").into_iter().flat_map(|spec| spec.list("volumes"));
        for name in volumes.filter_map(|volume| volume.at(&["configMap", "name"])?.text()) {
            let Some(config) = configs.get(&(workload.resource.namespace, name)) else { continue };
            for (_, value) in config.root.get("data").into_iter().flat_map(Node::entries) {
                let Some(upstream) = value.text().and_then(upstream) else { continue };
                let mut finding =
                    Finding::new(config, value).with("upstream", upstream).with("image", image.text().unwrap_or_default());
                finding.place = place(value, upstream).unwrap_or(finding.place);
                if seen.insert(finding.place) {
                    findings.add(finding.beside(&workload.resource, image).likely());
                }
            }
        }
    }
}

/// Whether some manifest makes proxies take HTTP/1.0.
fn is_allowed(mesh: &Mesh<'_>) -> bool {
    mesh.files.iter().flat_map(|file| &file.documents).any(|document| {
        let place = document.root().place();
        let text = document.text().get(place.start as usize..place.end as usize).unwrap_or_default();
        ALLOWED.iter().any(|name| text.contains(name))
    })
}

/// The first upstream outside of the pod that a configuration sends HTTP/1.0 to.
fn upstream(config: &str) -> Option<&str> {
    let lines = || config.lines().filter(|line| !line.trim_start().starts_with('#'));
    let is_local = |target: &str| ["127.", "localhost", "[::1]", "unix:"].iter().any(|prefix| target.starts_with(prefix));
    let is_set = lines().any(|line| line.contains("proxy_http_version"));
    let has_local_servers = lines().any(|line| line.trim_start().strip_prefix("server ").is_some_and(is_local));
    let mut targets = lines().filter_map(|line| line.split_once(PASS)?.1.split(';').next());
    targets.find(|target| !is_set && !has_local_servers && !is_local(target))
}

/// Where an upstream is written.
fn place(value: Node<'_>, upstream: &str) -> Option<Place> {
    let place = value.place();
    let text = value.document().text().get(place.start as usize..place.end as usize)?;
    let start = place.start + u32::try_from(text.find(&format!("{PASS}{upstream}"))?).ok()?;
    Some(Place { start, end: start + u32::try_from(PASS.len() + upstream.len()).ok()?, ..place })
}

/// Whether an image is an nginx whose default is HTTP/1.0.
fn is_old_nginx(image: &str) -> bool {
    let Some((name, tag)) = image.rsplit('/').next().and_then(|name| name.split('@').next()?.split_once(':')) else {
        return false;
    };
    let mut numbers = tag.split('-').next().unwrap_or(tag).split('.').map(|number| number.parse::<u32>().ok());
    let (major, minor, patch) = (numbers.next().flatten(), numbers.next().flatten(), numbers.next().flatten());
    let is_old = match (major, minor, patch) {
        (Some(0), ..) => true,
        (Some(1), Some(minor), _) if minor < 29 => true,
        (Some(1), Some(29), Some(patch)) => patch < 7,
        _ => false,
    };
    is_old && matches!(name, "nginx" | "nginx-unprivileged")
}
