//! http2.cookies_total_bytes_too_large: the cookies of an HTTP/2 request exceed the proxy's limit for cookies.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW1007",
    slug: "cookies-too-large",
    since: "0.1.0",
    error: Some(HttpRequestError),
    refines: headers_too_large,
    conditions: &[(Certain, Details(Word::Http2CookiesTotalBytesTooLarge))],
    confirm: &[Confirm {
        id: "limit",
        steps: &[
            Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- pilot-agent request GET runtime | grep -A8 -E 'http2_max_cookies_size_in_kb|http2_include_cookies_in_limits'"),
            Note(
                "The number under `http2_max_cookies_size_in_kb` is the limit in KiB. Compare it with the cookies that a browser sends: in its developer tools, the sum of the names and values for this host.",
                "`http2_max_cookies_size_in_kb` 下面的数字就是上限，单位 KiB。再跟浏览器实际发送的 Cookie 比：在开发者工具里看这个域名下所有 Cookie 名和值的总和。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "fewer-cookies",
            applicability: Manual,
            steps: &[Note(
                "Narrow the `Domain` and `Path` of cookies, so that each application gets only its own; keep session data on the server; let old cookies expire (send them again with `Max-Age=0`).",
                "收窄 Cookie 的 `Domain` 和 `Path`，让每个应用只收到自己的；会话数据放到服务端；让旧 Cookie 过期（重新下发并带上 `Max-Age=0`）。",
            )],
            verify: &[Note(
                "After the old cookies are deleted in the browser the same page loads, and the log has no new line with `cookies_total_bytes_too_large`.",
                "浏览器清掉旧 Cookie 后同一页面能打开，日志里不再有新的 `cookies_total_bytes_too_large`。",
            )],
        },
        Fix {
            id: "raise-cookie-limit",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r#"# Deployment of the gateway or workload
spec:
  template:
    metadata:
      annotations:
        proxy.istio.io/config: |
          runtimeValues:
            envoy.reloadable_features.http2_max_cookies_size_in_kb: "48"
"#,
                ),
                Note(
                    "The pods restart. Cookies count toward the limits of all headers as well (60 KiB, 100 entries), so a larger value needs those raised, too. Switching `http2_include_cookies_in_limits` off brings back the memory attack of CVE-2026-47774.",
                    "Pod 会重启。Cookie 同时计入全部请求头的上限（60 KiB、100 个），数值要再大就得连那两个一起调。不要关闭 `http2_include_cookies_in_limits`，否则 CVE-2026-47774 的内存攻击又能得手。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- pilot-agent request GET runtime | grep -A8 http2_max_cookies_size_in_kb"),
                Note(
                    "Name the new pod: it shows the new number, and the same request gets a response.",
                    "换成新 Pod 名：显示新的数字，且同一个请求得到响应。",
                ),
            ],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/version_history/v1.38/v1.38.2",
        "https://github.com/envoyproxy/envoy/discussions/45481",
        "https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#ProxyConfig",
        "Envoy source/common/http/http2/codec_impl.cc, 1.40",
    ],
}
