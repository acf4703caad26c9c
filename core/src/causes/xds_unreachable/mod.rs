//! The proxy cannot reach its control plane.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW9003",
    slug: "xds-unreachable",
    since: "0.1.0",
    error: None,
    conditions: &[(Certain, Event(event::Event::XdsUnreachable))],
    suspected: &[
        Suspicion {
            when: Any(&[Event(event::Event::ProbeFailed), Event(event::Event::ProbeKeepsFailing)]),
            decide_by: "the proxy's log says `config not received from XDS server`",
            decide_by_zh: "代理日志里有 `config not received from XDS server`",
        },
        Suspicion {
            when: Event(event::Event::XdsReconnect),
            decide_by: "the line comes again within seconds and `istioctl proxy-status` does not list the proxy",
            decide_by_zh: "几秒内反复出现，且 `istioctl proxy-status` 里没有这个代理",
        },
    ],
    confirm: &[
        Confirm {
            id: "istiod",
            steps: &[
                Command("istioctl proxy-status | grep {pod}"),
                Command("kubectl -n istio-system get pods -l app=istiod -o wide"),
                Command("kubectl -n istio-system get endpointslices -l app=istiod"),
                Note(
                    "The pod is missing in the first output: it has no stream. No ready istiod, or slices without addresses: it is down, otherwise the way to it is.",
                    "第一条里没有这个 Pod：它没有连上控制面。istiod 没有就绪的 Pod，或 EndpointSlice 里没有地址：是 istiod 自己挂了；否则就是路不通。",
                ),
            ],
        },
        Confirm {
            id: "address",
            steps: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep -E 'upstream XDS server|dial tcp|no such host|context deadline'"),
                Command("kubectl -n {namespace} get pod {pod} --show-labels"),
                Command("kubectl get services -A -l app=istiod"),
                Note(
                    "The log names the address that the proxy calls (`istiod.istio-system.svc:15012`, or `istiod-REVISION…`). It must be one of the Services of the last command. `no such host`: DNS or a removed revision; `connection refused`: no ready istiod; `i/o timeout`: a NetworkPolicy or firewall.",
                    "日志里有代理连接的地址（`istiod.istio-system.svc:15012`，或 `istiod-REVISION…`），它必须是最后一条命令列出的 Service 之一。`no such host`：DNS 问题或该 revision 已被删；`connection refused`：没有就绪的 istiod；`i/o timeout`：被 NetworkPolicy 或防火墙拦了。",
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
                    "Solve what keeps istiod from being ready: OOMKilled (raise its memory, or let `discoverySelectors` and `Sidecar` resources make its work smaller), an API server or a webhook that does not answer, too few resources on the nodes. At least two replicas survive a node.",
                    "解决 istiod 不就绪的原因：OOMKilled（调大内存，或用 `discoverySelectors` 和 `Sidecar` 减小它的工作量）、API server 或 webhook 无响应、节点资源不足。至少两个副本才扛得住掉一个节点。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-status | grep {pod}"),
                Note("The proxy is listed as SYNCED and its pod becomes ready.", "代理出现在列表里且为 SYNCED，Pod 变为就绪。"),
            ],
        },
        Fix {
            id: "open-the-way",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# NetworkPolicy that already limits what these pods may call: one more rule
spec:
  egress:
    - to:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: istio-system
          podSelector:
            matchLabels:
              app: istiod
      ports:
        - protocol: TCP
          port: 15012
",
                ),
                Note(
                    "Append it to the existing `egress` list; DNS (port 53) must be open as well. A policy that limits what may reach istiod needs the same port as `ingress`, and 15017 from the API server for injection. Between clusters and on virtual machines look at firewalls and the east-west gateway.",
                    "追加到已有的 `egress` 列表里；DNS（53 端口）也必须放通。如果是限制谁能访问 istiod 的策略，则在 `ingress` 里放通同一端口，注入还需要对 API server 放通 15017。跨集群和虚拟机场景还要看防火墙和东西向网关。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=2m | grep 'upstream XDS server'"),
                Command("istioctl proxy-status | grep {pod}"),
                Note("It says `connected to`, and the proxy is SYNCED.", "日志出现 `connected to`，且代理为 SYNCED。"),
            ],
        },
        Fix {
            id: "existing-revision",
            applicability: Review,
            steps: &[
                Command("kubectl get mutatingwebhookconfigurations -l app=sidecar-injector --show-labels"),
                Command("kubectl -n {namespace} rollout restart deployment {workload}"),
                Note(
                    "Proxies keep the address that they were injected with. After a revision was uninstalled, restart every workload that still belongs to it; label the namespace with a revision that exists first.",
                    "代理一直使用注入时写入的地址。卸载某个 revision 之后，仍属于它的工作负载都要重启；重启前先把 namespace 的标签指到一个存在的 revision。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-status | grep {workload}"),
                Note("The new pods are SYNCED with an istiod of the new revision.", "新 Pod 为 SYNCED，连的是新 revision 的 istiod。"),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/diagnostic-tools/proxy-cmd/",
        "https://istio.io/latest/docs/ops/deployment/application-requirements/",
        "https://istio.io/latest/docs/setup/upgrade/canary/",
        "https://github.com/istio/istio/issues/29957",
    ],
}
