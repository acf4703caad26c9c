//! 500 NFCF: the configuration of an HTTP filter has never arrived.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW7005",
    slug: "filter-config-missing",
    since: "0.1.0",
    error: Some(ProxyConfigurationError),
    conditions: &[(Certain, Flag(ResponseFlag::NFCF))],
    confirm: &[Confirm {
        id: "discovery",
        steps: &[
            Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -B2 -A16 configDiscovery"),
            Command("istioctl proxy-config ecds {pod}.{namespace}"),
            Command("kubectl get envoyfilters -A -o yaml | grep -E 'config_discovery|EXTENSION_CONFIG'"),
            Note(
                "A filter with `configDiscovery` in the first output whose name is missing in the second: that is the one. Note `initialFetchTimeout` and `typeUrls`.",
                "第一条输出里有 `configDiscovery` 的过滤器，名字在第二条里找不到，就是它。留意 `initialFetchTimeout` 和 `typeUrls`。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "matching-pair",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    r#"apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata:
  name: request-marker
  namespace: {namespace}
spec:
  workloadSelector:
    labels:
      app: {workload}
  configPatches:
    - applyTo: EXTENSION_CONFIG
      match:
        context: SIDECAR_INBOUND
      patch:
        operation: ADD
        value:
          name: request-marker
          typed_config:
            '@type': type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
            default_source_code:
              inline_string: |
                function envoy_on_request(handle)
                  handle:headers():add("x-marked", "1")
                end
    - applyTo: HTTP_FILTER
      match:
        context: SIDECAR_INBOUND
        listener:
          filterChain:
            filter:
              name: envoy.filters.network.http_connection_manager
      patch:
        operation: INSERT_FIRST
        value:
          name: request-marker
          config_discovery:
            config_source:
              ads: {}
              initial_fetch_timeout: 0s
            type_urls:
              - type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
"#,
                ),
                Note(
                    "The pattern to compare yours with: both patches carry the same `name`, the same `context` and selection of proxies, and `type_urls` holds the type of the configuration. `initial_fetch_timeout: 0s` makes a new listener wait for the configuration instead of answering 500 without it.",
                    "对照这个写法检查：两个补丁的 `name`、`context` 和选中的代理要一致，`type_urls` 要包含该配置的类型。`initial_fetch_timeout: 0s` 让新 listener 等到配置再生效，而不是缺配置时回 500。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config ecds {pod}.{namespace}"),
                Note("The filter is listed, and the same request is answered without NFCF.", "列表里有该过滤器，同一个请求不再有 NFCF。"),
            ],
        },
        Fix {
            id: "deliverable-config",
            applicability: Manual,
            steps: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep -E 'ecds|ExtensionConfig|extension_config|wasm'"),
                Note(
                    "If the names match, the configuration was sent and refused, or could not be prepared: the log says why (a type that this Envoy lacks, a Wasm module that cannot be fetched). With another control plane, let it serve the resource, or give the filter a `default_config`.",
                    "如果名字都对得上，说明配置下发了但被拒绝，或者没能准备好：日志里有原因（这个 Envoy 没有该类型、Wasm 模块拉不下来）。使用其他控制面的，让它下发该资源，或给过滤器配置 `default_config`。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config ecds {pod}.{namespace}"),
                Note("The filter is listed, and the same request is answered without NFCF.", "列表里有该过滤器，同一个请求不再有 NFCF。"),
            ],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/overview/extension",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage",
        "https://istio.io/latest/docs/reference/config/networking/envoy-filter/",
        "Envoy source/common/http/filter_chain_helper.h, 1.40",
    ],
}
