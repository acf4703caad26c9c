//! 502 UPE: the upstream's response has more headers, or larger ones, than this proxy takes.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW5012",
    slug: "response-headers-too-large",
    since: "0.1.0",
    error: Some(HttpResponseHeaderSectionSize),
    refines: protocol_error_upstream,
    conditions: &[(Certain, Any(&[UpstreamCodec(CodecFault::HeadersTooLarge), UpstreamCodec(CodecFault::TooManyHeaders)]))],
    suspected: &[
        Suspicion {
            when: All(&[ResetBefore(Reset::ProtocolError), Not(&UpstreamCodec(CodecFault::Malformed))]),
            decide_by: "the same request made to the application directly is answered with more than 100 headers, or with more than 60 KiB of them",
            decide_by_zh: "绕过代理直接请求应用，返回的响应头超过 100 个或超过 60 KiB",
        },
    ],
    confirm: &[
        Confirm {
            id: "count",
            steps: &[
                Command("kubectl port-forward -n {service_namespace} service/{service} {port}:{port}"),
                Command("curl -s -o /dev/null -D - http://127.0.0.1:{port}/ | tee /dev/stderr | wc -lc"),
                Note(
                    "Run the second command in another terminal with the failing path and the same credentials: it prints the headers, their number (plus 2) and their bytes, without a proxy in between. The limits are 100 headers and 60 KiB, 80 KiB for HTTP/1.1.",
                    "第二条命令在另一个终端里执行，路径和凭证与出错的请求一致：不经过代理，直接打印响应头、行数（比个数多 2）和字节数。上限是 100 个、60 KiB，HTTP/1.1 是 80 KiB。",
                ),
            ],
        },
        Confirm {
            id: "limit",
            steps: &[
                Command("istioctl proxy-config cluster {pod}.{namespace} --fqdn {host} --port {port} -o json | grep -nE 'maxHeadersCount|maxResponseHeadersKb'"),
                Note("No output: the defaults hold.", "没有输出：用的是默认值。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "fewer-headers",
            applicability: Manual,
            steps: &[Note(
                "Find what the application adds: a `Set-Cookie` per item, one header per attribute or per feature flag, `Link` headers for preloading, a long `Content-Security-Policy`, the request's headers echoed back. Join them or move them to the body.",
                "找出应用加了什么：每个条目一个 `Set-Cookie`、每个属性或特性开关一个响应头、预加载用的 `Link`、很长的 `Content-Security-Policy`、把请求头原样返回。合并它们，或者挪到 body。",
            )],
            verify: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=5m | grep -cF 'protocol_error}'"),
                Note(
                    "After the failing request was sent again: 0, and the response arrives with all its headers.",
                    "失败的请求再发一次之后：输出 0，响应带着全部响应头到达。",
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
  name: response-header-limits
  namespace: {namespace}
spec:
  configPatches:
    - applyTo: CLUSTER
      match:
        cluster:
          service: {host}
      patch:
        operation: MERGE
        value:
          typed_extension_protocol_options:
            envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
              '@type': type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
              common_http_protocol_options:
                max_headers_count: 200
                max_response_headers_kb: 120
              explicit_http_config:
                http_protocol_options: {}
",
                ),
                Note(
                    "It replaces the whole entry, so write the protocol of the upstream too: `http2_protocol_options: {}` for HTTP/2 and gRPC. `max_response_headers_kb` exists since Envoy 1.32 (Istio 1.24), at most 8192. Each hop has its own limit: the sidecar in front of the application (match `context: SIDECAR_INBOUND` and `portNumber` instead of `service`) and a gateway count as well.",
                    "这会替换整个条目，所以上游的协议也要写上：HTTP/2 和 gRPC 写 `http2_protocol_options: {}`。`max_response_headers_kb` 从 Envoy 1.32（Istio 1.24）起才有，最大 8192。每一跳都有自己的上限：应用前面的 sidecar（match 用 `context: SIDECAR_INBOUND` 和 `portNumber`，不用 `service`）和网关也要算上。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config cluster {pod}.{namespace} --fqdn {host} --port {port} -o json | grep -nE 'maxHeadersCount|maxResponseHeadersKb|ProtocolOptions'"),
                Note(
                    "The values are shown with the right protocol, and the response arrives with all its headers.",
                    "能看到新的取值且协议正确，响应带着全部响应头到达。",
                ),
            ],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/core/v3/protocol.proto",
        "https://github.com/envoyproxy/envoy/issues/34472",
        "Envoy source/common/http/http1/codec_impl.cc, 1.40",
        "Envoy changelogs/1.32.0.yaml",
    ],
}
