//! A Wasm module could not be loaded or has crashed, and its filter fails closed.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW7004",
    slug: "wasm-load-failed",
    since: "0.1.0",
    error: Some(ProxyConfigurationError),
    conditions: &[
        (Certain, Any(&[Details(Word::WasmFailStream), Event(event::Event::WasmLoadFailed)])),
        (Likely, Event(event::Event::WasmPluginMissing)),
    ],
    confirm: &[
        Confirm {
            id: "logs",
            steps: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep -iE 'wasm' | grep -E 'error|critical|warn' | tail -n 20"),
                Command("kubectl exec {pod} -n {namespace} -c istio-proxy -- pilot-agent request --debug-port 15020 GET stats/prometheus | grep istio_agent_wasm"),
                Note(
                    "`download_failure`, `manifest_failure` or `checksum_mismatched` in the metrics and `error in converting the wasm config to local` in the log: the module could not be fetched. `Function: … failed`, `Uncaught RuntimeError` or a panic: it was loaded and crashed.",
                    "指标里有 `download_failure`、`manifest_failure` 或 `checksum_mismatched`，日志里有 `error in converting the wasm config to local`：模块没拉下来。`Function: … failed`、`Uncaught RuntimeError` 或 panic：已加载，但运行时崩溃。",
                ),
            ],
        },
        Confirm {
            id: "substitute",
            steps: &[
                Command("istioctl proxy-config ecds {pod}.{namespace} -o yaml | grep -E 'wasm-default-(deny|allow)'"),
                Note(
                    "`wasm-default-deny`: the agent put a filter that denies everything in the module's place; requests get 403 `RBAC: access denied` with the details `rbac_access_denied_matched_policy[none]`, whatever the policies say.",
                    "`wasm-default-deny`：agent 用一个拒绝所有请求的过滤器顶替了该模块；请求一律 403 `RBAC: access denied`，details 为 `rbac_access_denied_matched_policy[none]`，与策略怎么写无关。",
                ),
            ],
        },
        Confirm {
            id: "remote",
            steps: &[
                Command("kubectl exec {pod} -n {namespace} -c istio-proxy -- pilot-agent request GET stats | grep -E 'wasm\\.remote_load'"),
                Note(
                    "`wasm.remote_load_fetch_failures` counts the fetches that failed since the proxy started; 0 means that none did. `remote_load_cache_misses` and `remote_load_cache_negative_hits` grow at every healthy start, too.",
                    "`wasm.remote_load_fetch_failures` 是代理启动以来拉取失败的次数；为 0 说明没有失败过。`remote_load_cache_misses` 和 `remote_load_cache_negative_hits` 在正常启动时也会增长。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "fetchable-module",
            applicability: Manual,
            steps: &[
                Command("kubectl get wasmplugins -A -o custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name,URL:.spec.url,SHA256:.spec.sha256,SECRET:.spec.imagePullSecret,FAIL:.spec.failStrategy"),
                Note(
                    "The agent of every pod fetches the module itself, over the pod's network: the registry must be reachable from there (NetworkPolicy, proxy, private CA), the pull secret must be of type `kubernetes.io/dockerconfigjson` and in the plugin's namespace, `sha256` is the digest of the image manifest for `oci://` and the hash of the file for `https://`, and the image must have one of the layouts that Istio reads. A tag that was pushed again is noticed only with `imagePullPolicy: Always` and a change of the resource.",
                    "模块由每个 Pod 里的 agent 通过 Pod 网络自行拉取：镜像仓库要能从那里访问（NetworkPolicy、代理、私有 CA）；拉取凭证须为 `kubernetes.io/dockerconfigjson` 类型且在插件所在 namespace；`sha256` 对 `oci://` 是镜像 manifest 的 digest，对 `https://` 是文件哈希；镜像层结构须是 Istio 能识别的那几种。同一 tag 重新推送，只有 `imagePullPolicy: Always` 且资源有变更时才会被感知。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config ecds {pod}.{namespace} -o yaml | grep -cE 'wasm-default-(deny|allow)'"),
                Note("It prints 0, and the same request succeeds.", "输出 0，且同一个请求成功。"),
            ],
        },
        Fix {
            id: "reachable-server",
            applicability: Manual,
            steps: &[
                Command("istioctl proxy-config listener {pod}.{namespace} -o json | grep -A 12 '\"remote\"'"),
                Note(
                    "The server of `uri` must answer the proxy within `timeout` with 200 and with bytes whose SHA-256 is `sha256`; any other answer is a failed fetch. Fetch the file from a pod beside the proxy and compare `sha256sum`. The usual reasons: the server is down or too small for all proxies that start at once, a NetworkPolicy, a cluster that the proxy does not know, and a module that was replaced without its hash. Envoy fetches again when the listener changes; restart the pod, or apply a manifest with a new hash.",
                    "`uri` 指向的服务器须在 `timeout` 之内以 200 应答代理，且内容的 SHA-256 等于 `sha256`；其他应答一律算拉取失败。从代理旁边的 Pod 拉一次文件，用 `sha256sum` 比对。常见原因：服务器没起来，或扛不住同时启动的所有代理；NetworkPolicy；代理不认识那个 cluster；换了模块却没换哈希。监听器有变更时 Envoy 才会重新拉取：重启 Pod，或应用带新哈希的清单。",
                ),
            ],
            verify: &[
                Command("kubectl exec {pod} -n {namespace} -c istio-proxy -- pilot-agent request GET stats | grep wasm.remote_load_fetch_failures"),
                Note("After the restart it stays 0.", "重启之后一直为 0。"),
            ],
        },
        Fix {
            id: "fail-strategy",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# WasmPlugin whose absence does less harm than an outage
spec:
  failStrategy: FAIL_OPEN
",
                ),
                Note(
                    "Never for a plugin that authenticates, authorizes or limits: requests then pass without it. After a crash FAIL_OPEN leaves the plugin out for good, without a counter that moves; FAIL_RELOAD (Istio 1.27 and later) loads it again, but is no help when the module cannot be fetched.",
                    "用于认证、鉴权或限流的插件绝不能这样设：请求会绕过它。崩溃之后，FAIL_OPEN 会让插件一直缺席且没有任何计数变化；FAIL_RELOAD（Istio 1.27 起）会重新加载，但模块拉不下来时不起作用。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config ecds {pod}.{namespace} -o yaml | grep -E 'wasm-default|failurePolicy|failOpen'"),
                Note("No `wasm-default-deny` is left, and requests are answered by the application.", "不再有 `wasm-default-deny`，请求由应用应答。"),
            ],
        },
        Fix {
            id: "sound-module",
            applicability: Manual,
            steps: &[
                Command("istioctl proxy-config log {pod}.{namespace} --level wasm:debug"),
                Note(
                    "For a crash: repair the module or go back to the last good image. The usual reasons are header values that are not UTF-8 read as text, an unexpected status of a host call that the SDK turns into a panic, and configuration that does not parse. With the default strategy one such request makes every later one on that worker fail.",
                    "针对崩溃：修模块，或回退到上一个正常的镜像。常见原因：把非 UTF-8 的头部值当文本读、宿主调用返回意外状态被 SDK 变成 panic、配置解析失败。默认策略下，一个这样的请求会让该 worker 上之后的所有请求都失败。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=5m | grep -c wasm_fail_stream"),
                Note("After a restart of the pod and with the request that crashed it, it prints 0.", "重启 Pod 后，用当初触发崩溃的请求再试，输出 0。"),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/proxy_extensions/wasm-plugin/",
        "https://istio.io/latest/docs/tasks/extensibility/wasm-module-distribution/",
        "https://github.com/istio/istio/issues/53279",
        "https://github.com/istio/istio/pull/53363",
        "https://github.com/Kuadrant/kuadrant-operator/issues/2234",
        "Envoy source/extensions/common/wasm/context.cc, 1.40",
        "Envoy source/extensions/common/wasm/wasm.cc (createWasm), 1.40",
    ],
}
