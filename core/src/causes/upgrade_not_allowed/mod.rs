//! 403 upgrade_failed: the request asks for an upgrade that this proxy does not allow.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW1005",
    slug: "upgrade-not-allowed",
    since: "0.1.0",
    error: Some(HttpRequestDenied),
    conditions: &[(Certain, Details(Word::UpgradeFailed))],
    suspected: &[
        Suspicion {
            when: All(&[Status(426), Absent(Field::Details), Absent(Field::Flags), Absent(Field::UpstreamHost)]),
            decide_by: "the request asks for `Upgrade: TLS` or a protocol that the proxy does not let through",
            decide_by_zh: "请求带有 `Upgrade: TLS` 或代理不放行的协议",
        },
    ],
    confirm: &[
        Confirm {
            id: "upgrade-header",
            steps: &[
                Command("curl -sv -o /dev/null -H 'Connection: Upgrade' -H 'Upgrade: TLS/1.2' http://{host}:{port}/"),
                Note(
                    "Run it in the client's application container: `403 Forbidden` with `server: envoy` and an empty body reproduces it; without the two `-H` the same URL is answered by the application.",
                    "在客户端的应用容器里执行：得到 `403 Forbidden`、`server: envoy`、body 为空即为复现；去掉两个 `-H` 再访问同一个 URL，就由应用正常返回。",
                ),
            ],
        },
        Confirm {
            id: "allowed",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -A3 upgradeConfigs"),
                Note(
                    "The listed `upgradeType` values are all that the proxy lets through; Istio's default is `websocket` alone.",
                    "列出的 `upgradeType` 就是代理放行的全部类型；Istio 默认只有 `websocket`。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "client",
            applicability: Manual,
            steps: &[Note(
                "Apache HttpClient 5.4 and later: `RequestConfig.custom().setProtocolUpgradeEnabled(false)`. Other clients: switch off the opportunistic upgrade to TLS (RFC 2817); behind a sidecar mTLS protects the connection already.",
                "Apache HttpClient 5.4 及以上：`RequestConfig.custom().setProtocolUpgradeEnabled(false)`。其他客户端：关掉“机会性升级到 TLS”（RFC 2817）；有 sidecar 时链路本来就由 mTLS 保护。",
            )],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=5m | grep upgrade_failed"),
                Note(
                    "Run it while the rebuilt client sends requests, with the access log on: it prints nothing.",
                    "重新构建的客户端发请求期间执行（需已开启访问日志）：没有输出。",
                ),
            ],
        },
        Fix {
            id: "ignore-tls-upgrade",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    http_connection_manager!("ignore-tls-upgrade", "http_protocol_options:", "  ignore_http_11_upgrade:", "    - prefix: TLS/"),
                ),
                Note(
                    "Needs Envoy 1.34 (Istio 1.26); an older proxy refuses the unknown field. It holds for every proxy of the namespace: add `workloadSelector` to narrow it. Ambient waypoints need `targetRefs`.",
                    "需要 Envoy 1.34（Istio 1.26）以上，更老的代理不认识这个字段、会拒绝配置。对该 namespace 的所有代理生效，想缩小范围就加 `workloadSelector`；Ambient 的 waypoint 要用 `targetRefs`。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -A3 ignoreHttp11Upgrade"),
                Note(
                    "The prefix `TLS/` is listed, and the same request is answered by the application.",
                    "能看到前缀 `TLS/`，且同一个请求由应用返回。",
                ),
            ],
        },
        Fix {
            id: "allow-type",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    http_connection_manager!("allow-upgrade", "upgrade_configs:", "  - upgrade_type: my-protocol"),
                ),
                Note(
                    "Replace `my-protocol` by the value of the `Upgrade` header. The list is appended to Istio's, so websockets keep working. Every proxy on the way needs it.",
                    "把 `my-protocol` 换成 `Upgrade` 请求头的值。该列表会追加到 Istio 自带的列表后面，websocket 不受影响。沿途每个代理都要放行。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -A6 upgradeConfigs"),
                Note(
                    "The new type is listed beside `websocket`, and the client gets 101.",
                    "新类型与 `websocket` 并列出现，且客户端收到 101。",
                ),
            ],
        },
    ],
    sources: &[
        "https://github.com/istio/istio/issues/53239",
        "https://github.com/envoyproxy/envoy/issues/36305",
        "https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/http/upgrades",
        "Envoy source/common/http/conn_manager_impl.cc, 1.40",
    ],
}
