//! Envoy runs, but it is not ready, and the input does not say why.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW9008",
    slug: "proxy-not-ready",
    since: "0.1.0",
    error: None,
    conditions: &[(Certain, Event(event::Event::ProxyNotReady)), (Likely, Event(event::Event::ProbeKeepsFailing))],
    suspected: &[
        Suspicion {
            when: Any(&[Event(event::Event::ProbeFailed), Event(event::Event::ProbeKeepsFailing)]),
            decide_by: "the pod stays not ready for minutes and `/healthz/ready` on port 15021 does not answer 200",
            decide_by_zh: "Pod 持续几分钟未就绪，且 15021 端口的 `/healthz/ready` 不返回 200",
        },
    ],
    confirm: &[Confirm {
        id: "what-it-waits-for",
        steps: &[
            Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep -E 'NOT ready|rejected|secret|wasm' | tail -n 20"),
            Command("kubectl exec {pod} -n {namespace} -c istio-proxy -- pilot-agent request GET init_dump"),
            Command("kubectl exec {pod} -n {namespace} -c istio-proxy -- pilot-agent request GET stats | grep -E 'server\\.state|workers_started|(cds|lds)\\.update_(success|rejected)'"),
            Note(
                "`init_dump` names what is awaited: a secret (SDS), a route table (RDS), an extension (ECDS), an init target of a cluster. `update_rejected` above 0: Envoy refused a configuration. `server.state` is 0 when live, 1 while it drains, 2 or 3 while it initialises.",
                "`init_dump` 会列出在等什么：secret（SDS）、路由表（RDS）、扩展配置（ECDS）或某个 cluster 的初始化。`update_rejected` 大于 0：Envoy 拒绝了某份配置。`server.state`：0 是 live，1 是正在排空，2 或 3 是还在初始化。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "remove-obstacle",
            applicability: Manual,
            steps: &[
                Command("istioctl analyze -n {namespace}"),
                Note(
                    "A rejected update: correct the resource that the line with `rejected` names. A secret that is awaited: create the Secret of the gateway's `credentialName`, or correct the file in `caCertificates` of a DestinationRule; one missing file keeps a whole new proxy unready. An extension that is awaited: make the image of the WasmPlugin reachable. Nothing at all: look whether istiod pushes to this proxy.",
                    "更新被拒绝：改正含 `rejected` 的日志点名的资源。在等 secret：创建网关 `credentialName` 对应的 Secret，或改正 DestinationRule 里 `caCertificates` 的文件路径，一个文件缺失就能让整个新代理不就绪。在等扩展：让 WasmPlugin 的镜像可以拉取。什么都没有：看 istiod 是否向这个代理推送。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep 'Envoy proxy is ready'"),
                Command("kubectl -n {namespace} get pod {pod}"),
                Note("The line appears, and the pod is ready.", "出现该日志，Pod 就绪。"),
            ],
        },
        Fix {
            id: "more-cpu",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r#"# Deployment: CPU of the injected proxy
spec:
  template:
    metadata:
      annotations:
        sidecar.istio.io/proxyCPU: 200m
        sidecar.istio.io/proxyCPULimit: "2"
"#,
                ),
                Note(
                    "Only if it does become ready, just too late. A `Sidecar` resource that lists the namespaces which are really called makes the configuration small, which helps more. Thresholds of the readiness probe change nothing: they decide how soon failure is noticed, not how soon the proxy is ready.",
                    "仅当它最终会就绪、只是太慢时适用。用 `Sidecar` 资源只列出真正会调用的 namespace，把配置变小，效果更好。调就绪探针的阈值没有用：那只决定多久判定失败，不会让代理更快就绪。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep 'Envoy proxy is ready'"),
                Note("Name the new pod: the line comes within seconds of the first one of the log.", "换成新 Pod 名：从第一行日志到该行只隔几秒。"),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/diagnostic-tools/proxy-cmd/",
        "https://www.envoyproxy.io/docs/envoy/latest/operations/admin#get--init_dump",
        "https://istio.io/latest/docs/reference/config/annotations/",
        "Istio pilot/cmd/pilot-agent/status/ready/probe.go, 1.30",
    ],
}
