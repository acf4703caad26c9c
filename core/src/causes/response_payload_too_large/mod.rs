//! 500 response_payload_too_large: a filter had to hold the whole response, and it did not fit into the buffer.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW5013",
    slug: "response-payload-too-large",
    since: "0.1.0",
    error: Some(HttpResponseBodySize),
    conditions: &[(Certain, Any(&[Details(Word::ResponsePayloadTooLarge), Details(Word::ConnectBridgeUnaryResponseTooLarge)]))],
    confirm: &[
        Confirm {
            id: "buffering-filters",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -nE '\"perConnectionBufferLimitBytes\"|\"name\": \"(envoy\\.filters\\.http|extenstions|extensions)'"),
                Command("kubectl get envoyfilters,wasmplugins -A"),
                Note(
                    "Filters that can hold a whole response: Lua that calls `body()`, Wasm that returns pause, external processing with the body mode BUFFERED, the gRPC and Connect bridges, the transcoder. No `perConnectionBufferLimitBytes`: the default of 1 MiB holds (Istio's own setting may differ).",
                    "会缓存整个响应的过滤器：调用 `body()` 的 Lua、返回 pause 的 Wasm、body 模式为 BUFFERED 的 ext_proc、gRPC 和 Connect 的 bridge、transcoder。没有 `perConnectionBufferLimitBytes`：用的是默认的 1 MiB（Istio 自己的设置可能不同）。",
                ),
            ],
        },
        Confirm {
            id: "size",
            steps: &[
                Command("kubectl port-forward -n {service_namespace} service/{service} {port}:{port}"),
                Command("curl -s http://127.0.0.1:{port}/ | wc -c"),
                Note(
                    "Run the second command in another terminal with the failing path: it prints the size of the response without a proxy in between. Only responses above the limit fail.",
                    "第二条命令在另一个终端里执行，路径换成出错的路径：不经过代理，直接打印响应的大小。只有超过上限的响应才会失败。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "stream-it",
            applicability: Manual,
            steps: &[Note(
                "Let the filter work on the body piece by piece, or not at all on large responses: in Lua `bodyChunks()` instead of `body()`, in external processing `response_body_mode: STREAMED` or NONE, in Wasm pass each chunk on. Take the filter off routes that deliver files.",
                "让过滤器按块处理 body，或者对大响应不处理：Lua 用 `bodyChunks()` 代替 `body()`，ext_proc 用 `response_body_mode: STREAMED` 或 NONE，Wasm 把每个块直接放行。下载文件的路由不要挂这个过滤器。",
            )],
            verify: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=5m | grep -cE 'response_payload_too_large|unary_response_too_large'"),
                Note(
                    "After the failing request was sent again: 0, and the response is complete.",
                    "失败的请求再发一次之后：输出 0，响应完整。",
                ),
            ],
        },
        Fix {
            id: "raise-limit",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    r"apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata:
  name: larger-buffers
  namespace: {namespace}
spec:
  workloadSelector:
    labels:
      app: {workload}
  configPatches:
    - applyTo: LISTENER
      patch:
        operation: MERGE
        value:
          per_connection_buffer_limit_bytes: 8388608
",
                ),
                Note(
                    "Every connection of these proxies may then hold that much: multiply it by the number of connections and compare with the memory limit. For a few large responses streaming is the better way.",
                    "这样一来，这些代理的每条连接都可能占用这么多内存：乘以连接数，再和内存限制比较。只有少数大响应时，还是按流处理更好。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -n perConnectionBufferLimitBytes"),
                Note(
                    "8388608 is shown, the failing request is answered completely, and the proxy's memory stays within its limit under load.",
                    "显示 8388608，失败的请求完整返回，并且在负载下代理内存没有超限。",
                ),
            ],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/flow_control",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/lua_filter",
        "Envoy source/common/http/filter_manager.cc, 1.40",
        "Envoy source/extensions/filters/http/connect_grpc_bridge/filter.cc, 1.40",
    ],
}
