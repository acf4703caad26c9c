//! Envoy's own admin port refuses: it has not started yet, or it has ended.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW9007",
    slug: "proxy-not-started",
    since: "0.1.0",
    error: None,
    conditions: &[(Certain, Event(event::Event::ProxyNotStarted)), (Likely, Event(event::Event::ProxyBackOff))],
    suspected: &[
        Suspicion {
            when: Any(&[Event(event::Event::ProbeFailed), Event(event::Event::ProbeKeepsFailing)]),
            decide_by: "nobody listens at port 15021 (`connection refused`)",
            decide_by_zh: "15021 端口没有人监听（`connection refused`）",
        },
    ],
    confirm: &[Confirm {
        id: "last-words",
        steps: &[
            Command("kubectl -n {namespace} get pod {pod} -o jsonpath='{.status.initContainerStatuses[?(@.name==\"istio-proxy\")]}{.status.containerStatuses[?(@.name==\"istio-proxy\")]}'"),
            Command("kubectl -n {namespace} logs {pod} -c istio-proxy --previous --tail=50"),
            Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep -iE 'critical|error|exited|epoch'"),
            Note(
                "`OOMKilled` or exit code 137: memory. `error initializing configuration` or `unable to bind`: the bootstrap. `Envoy exited`, 139 or 134: a crash. None of it and a young pod: it is still starting.",
                "`OOMKilled` 或退出码 137：内存不足。`error initializing configuration` 或 `unable to bind`：bootstrap 有问题。`Envoy exited`、139 或 134：崩溃。都没有且 Pod 刚创建：还在启动。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "more-memory",
            applicability: Review,
            steps: &[
                Patch(PatchKind::Fragment, PROXY_MEMORY),
                Note(
                    "If it was killed for memory. The pods are replaced. In a large mesh a `Sidecar` resource that lists the namespaces which are really called saves far more than a higher limit.",
                    "适用于因内存被杀。Pod 会滚动重建。大网格里，用 `Sidecar` 资源只列出真正会调用的 namespace，比调大上限有效得多。",
                ),
            ],
            verify: &[
                Command("kubectl top pod {pod} -n {namespace} --containers"),
                Note("Name the new pod: memory stays below the limit and the number of restarts at 0.", "换成新 Pod 名：内存低于上限，重启次数保持为 0。"),
            ],
        },
        Fix {
            id: "valid-bootstrap",
            applicability: Manual,
            steps: &[
                Command("kubectl -n {namespace} get pod {pod} -o yaml | grep -E 'bootstrapOverride|proxy.istio.io/config|proxyImage|ISTIO_META'"),
                Note(
                    "Take back what changes how Envoy starts: a custom bootstrap (`sidecar.istio.io/bootstrapOverride`), concurrency, image, tracing or stats settings in `proxy.istio.io/config`; or free the port that the log cannot bind, which another process of the pod holds. For a crash, keep the stack trace from the log and upgrade to the latest patch release.",
                    "撤回影响 Envoy 启动的改动：自定义 bootstrap（`sidecar.istio.io/bootstrapOverride`）、并发数、镜像、`proxy.istio.io/config` 里的 tracing 或 stats 设置；如果是端口绑定失败，释放被 Pod 内其他进程占用的端口。如果是崩溃，保留日志里的堆栈，并升级到最新补丁版本。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep 'Envoy proxy is ready'"),
                Note("The line appears and the container is ready.", "出现该日志，且容器就绪。"),
            ],
        },
        Fix {
            id: "application-waits",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r#"# Deployment: start the application after the proxy
spec:
  template:
    metadata:
      annotations:
        proxy.istio.io/config: |
          holdApplicationUntilProxyStarts: true
"#,
                ),
                Note(
                    "Only if the first seconds of a pod are the trouble. Native sidecars make it unnecessary: Istio 1.27 and later use them when every node's kubelet is 1.33 or newer, per pod with the annotation `sidecar.istio.io/nativeSidecar`.",
                    "仅当问题出在 Pod 启动的头几秒时适用。使用原生 sidecar 就不需要它：Istio 1.27 起，所有节点 kubelet 都不低于 1.33 时自动启用，也可以用注解 `sidecar.istio.io/nativeSidecar` 按 Pod 开启。",
                ),
            ],
            verify: &[Note(
                "After a restart the application's log has no failed calls before the proxy's `Envoy proxy is ready`.",
                "重启后，在代理打出 `Envoy proxy is ready` 之前，应用日志里没有失败的调用。",
            )],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/common-problems/injection/#pod-or-containers-start-with-network-issues-if-istio-proxy-is-not-ready",
        "https://istio.io/latest/docs/reference/config/annotations/",
        "https://github.com/istio/istio/issues/13939",
        "Istio pilot/cmd/pilot-agent/status/ready/probe.go, 1.30",
    ],
}
