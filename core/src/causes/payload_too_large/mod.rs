//! 413 or 507: the request body exceeds a limit of this proxy.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW1006",
    slug: "payload-too-large",
    since: "0.1.0",
    error: Some(HttpRequestError),
    conditions: &[
        (
            Certain,
            Any(&[
                Details(Word::RequestPayloadTooLarge),
                Details(Word::RequestPayloadExceededRetryBufferLimit),
                Details(Word::ConnectBridgeUnaryRequestTooLarge),
            ]),
        ),
        (Likely, All(&[Status(413), Absent(Field::Details), Absent(Field::UpstreamHost)])),
    ],
    confirm: &[
        Confirm {
            id: "buffering-filters",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -E 'maxRequestBytes|perConnectionBufferLimitBytes|withRequestBody|filters.http.(buffer|lua|ext_proc)'"),
                Note(
                    "`maxRequestBytes` under `withRequestBody` belongs to the external authorizer, else to a buffer filter. Without any such line a filter that reads whole bodies (Lua, Wasm) meets the connection's buffer limit, by default 1 MiB.",
                    "`withRequestBody` 下的 `maxRequestBytes` 属于外部鉴权，其他位置的属于 buffer 过滤器。一行都没有的话，就是读取整个 body 的过滤器（Lua、Wasm）碰到了连接的缓冲上限，默认 1 MiB。",
                ),
            ],
        },
        Confirm {
            id: "rules",
            steps: &[
                Command("kubectl get envoyfilters -A -o yaml | grep -nE 'max_request_bytes|per_connection_buffer_limit_bytes|request_body_buffer_limit'"),
                Command("kubectl -n istio-system get configmap istio -o jsonpath='{.data.mesh}' | grep -A3 includeRequestBodyInCheck"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "smaller-body",
            applicability: Manual,
            steps: &[Note(
                "Send the upload in parts, compress it, or hand the client a signed address of the object store so that the body does not pass through the mesh.",
                "分片上传、压缩，或者给客户端一个对象存储的签名地址，让文件本身不经过网格。",
            )],
            verify: &[Note(
                "The same upload ends with the application's own status instead of 413.",
                "同样的上传得到应用自己的状态码，不再是 413。",
            )],
        },
        Fix {
            id: "authorizer-body",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"meshConfig:
  extensionProviders:
    - name: my-ext-authz
      envoyExtAuthzHttp:
        service: ext-authz.auth.svc.cluster.local
        port: 8000
        includeRequestBodyInCheck:
          maxRequestBytes: 65536
          allowPartialMessage: true
",
                ),
                Note(
                    "With `allowPartialMessage` the authorizer gets the first `maxRequestBytes` of the body and larger requests pass; without it they are refused. If the authorizer needs no body at all, remove `includeRequestBodyInCheck`.",
                    "开了 `allowPartialMessage`，鉴权服务只收到 body 的前 `maxRequestBytes` 字节，更大的请求照样放行；不开就直接拒绝。鉴权根本不需要 body 的话，删掉 `includeRequestBodyInCheck`。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -A4 withRequestBody"),
                Note(
                    "It shows `allowPartialMessage: true`, and the same upload is answered by the application.",
                    "显示 `allowPartialMessage: true`，且同样的上传由应用返回。",
                ),
            ],
        },
        Fix {
            id: "buffer-limit",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    r"apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata:
  name: request-buffer-limit
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
                    "For filters that read whole bodies. It allows that much memory per connection, so multiply by the number of connections and add `workloadSelector`. If a buffer filter of your own says `max_request_bytes`, raise that value instead.",
                    "适用于读取整个 body 的过滤器。每条连接都可能占用这么多内存，要乘以连接数来估算，并加上 `workloadSelector`。如果是你自己加的 buffer 过滤器写了 `max_request_bytes`，就改那个值。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep perConnectionBufferLimitBytes"),
                Note(
                    "It prints 10485760 for each listener, and the same upload is answered by the application.",
                    "每个 listener 打印一行 10485760，且同样的上传由应用返回。",
                ),
            ],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/buffer_filter",
        "https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/flow_control",
        "https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/",
        "Envoy source/common/http/filter_manager.cc, 1.40",
        "Envoy source/common/router/router.cc, 1.40",
    ],
}
