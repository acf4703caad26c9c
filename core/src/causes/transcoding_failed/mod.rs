//! A filter between gRPC and JSON, gRPC-Web or HTTP/1.1 could not translate a message.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW1012",
    slug: "transcoding-failed",
    since: "0.1.0",
    error: Some(HttpRequestError),
    conditions: &[(Certain, Family(details::Family::Transcoding))],
    confirm: &[
        Confirm {
            id: "filter",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -E 'filters.http.grpc_|grpc_json|proto_message_extraction|proto_api_scrubber|protoDescriptor'"),
                Command("kubectl get envoyfilters -A -o yaml | grep -nE 'grpc_json|grpc_web|grpc_http1|proto_descriptor|services:'"),
                Note(
                    "See which filter it is and how old its descriptor is; the services that it lists must include the one that is called.",
                    "看是哪个过滤器、它的描述符有多旧；它列出的 services 里要有被调用的那个。",
                ),
            ],
        },
        Confirm {
            id: "native-call",
            steps: &[
                Command("grpcurl -plaintext {host}:{port} list"),
                Note(
                    "Call the same method with grpcurl in plain gRPC. If that works, the translation is at fault; if it fails, the application is. (`list` needs server reflection.)",
                    "用 grpcurl 以原生 gRPC 调同一个方法。能通就是转换的问题，不通就是应用的问题。（`list` 需要服务端开启 reflection。）",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "request",
            applicability: Manual,
            steps: &[Note(
                "Let the client send what the proto's HTTP rule asks for: path and query variables, field names and types, a whole JSON body; for gRPC-Web text a body in complete base64. The body of the answer names the field.",
                "让客户端按 proto 里的 HTTP 规则发请求：path 和 query 变量、字段名与类型、完整的 JSON；gRPC-Web 文本模式的 body 必须是完整的 base64。响应 body 里会写明是哪个字段。",
            )],
            verify: &[Note(
                "The same request is answered with the application's own message.",
                "同一个请求得到应用自己的响应。",
            )],
        },
        Fix {
            id: "descriptor",
            applicability: Review,
            steps: &[
                Command("protoc --include_imports --include_source_info --descriptor_set_out=api.pb api.proto"),
                Note(
                    "Put the new set into the filter's configuration in base64 (`proto_descriptor_bin`). Renew it with every release of the API. `ignore_unknown_query_parameters` and similar options make the filter tolerant of clients that are newer.",
                    "把新的描述符用 base64 写进过滤器配置（`proto_descriptor_bin`），并随 API 的每次发布一起更新。`ignore_unknown_query_parameters` 等选项可以让过滤器容忍更新的客户端。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=5m | grep -E 'transcode_failure|grpc_bridge|field_extraction'"),
                Note(
                    "Run it while clients call: it prints nothing.",
                    "客户端调用期间执行：没有输出。",
                ),
            ],
        },
        Fix {
            id: "buffer",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    r"apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata:
  name: transcoder-buffer
  namespace: {namespace}
spec:
  configPatches:
    - applyTo: LISTENER
      patch:
        operation: MERGE
        value:
          per_connection_buffer_limit_bytes: 10485760
",
                ),
                Note(
                    "For `…buffer_size_limit_reached`: the filter holds whole messages, and the limit is the connection's (1 MiB by default). Add `workloadSelector`.",
                    "针对 `…buffer_size_limit_reached`：过滤器要缓冲完整的消息，上限就是连接的缓冲上限（默认 1 MiB）。请加上 `workloadSelector`。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep perConnectionBufferLimitBytes"),
                Note(
                    "It prints 10485760, and the large message passes.",
                    "输出 10485760，且大消息能通过。",
                ),
            ],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/grpc_json_transcoder_filter",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/grpc_web_filter",
        "Envoy source/extensions/filters/http/grpc_json_transcoder/json_transcoder_filter.cc, 1.40",
        "Envoy source/extensions/filters/http/grpc_web/grpc_web_filter.cc, 1.40",
    ],
}
