//! A Wasm module is fetched, and nothing says which bytes it must have.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{EnvoyFilter, ResourceKind};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC771",
    slug: "wasm-without-digest",
    since: "0.1.0",
    severity: Info,
    persona: Security,
    explains: [],
    equivalent: &[],
    kinds: [WasmPlugin, TrafficExtension, EnvoyFilter],
    message: "whatever {url} serves runs in the proxies: no sha256 is given",
    message_zh: "没有写 sha256，{url} 返回什么，代理就运行什么",
    confirm: &[
        Confirm {
            id: "digest",
            steps: &[
                Command("kubectl -n {namespace} get wasmplugins -o yaml"),
                Note("Neither `sha256` nor a digest in the URL is there.", "既没有 `sha256`，URL 里也没有 digest。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "pin",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# WasmPlugin\nspec:\n  url: oci://registry.example.com/filters/auth:1.4.0\n  sha256: 5b1d…64 digits\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &["https://istio.io/latest/docs/reference/config/proxy_extensions/wasm-plugin/#WasmPlugin"],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let plugins = mesh.of(ResourceKind::WasmPlugin).map(|plugin| (plugin, Some(plugin.spec())));
    let extensions = mesh.of(ResourceKind::TrafficExtension).map(|extension| (extension, extension.spec().get("wasm")));
    for (resource, wasm) in plugins.chain(extensions) {
        let Some((url, address)) = wasm.and_then(fetched) else { continue };
        let is_pinned = wasm.and_then(|wasm| wasm.get("sha256")).is_some_and(|digest| !digest.is_empty());
        if !is_pinned {
            findings.add(Finding::new(&resource, url).with("url", address));
        }
    }
    for filter in mesh.of(ResourceKind::EnvoyFilter).map(EnvoyFilter) {
        for node in filter.patches().filter_map(|patch| patch.value()).flat_map(|value| value.descendants()) {
            let Some(remote) = node.get("remote").filter(|remote| remote.is_mapping()) else { continue };
            let uri = remote.get("http_uri").or_else(|| remote.get("httpUri")).and_then(|http| http.get("uri"));
            let is_pinned = remote.get("sha256").is_some_and(|digest| !digest.is_empty());
            if let (Some(uri), false) = (uri, is_pinned) {
                findings.add(Finding::new(&filter.0, uri).with("url", uri.text().unwrap_or_default()));
            }
        }
    }
}

/// The URL of a module that comes over the network and may change; an image by digest cannot.
fn fetched(wasm: Node<'_>) -> Option<(Node<'_>, &str)> {
    let url = wasm.get("url")?;
    let address = url.text()?;
    let is_local = address.starts_with("file://") || address.contains("@sha256:");
    // Without a scheme it is an image.
    (!is_local && !address.is_empty()).then_some((url, address))
}
