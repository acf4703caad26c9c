//! The API server cannot call istiod's webhook, for injection or for validation.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW9014",
    slug: "injector-webhook-unreachable",
    since: "0.1.0",
    error: None,
    conditions: &[(Certain, Event(event::Event::WebhookUnreachable))],
    confirm: &[
        Confirm {
            id: "webhooks",
            steps: &[
                Command("kubectl get mutatingwebhookconfigurations,validatingwebhookconfigurations -o custom-columns='NAME:.metadata.name,SERVICE:.webhooks[*].clientConfig.service.name,POLICY:.webhooks[*].failurePolicy'"),
                Command("kubectl get services -A -l app=istiod"),
                Command("kubectl -n istio-system get pods -l app=istiod -o wide"),
                Command("kubectl -n istio-system get endpointslices -l app=istiod"),
                Note(
                    "Each SERVICE of an Istio webhook must be among the Services. A Service without ready pods, or slices without addresses: istiod is down. A webhook whose Service does not exist: it is left over from a removed revision.",
                    "Istio 的每个 webhook 指向的 SERVICE 都要存在。Service 背后没有就绪的 Pod，或 EndpointSlice 里没有地址：istiod 挂了。webhook 指向的 Service 不存在：是已卸载的 revision 残留下来的。",
                ),
            ],
        },
        Confirm {
            id: "way",
            steps: &[
                Command("kubectl get --raw /api/v1/namespaces/istio-system/services/https:istiod:https-webhook/proxy/inject"),
                Note(
                    "It sends the API server the same way. `BadRequest` is the good answer: istiod was reached and misses a body. A timeout while istiod is ready: something between the API server and port 15017 drops the packets. With revisions the Service is `istiod-REVISION`.",
                    "这条命令让 API server 走同一条路。返回 `BadRequest` 才是正常的：已经到达 istiod，它只是没收到 body。如果 istiod 已就绪却超时：API server 到 15017 端口之间有东西在丢包。使用 revision 时 Service 是 `istiod-REVISION`。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "restore-istiod",
            applicability: Manual,
            steps: &[
                Command("kubectl -n istio-system describe pods -l app=istiod"),
                Command("kubectl -n istio-system logs -l app=istiod --tail=100 --prefix"),
                Note(
                    "Solve what keeps istiod from being ready. Two replicas with a PodDisruptionBudget survive the loss of a node, after which many pods are created at once.",
                    "解决 istiod 不就绪的原因。至少两个副本并配上 PodDisruptionBudget，才扛得住掉一个节点：恰好那时会有大量 Pod 要重建。",
                ),
            ],
            verify: &[
                Command("kubectl -n istio-system get endpointslices -l app=istiod"),
                Command("kubectl -n {namespace} run injection-test --image=registry.k8s.io/pause:3.10 --dry-run=server -o name"),
                Note("The slices have addresses, and the test pod is accepted.", "EndpointSlice 里有地址，且测试 Pod 能通过校验。"),
            ],
        },
        Fix {
            id: "open-the-port",
            applicability: Manual,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# NetworkPolicy that already limits what may reach istiod: one more rule
spec:
  ingress:
    - ports:
        - protocol: TCP
          port: 15017
",
                ),
                Note(
                    "The Service says 443, but the firewall sees the pod's port 15017. A private GKE cluster opens only 443 and 10250 from its control plane: add a firewall rule for `tcp:15017` from the control plane's range to the nodes. On EKS let the nodes' security group take 15017 from the cluster's security group.",
                    "Service 上写的是 443，但防火墙看到的是 Pod 的 15017 端口。GKE 私有集群的控制面默认只放通 443 和 10250：加一条防火墙规则，允许控制面网段访问节点的 `tcp:15017`。EKS 则在节点安全组里放通来自集群安全组的 15017。",
                ),
                Note(
                    "If the API server cannot route to pod addresses at all (an overlay network on a managed control plane), istiod must run with `hostNetwork: true` or on the provider's native network. If the API server has `HTTPS_PROXY` set, put `.svc` and the ranges of pods and Services in its `NO_PROXY`.",
                    "如果 API server 根本路由不到 Pod 地址（托管控制面加 overlay 网络），istiod 就要用 `hostNetwork: true`，或者改用云厂商的原生网络。API server 设置了 `HTTPS_PROXY` 的，把 `.svc` 以及 Pod 和 Service 网段加到 `NO_PROXY`。",
                ),
            ],
            verify: &[
                Command("kubectl get --raw /api/v1/namespaces/istio-system/services/https:istiod:https-webhook/proxy/inject"),
                Command("kubectl -n {namespace} run injection-test --image=registry.k8s.io/pause:3.10 --dry-run=server -o name"),
                Note("The first answers `BadRequest` at once, and the test pod is accepted.", "第一条立刻返回 `BadRequest`，且测试 Pod 能通过校验。"),
            ],
        },
        Fix {
            id: "leftover-webhook",
            applicability: Manual,
            steps: &[
                Command("istioctl tag list"),
                Note(
                    "Remove what points to a Service that is gone: `istioctl tag remove TAG` for a tag, `istioctl uninstall --revision REVISION` for a revision. Label namespaces with a revision that exists before that, or their new pods get no sidecar.",
                    "清理指向不存在的 Service 的 webhook：标签用 `istioctl tag remove TAG`，revision 用 `istioctl uninstall --revision REVISION`。动手之前先把 namespace 的标签指到一个存在的 revision，否则新 Pod 不会注入 sidecar。",
                ),
            ],
            verify: &[
                Command("istioctl tag list"),
                Command("kubectl -n {namespace} run injection-test --image=registry.k8s.io/pause:3.10 --dry-run=server -o name"),
                Note("Every tag names a revision that runs, and the test pod is accepted.", "每个标签都对应一个在运行的 revision，且测试 Pod 能通过校验。"),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/common-problems/injection/#no-such-hosts-or-no-endpoints-available-errors-in-deployment-status",
        "https://istio.io/latest/docs/ops/common-problems/injection/#automatic-sidecar-injection-fails-if-the-kubernetes-api-server-has-proxy-settings",
        "https://cloud.google.com/service-mesh/docs/private-cluster-open-port",
        "https://github.com/istio/istio/issues/19532",
        "https://github.com/istio/istio/issues/43882",
    ],
}
