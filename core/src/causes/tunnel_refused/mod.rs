//! tunnel_response: the peer answered CONNECT with a status that is not 2xx.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW3010",
    slug: "tunnel-refused",
    since: "0.1.0",
    error: Some(DestinationUnavailable),
    conditions: &[(Certain, UpstreamTransport(TransportKind::TunnelResponse))],
    confirm: &[
        Confirm {
            id: "status",
            steps: &[
                Command("kubectl -n {namespace} logs {pod} --since=10m | grep tunnel_response"),
                Note(
                    "The number behind the colon is the peer's answer: 401 or 403 a policy, 404 or 503 a workload that the peer does not know or cannot reach, 407 a forward proxy that wants credentials.",
                    "冒号后面的数字就是对端的回答：401、403 是策略拒绝；404、503 是对端不认识或到不了该工作负载；407 是正向代理要求认证。",
                ),
            ],
        },
        Confirm {
            id: "ambient-peer",
            steps: &[
                Command("istioctl ztunnel-config workloads"),
                Command("kubectl -n istio-system logs -l app=ztunnel --since=10m --tail=-1 | grep -iE 'error|denied|rejected'"),
                Command("kubectl get authorizationpolicies -A"),
                Note(
                    "The destination's pod must be listed with the protocol HBONE; the ztunnel of its node says why it refused.",
                    "目的 Pod 在列表里的协议应为 HBONE；它所在节点的 ztunnel 日志会写明拒绝原因。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "policy",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    r"apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: allow-tunnel-source
  namespace: {service_namespace}
spec:
  selector:
    matchLabels:
      app: {service}
  action: ALLOW
  rules:
    - from:
        - source:
            namespaces:
              - {namespace}
",
                ),
                Note(
                    "For 401 and 403. Behind a waypoint the connection comes with the waypoint's identity, so the workload's policy must allow that one. The first ALLOW policy for a workload denies everybody else.",
                    "针对 401 和 403。经过 waypoint 的连接带的是 waypoint 的身份，工作负载上的策略要放行它。工作负载一旦有了第一条 ALLOW 策略，其他来源就都会被拒绝。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} --since=2m | grep -c tunnel_response"),
                Note(
                    "It prints 0 while requests are sent.",
                    "发请求期间输出 0。",
                ),
            ],
        },
        Fix {
            id: "peer",
            applicability: Manual,
            steps: &[Note(
                "For 404 and 503: see that the destination's pod is running and enrolled (`istio.io/dataplane-mode: ambient` on its namespace, no stale WorkloadEntry), and restart the ztunnel of its node if it lists an address that is gone. For 407: give the tunnel the forward proxy's credentials. For 405 or 400: the peer is no tunnel at all; correct address and port.",
                "404、503：确认目的 Pod 在运行并已纳管（namespace 上有 `istio.io/dataplane-mode: ambient`，没有过期的 WorkloadEntry）；ztunnel 里还留着已消失的地址时，重启该节点的 ztunnel。407：给隧道配置正向代理的凭据。405、400：对端根本不是隧道，改正地址和端口。",
            )],
            verify: &[
                Command("istioctl ztunnel-config workloads"),
                Note(
                    "The destination is listed with HBONE, and the same connection works.",
                    "目的工作负载以 HBONE 列出，且同样的连接能通。",
                ),
            ],
        },
    ],
    sources: &[
        "https://github.com/envoyproxy/envoy/pull/44157",
        "https://istio.io/latest/docs/ambient/architecture/hbone/",
        "https://istio.io/latest/docs/ambient/usage/troubleshoot-ztunnel/",
        "Envoy source/common/tcp_proxy/upstream.cc, 1.40",
    ],
}
