//! A message of the platform around the mesh: its load balancer, its network plugin, its own mesh or scheduler.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW9020",
    slug: "platform-message",
    since: "0.1.0",
    error: None,
    conditions: &[(Certain, Event(event::Event::PlatformMessage))],
    confirm: &[
        Confirm {
            id: "reached-the-mesh",
            steps: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=15m"),
                Note(
                    "For the answer to a request: look for its line at that time, at the gateway first. No line means that the request never came to the mesh. (No access log at all? It is off by default: see `unknown`.)",
                    "如果它是某个请求的响应：先在网关上找同一时间的日志。没有对应的行，说明请求根本没进网格。（完全没有访问日志？默认是关的，见 `unknown`。）",
                ),
            ],
        },
        Confirm {
            id: "without-platform",
            steps: &[
                Command("kubectl -n {service_namespace} port-forward service/{service} 8080:{port}"),
                Command("curl -v http://127.0.0.1:8080/"),
                Note(
                    "Run the second command in another terminal, with the failing path and Host. If this succeeds, the platform in front is the one that fails.",
                    "第二条命令在另一个终端里执行，带上出错的路径和 Host。如果成功，出问题的就是前面的平台。",
                ),
            ],
        },
        Confirm {
            id: "cluster-events",
            steps: &[
                Command("kubectl -n {namespace} get events --sort-by=.lastTimestamp"),
                Note(
                    "For an event of a pod: its `from` and the name of the plugin in the text say which component speaks.",
                    "如果它是 Pod 事件：看来源和文字里的插件名，就知道是哪个组件报的。",
                ),
            ],
        },
    ],
    fixes: &[Fix {
        id: "ask-the-platform",
        applicability: Manual,
        steps: &[Note(
            "Look the text up in the documentation of your platform, or ask its support: give the message word for word, the time, the resource (load balancer, node, instance) and the request's id. Nothing in Istio's resources changes it. If the platform's backend is your gateway, check what it needs from you: the health check's path and port (15021, `/healthz/ready`), and pods that are ready.",
            "在平台文档里查这段文字，或找平台的技术支持：原样提供报错、时间、资源（负载均衡、节点、实例）和请求 ID。改 Istio 资源没有用。如果平台的后端就是你的网关，检查平台对你的要求：健康检查的路径和端口（15021，`/healthz/ready`），以及 Pod 是否就绪。",
        )],
        verify: &[Note("The same request or the same pod succeeds, and the message does not come again.", "同一个请求或同一个 Pod 成功，且不再出现这条消息。")],
    }],
    sources: &[
        "https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/",
        "https://kubernetes.io/docs/tasks/administer-cluster/migrating-from-dockershim/troubleshooting-cni-plugin-related-errors/",
        "https://istio.io/latest/docs/ops/common-problems/network-issues/",
    ],
}
