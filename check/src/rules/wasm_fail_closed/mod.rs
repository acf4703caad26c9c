//! A Wasm filter that cannot be loaded or crashes takes the traffic with it.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::ResourceKind;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC772",
    slug: "wasm-fail-closed",
    since: "0.1.0",
    severity: Info,
    persona: Pedantic,
    explains: [wasm_load_failed],
    equivalent: &[],
    kinds: [WasmPlugin, TrafficExtension],
    message: "every request fails while {url} cannot be fetched, and after it crashed once",
    message_zh: "{url} 拉取不到时、或崩溃过一次之后，所有请求都会失败",
    confirm: &[
        Confirm {
            id: "log",
            steps: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep -i wasm"),
                Note("Requests answer 503 with the details wasm_fail_stream.", "请求返回 503，details 是 wasm_fail_stream。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "open",
            applicability: Review,
            steps: &[Patch(PatchKind::Fragment, "# WasmPlugin that is not there for security\nspec:\n  failStrategy: FAIL_OPEN\n")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &["https://istio.io/latest/docs/reference/config/proxy_extensions/wasm-plugin/#FailStrategy"],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let plugins = mesh.of(ResourceKind::WasmPlugin).map(|plugin| (plugin, Some(plugin.spec())));
    let extensions = mesh.of(ResourceKind::TrafficExtension).map(|extension| (extension, extension.spec().get("wasm")));
    for (resource, wasm) in plugins.chain(extensions) {
        let Some(url) = wasm.and_then(|wasm| wasm.get("url")) else { continue };
        // What authenticates or authorizes must not fail open.
        if matches!(resource.spec().str_at(&["phase"]), Some("AUTHN" | "AUTHZ")) {
            continue;
        }
        // Whoever writes FAIL_CLOSE means it.
        if wasm.and_then(|wasm| wasm.get("failStrategy")).is_none() {
            findings.add(Finding::new(&resource, url).with("url", url.text().unwrap_or_default()));
        }
    }
}
