//! A filter of the proxy broke the request or the response: a required header is gone, data came at a forbidden point.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW7003",
    slug: "filter-error",
    since: "0.1.0",
    error: Some(ProxyInternalError),
    conditions: &[
        (
            Certain,
            Any(&[
                Family(details::Family::FilterRemovedHeaders),
                Details(Word::FilterAddedInvalidRequestData),
                Details(Word::FilterAddedInvalidResponseData),
                Details(Word::DynamicModuleFilterInitFailed),
            ]),
        ),
    ],
    confirm: &[
        Confirm {
            id: "filters",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -E '\"name\": \"(envoy.filters.http|extensions.istio.io|extenstions.istio.io)'"),
                Note(
                    "Every name that Istio itself does not add (`istio.*`, `cors`, `fault`, `router`, `rbac`, `jwt_authn`, `ext_authz`, `grpc_stats`, `alpn`, `compressor` if you set it) is a suspect: `lua`, `wasm`, `ext_proc`, `dynamic_modules`, `golang`, a WasmPlugin.",
                    "凡不是 Istio 自己加的（`istio.*`、`cors`、`fault`、`router`、`rbac`、`jwt_authn`、`ext_authz`、`grpc_stats`、`alpn`）都有嫌疑：`lua`、`wasm`、`ext_proc`、`dynamic_modules`、`golang`、某个 WasmPlugin。",
                ),
            ],
        },
        Confirm {
            id: "owners",
            steps: &[
                Command("kubectl get envoyfilters,wasmplugins -A"),
                Command("kubectl get trafficextensions -A"),
                Note(
                    "Those in this namespace and in the root namespace (usually `istio-system`) can be it. TrafficExtension exists since Istio 1.30; before that the second command is an error.",
                    "本 namespace 和根 namespace（通常是 `istio-system`）里的都可能是。TrafficExtension 从 Istio 1.30 才有，之前第二条命令会报错。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "repair-filter",
            applicability: Manual,
            steps: &[Note(
                "The braces of the details name the missing header. In Lua replace `headers():remove(\":path\")` and the like by `headers():replace(name, value)`; in Wasm and ext_proc set the pseudo header, never remove it, and never replace the whole map by one without `:method`, `:path`, `:authority` or `:status`. For `filter_added_invalid_…_data`: add a body only from the header callback that ends the stream, or in the data callback; update the filter's SDK. For `dynamic_module_filter_init_failed`: the module refuses its configuration, and its own log line says why.",
                "details 花括号里写了缺哪个头。Lua 里把 `headers():remove(\":path\")` 之类换成 `headers():replace(name, value)`；Wasm 和 ext_proc 里对伪头只能改不能删，也不要用缺少 `:method`、`:path`、`:authority` 或 `:status` 的整张表去替换。`filter_added_invalid_…_data`：只能在结束流的 header 回调或 data 回调里加 body；升级过滤器所用的 SDK。`dynamic_module_filter_init_failed`：模块不接受它的配置，原因看模块自己的日志。",
            )],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=2m | grep -cE 'filter_(removed_required|added_invalid)|dynamic_module_filter_init_failed'"),
                Note("While such requests are sent again, it prints 0.", "重新发送这类请求期间输出 0。"),
            ],
        },
        Fix {
            id: "without-filter",
            applicability: Review,
            steps: &[
                Command("kubectl -n {namespace} get envoyfilter FILTER-NAME -o yaml > filter-backup.yaml"),
                Command("kubectl -n {namespace} delete envoyfilter FILTER-NAME"),
                Note(
                    "Until it is repaired, and to prove which one it is; for a WasmPlugin the same with `wasmplugin`. Whatever the filter protected is unprotected meanwhile: do not do this to an authorization filter on a reachable port. Listeners are replaced, so long requests may be cut.",
                    "修好之前的临时办法，也能证明是哪个过滤器；WasmPlugin 同理，把资源类型换成 `wasmplugin`。期间它负责的防护都失效：对外可达端口上的鉴权过滤器不要这样做。listener 会被替换，长请求可能被切断。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=2m | grep -cE 'filter_(removed_required|added_invalid)|dynamic_module_filter_init_failed'"),
                Note("It prints 0, and the same request succeeds.", "输出 0，且同一个请求成功。"),
            ],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/response_code_details",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/lua_filter",
        "Envoy source/common/router/upstream_codec_filter.cc, 1.40",
        "Envoy source/common/http/filter_manager.cc, 1.40",
    ],
}
