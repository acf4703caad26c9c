//! Envoy refused a configuration that the control plane sent.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW9013",
    slug: "config-rejected",
    since: "0.1.0",
    error: None,
    conditions: &[(Certain, Event(event::Event::ConfigRejected))],
    confirm: &[Confirm {
        id: "reason",
        steps: &[
            Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep -A3 rejected | tail -n 20"),
            Command("istioctl proxy-status | grep -E 'STALE|{pod}'"),
            Command("kubectl -n istio-system logs -l app=istiod --since=1h --tail=-1 | grep 'ACK ERROR'"),
            Command("kubectl get envoyfilters,wasmplugins,proxyconfigs,telemetries -A --sort-by=.metadata.creationTimestamp"),
            Note(
                "The text behind `rejected` names the resource of Envoy (a listener, cluster or route table) and what is wrong with it. STALE: this proxy works with an older configuration than istiod has. The youngest resource of the last command is the first suspect.",
                "`rejected` 后面的文字会给出 Envoy 资源名（listener、cluster 或路由表）和错误原因。STALE：这个代理用的配置比 istiod 手里的旧。最后一条命令里最新的资源嫌疑最大。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "correct-resource",
            applicability: Manual,
            steps: &[
                Command("istioctl analyze -A"),
                Command("istioctl proxy-status"),
                Note(
                    "Take back the last change, then repair it. In an EnvoyFilter look at the `@type` (the extension must exist in this proxy's Envoy), fields that this Envoy version does not know or has removed, an HTTP filter inserted behind the router, a cluster or secret that is named and does not exist, an access-log operator that only newer versions have. During upgrades `match.proxy.proxyVersion` keeps a patch from proxies that do not understand it.",
                    "先撤回最近的改动，再修。EnvoyFilter 要检查：`@type`（这个代理的 Envoy 里必须有该扩展）、该 Envoy 版本不认识或已移除的字段、插到 router 之后的 HTTP 过滤器、引用了不存在的 cluster 或 secret、只有新版本才有的访问日志操作符。升级期间可用 `match.proxy.proxyVersion` 让看不懂的代理跳过这个补丁。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-status | grep {pod}"),
                Command("kubectl exec {pod} -n {namespace} -c istio-proxy -- pilot-agent request GET stats | grep -E '(cds|lds)\\.update_rejected'"),
                Note("SYNCED, and the counters no longer grow.", "SYNCED，且计数不再增长。"),
            ],
        },
        Fix {
            id: "try-on-one",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r#"# EnvoyFilter: only one test workload, only proxies of one version
spec:
  workloadSelector:
    labels:
      app: config-test
  configPatches:
    - applyTo: HTTP_FILTER
      match:
        context: SIDECAR_INBOUND
        proxy:
          proxyVersion: '^1\.30.*'
        listener:
          filterChain:
            filter:
              name: envoy.filters.network.http_connection_manager
      patch:
        operation: INSERT_FIRST
        value:
          name: request-marker
          typed_config:
            '@type': type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
            default_source_code:
              inline_string: |
                function envoy_on_request(handle)
                  handle:headers():add("x-marked", "1")
                end
"#,
                ),
                Note(
                    "The filter stands for your own patch. Before the next change reaches everybody: one rejected patch stops all later updates of the same kind for every proxy that it selects. Alert on the metric `pilot_total_xds_rejects` of istiod.",
                    "示例里的 filter 换成你自己的补丁。下次变更铺开之前先这样试：一个被拒绝的补丁，会让它选中的所有代理都停止接收后续同类更新。对 istiod 的指标 `pilot_total_xds_rejects` 加告警。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-status"),
                Note("With the patch on the test workload, all proxies are SYNCED.", "补丁只在测试工作负载上生效时，所有代理都是 SYNCED。"),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/diagnostic-tools/proxy-cmd/",
        "https://istio.io/latest/docs/reference/config/networking/envoy-filter/",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/overview/mgmt_server",
        "Envoy source/extensions/config_subscription/grpc/grpc_subscription_impl.cc, 1.40",
    ],
}
