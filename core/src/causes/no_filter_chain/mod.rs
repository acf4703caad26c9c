//! 0 NR filter_chain_not_found: no filter chain of the listener takes this connection.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW2006",
    slug: "no-filter-chain",
    since: "0.1.0",
    error: None,
    conditions: &[
        (Certain, All(&[Any(&[Details(Word::FilterChainNotFound), Closed(CloseReason::NoFilterChain)]), Not(&DownstreamTls)])),
        (Likely, All(&[Flag(ResponseFlag::NR), Status(0), Absent(Field::Details)])),
    ],
    confirm: &[
        Confirm {
            id: "chains",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace}"),
                Note(
                    "Find the port of the line's downstream local address. At a gateway MATCH lists the SNI names that are taken: compare them with the line's requested server name (`-` means that the client sent none). At a sidecar (port 15006) a port whose rows all say `Trans: tls` takes no plaintext.",
                    "找到该行 downstream local address 的端口。网关上 MATCH 列出能接受的 SNI，与日志里的 requested server name 对比（`-` 表示客户端没带）。sidecar 上（15006）如果某端口的行全是 `Trans: tls`，就不接受明文。",
                ),
            ],
        },
        Confirm {
            id: "strict",
            steps: &[
                Command("istioctl x describe pod {pod}.{namespace}"),
                Note(
                    "`Workload mTLS mode: STRICT`: a sidecar that refuses plaintext. The line's downstream remote address is the sender; see whether that pod has a sidecar, and whether a DestinationRule makes it send plaintext.",
                    "`Workload mTLS mode: STRICT` 说明这个 sidecar 拒绝明文。日志里的 downstream remote address 就是发送方，看那个 Pod 有没有 sidecar，以及有没有 DestinationRule 让它发明文。",
                ),
                Command("kubectl get pods -A -o wide"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "gateway-host",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# Gateway
spec:
  servers:
    - port:
        number: 443
        name: https
        protocol: HTTPS
      hosts:
        - {host}
      tls:
        mode: SIMPLE
        credentialName: my-certificate
",
                ),
                Note(
                    "Clients that send no SNI (old ones, health checks, or a load balancer that opens TLS itself) only match a server with the host `*`.",
                    "不带 SNI 的客户端（老客户端、健康检查、自己重新发起 TLS 的负载均衡）只能匹配 hosts 为 `*` 的 server。",
                ),
            ],
            verify: &[
                Command("openssl s_client -connect {upstream_address} -servername {host} -brief"),
                Note(
                    "Give the gateway's address: the handshake ends with a certificate instead of a reset.",
                    "地址换成网关的地址：握手能拿到证书，不再被重置。",
                ),
            ],
        },
        Fix {
            id: "sender",
            applicability: Manual,
            steps: &[Note(
                "Label the sender's namespace with `istio-injection=enabled` (or `istio.io/rev`), restart its pods, and remove `tls.mode: DISABLE` from DestinationRules that cover this workload: auto mTLS then does the rest.",
                "给发送方的 namespace 打上 `istio-injection=enabled`（或 `istio.io/rev`）标签并重启它的 Pod，再去掉覆盖该工作负载的 DestinationRule 里的 `tls.mode: DISABLE`，剩下的交给自动 mTLS。",
            )],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=5m | grep filter_chain_not_found"),
                Note(
                    "Run it while the sender sends requests: it prints no line with the sender's address.",
                    "发送方发请求期间执行：没有带发送方地址的行。",
                ),
            ],
        },
        Fix {
            id: "permissive-port",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    r"apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: plaintext-port
  namespace: {namespace}
spec:
  selector:
    matchLabels:
      app: {workload}
  portLevelMtls:
    8080:
      mode: PERMISSIVE
",
                ),
                Note(
                    "Replace label and port by the workload's own; the port is the one that the container listens on. Everybody in the network can then reach it without an identity; use it for ports that must take plaintext, such as metrics.",
                    "标签和端口换成该工作负载自己的，端口写容器监听的端口。此后网络里任何人不带身份也能访问它，只用于必须接受明文的端口，比如监控采集。",
                ),
            ],
            verify: &[
                Command("istioctl x describe pod {pod}.{namespace}"),
                Note(
                    "The port is shown as PERMISSIVE, and the sender's request is answered.",
                    "该端口显示为 PERMISSIVE，发送方的请求能正常返回。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/common-problems/network-issues/#configuring-sni-routing-when-not-sending-sni",
        "https://istio.io/latest/docs/tasks/security/authentication/mtls-migration/",
        "https://github.com/envoyproxy/envoy/issues/15698",
        "Envoy source/common/listener_manager/active_stream_listener_base.cc, 1.40",
    ],
}
