//! A Wasm module is a file that the proxies do not have.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{EnvoyFilter, Resource, ResourceKind, Workload};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC773",
    slug: "wasm-file-not-mounted",
    since: "0.1.0",
    severity: Error,
    explains: [wasm_load_failed, config_rejected],
    equivalent: &[],
    kinds: [WasmPlugin, EnvoyFilter],
    message: "{file} is not mounted into the proxy of {workload}",
    message_zh: "{workload} 的代理里没有挂载 {file}",
    confirm: &[
        Confirm {
            id: "file",
            steps: &[
                Command("kubectl -n {namespace} get pod {pod} -o yaml"),
                Note("No volume of the container istio-proxy holds the path.", "istio-proxy 容器的 volume 里没有这个路径。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "mount",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# pod template\nmetadata:\n  annotations:\n    sidecar.istio.io/userVolume: '[{\"name\":\"wasm\",\"configMap\":{\"name\":\"filters\"}}]'\n    sidecar.istio.io/userVolumeMount: '[{\"name\":\"wasm\",\"mountPath\":\"/var/local/wasm\"}]'\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/annotations/#SidecarUserVolumeMount",
        "https://istio.io/latest/docs/reference/config/proxy_extensions/wasm-plugin/#WasmPlugin",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for plugin in mesh.of(ResourceKind::WasmPlugin) {
        let Some(url) = plugin.spec().get("url") else { continue };
        if let Some(path) = url.text().and_then(|url| url.strip_prefix("file://")) {
            judge(mesh, findings, &plugin, url, path);
        }
    }
    for filter in mesh.of(ResourceKind::EnvoyFilter).map(EnvoyFilter) {
        for node in filter.patches().filter_map(|patch| patch.value()).flat_map(|value| value.descendants()) {
            let Some(code) = node.get("code").and_then(|code| code.at(&["local", "filename"])) else { continue };
            if let Some(path) = code.text().filter(|path| path.starts_with('/')) {
                judge(mesh, findings, &filter.0, code, path);
            }
        }
    }
}

fn judge<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>, resource: &Resource<'a>, node: Node<'a>, path: &'a str) {
    let Some(selector) = resource.selector() else { return };
    let selected = mesh.selected(resource.namespace, selector);
    // What comes from the injector's template or the image of the proxy is not in the manifests.
    if path.starts_with("/etc/istio/extensions/") {
        return;
    }
    let is_near = |workload: &&Workload<'a>| mesh.stand_together(resource, &workload.resource);
    let without = selected.iter().filter(is_near).find(|workload| !workload.mounts_into_proxy(path));
    match without {
        Some(workload) => {
            let finding = Finding::new(resource, node).with("file", path).with("workload", workload.resource.name);
            findings.add(finding.beside(&workload.resource, workload.resource.name_node()).likely());
        }
        None if selected.is_empty() => findings.unknown(resource, node, format!("workload that mounts {path}")),
        None => {}
    }
}
