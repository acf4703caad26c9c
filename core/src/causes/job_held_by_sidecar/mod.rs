//! A Job never completes because its sidecar goes on running.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW9019",
    slug: "job-held-by-sidecar",
    since: "0.1.0",
    error: None,
    conditions: &[(Certain, Event(event::Event::JobHeldBySidecar))],
    confirm: &[Confirm {
        id: "which-runs",
        steps: &[
            Command("kubectl -n {namespace} get pod {pod} -o jsonpath='{.metadata.ownerReferences[*].kind}{\"\\n\"}{.status.containerStatuses}'"),
            Command("kubectl -n {namespace} get pod {pod} -o jsonpath='{.spec.initContainers[?(@.name==\"istio-proxy\")].restartPolicy}'"),
            Note(
                "The owner is a Job, the application's container is `terminated` and `istio-proxy` among the containers is `running`: confirmed. If the second command prints `Always`, the sidecar is a native one and something else holds the pod.",
                "属主是 Job，应用容器为 `terminated`，而容器列表里的 `istio-proxy` 为 `running`：即可确认。如果第二条输出 `Always`，说明已经是原生 sidecar，卡住 Pod 的是别的东西。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "release-now",
            applicability: Review,
            steps: &[
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- pilot-agent request POST quitquitquit"),
                Note(
                    "For the pod that hangs now. Envoy ends, the agent follows, and the Job completes.",
                    "处理眼下卡住的 Pod：Envoy 退出，agent 随之退出，Job 即完成。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} get pod {pod}"),
                Note("It is `Completed`.", "状态为 `Completed`。"),
            ],
        },
        Fix {
            id: "native-sidecar",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r#"# Job, or the jobTemplate of a CronJob
spec:
  template:
    metadata:
      annotations:
        sidecar.istio.io/nativeSidecar: "true"
"#,
                ),
                Note(
                    "Kubernetes ends native sidecars itself when the other containers have ended. They need Kubernetes 1.28 with the feature gate SidecarContainers (on by default since 1.29), and Istio 1.24 for the annotation; before, set `ENABLE_NATIVE_SIDECARS=true` on istiod (Istio 1.19 and later). Since Istio 1.27 they are the default if every node's kubelet is 1.33 or newer.",
                    "其他容器都结束后，Kubernetes 会自己停掉原生 sidecar。需要 Kubernetes 1.28 并打开 SidecarContainers 特性（1.29 起默认打开）；用注解需要 Istio 1.24，更早的版本给 istiod 设置 `ENABLE_NATIVE_SIDECARS=true`（Istio 1.19 起）。Istio 1.27 起，所有节点的 kubelet 都不低于 1.33 时默认启用。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} get pod {pod} -o jsonpath='{.spec.initContainers[?(@.name==\"istio-proxy\")].restartPolicy}'"),
                Command("kubectl -n {namespace} get jobs"),
                Note(
                    "Name a new pod of the Job: it prints `Always`, and the Job gets its completions.",
                    "换成这个 Job 新建的 Pod：输出 `Always`，且 Job 能正常完成。",
                ),
            ],
        },
        Fix {
            id: "end-with-application",
            applicability: Manual,
            steps: &[Note(
                "Where native sidecars are not possible, let the application's container end the agent as its last deed, whatever its own result: `command; code=$?; curl -fsS -X POST http://127.0.0.1:15020/quitquitquit; exit $code`. The agent takes it only as POST and only from within the pod. `holdApplicationUntilProxyStarts` helps at the start of a Job, not at its end.",
                "用不了原生 sidecar 的，让应用容器在最后通知 agent 退出，并保留自己的退出码：`命令; code=$?; curl -fsS -X POST http://127.0.0.1:15020/quitquitquit; exit $code`。agent 只接受 POST，且只接受 Pod 内部的请求。`holdApplicationUntilProxyStarts` 解决的是 Job 启动时的问题，管不了结束。",
            )],
            verify: &[
                Command("kubectl -n {namespace} get jobs"),
                Note("The next run completes, and a failing one is still shown as failed.", "下一次运行能完成；失败的运行仍然显示为失败。"),
            ],
        },
        Fix {
            id: "outside-the-mesh",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r#"# Job, or the jobTemplate of a CronJob
spec:
  template:
    metadata:
      labels:
        sidecar.istio.io/inject: "false"
"#,
                ),
                Note(
                    "Only if the Job calls nothing that demands mTLS (PeerAuthentication STRICT) or a mesh identity.",
                    "仅当 Job 调用的服务都不要求 mTLS（PeerAuthentication 为 STRICT）和网格身份时适用。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} get jobs"),
                Note("A new run completes, and its calls succeed.", "新的运行能完成，且它的调用都成功。"),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/blog/2023/native-sidecars/",
        "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
        "https://istio.io/latest/docs/reference/config/annotations/",
        "https://github.com/istio/istio/issues/11045",
        "https://github.com/istio/istio/issues/11659",
        "Istio pilot/cmd/pilot-agent/status/server.go, 1.30",
    ],
}
