//! 426 DPE: the client spoke HTTP/1.0 to a listener that takes HTTP/1.1 and later.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW1001",
    slug: "http10-rejected",
    since: "0.1.0",
    error: Some(HttpRequestError),
    conditions: &[
        (Certain, Any(&[Details(Word::LowVersion), DownstreamCodec(CodecFault::LowVersion)])),
        (
            Likely,
            All(&[Status(426), Any(&[Flag(ResponseFlag::DPE), All(&[Absent(Field::Details), Absent(Field::UpstreamHost)])])]),
        ),
    ],
    suspected: &[
        Suspicion {
            when: All(&[Status(426), Absent(Field::Details)]),
            decide_by: "the request line ends in `HTTP/1.0`, and the access log has `DPE` or `low_version`",
            decide_by_zh: "请求行以 `HTTP/1.0` 结尾，access log 里有 `DPE` 或 `low_version`",
        },
    ],
    confirm: &[Confirm {
        id: "version",
        steps: &[
            Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=10m | grep low_version"),
            Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -c acceptHttp10"),
            Note(
                "Lines from the first command (with the access log on) and 0 from the second: this proxy refuses HTTP/1.0.",
                "第一条命令有输出（需已开启访问日志）、第二条输出 0：就是这个代理拒绝了 HTTP/1.0。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "nginx-version",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r#"data:
  default.conf: |
    server {
      listen 80;
      location / {
        proxy_pass http://{service}.{service_namespace}:{port};
        proxy_http_version 1.1;
        proxy_set_header Connection "";
      }
    }
"#,
                ),
                Note(
                    "Reload nginx, or restart its pods, after the ConfigMap has changed.",
                    "改完 ConfigMap 后要 reload nginx，或者重启它的 Pod。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=1m | grep low_version"),
                Note(
                    "Run it a minute after the change while the client sends requests: it prints nothing, and the client gets the application's own status.",
                    "改完一分钟后、客户端仍在发请求时执行：没有输出，而且客户端拿到的是应用自己的状态码。",
                ),
            ],
        },
        Fix {
            id: "accept-http10",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    r#"apiVersion: networking.istio.io/v1beta1
kind: ProxyConfig
metadata:
  name: accept-http10
  namespace: {namespace}
spec:
  environmentVariables:
    ISTIO_META_HTTP10: "1"
"#,
                ),
                Command("kubectl -n {namespace} rollout restart deployment {workload}"),
                Note(
                    "It holds for every proxy of the namespace that starts afterwards; add `spec.selector.matchLabels` to narrow it. To allow HTTP/1.0 in the whole mesh, set `PILOT_HTTP10=1` on istiod instead.",
                    "该命名空间里此后启动的所有代理都会生效；想缩小范围就加 `spec.selector.matchLabels`。要全网格放开 HTTP/1.0，则改为在 istiod 上设置环境变量 `PILOT_HTTP10=1`。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -c acceptHttp10"),
                Note(
                    "Name the new pod: the count is above 0, and the client's HTTP/1.0 request no longer gets 426.",
                    "换成重启后的新 Pod 名：计数大于 0，且客户端的 HTTP/1.0 请求不再得到 426。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/common-problems/network-issues/#envoy-wont-connect-to-my-http10-service",
        "https://istio.io/latest/docs/reference/config/networking/proxy-config/",
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_http_version",
        "Envoy source/common/http/http1/codec_impl.cc, 1.40",
    ],
}
