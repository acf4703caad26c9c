//! HTTP_REQUEST on a listener: plaintext HTTP reached a port that takes only TLS.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW4002",
    slug: "plaintext-to-tls-port",
    since: "0.1.0",
    error: Some(TlsProtocolError),
    refines: tls_handshake_failed,
    conditions: &[
        (
            Certain,
            Any(&[
                DownstreamTransport(TransportKind::HttpRequest),
                DownstreamTransport(TransportKind::HttpsProxyRequest),
                DownstreamTransport(TransportKind::WrongVersionNumber),
            ]),
        ),
        (Likely, All(&[ResetBefore(Reset::ConnectionTermination), Cluster(ClusterKind::Passthrough)])),
        // Without details: a new connection takes its millisecond, a pooled one that had just been closed none.
        (Likely, All(&[Flag(ResponseFlag::UC), Absent(Field::Details), DurationBelow(10), Not(&DurationBelow(1))])),
    ],
    suspected: &[
        Suspicion {
            when: All(&[Any(&[Flag(ResponseFlag::UC), ResetBefore(Reset::ConnectionTermination)]), Any(&[TlsPort, External])]),
            decide_by: "it happens each time, the application calls `http://`, and no DestinationRule has TLS begin here (`tls.mode: SIMPLE`)",
            decide_by_zh: "每次都失败，应用用 `http://` 访问，而且没有 DestinationRule 在这里发起 TLS（`tls.mode: SIMPLE`）",
        },
        Suspicion {
            when: Any(&[Flag(ResponseFlag::UC), ResetBefore(Reset::ConnectionTermination)]),
            decide_by: "the server's proxy logged `NR filter_chain_not_found` at that time",
            decide_by_zh: "同一时刻服务端代理记录了 `NR filter_chain_not_found`",
        },
    ],
    confirm: &[
        Confirm {
            id: "listener",
            steps: &[
                Command("istioctl x describe pod {pod}.{namespace}"),
                Note(
                    "`Workload mTLS mode: STRICT` under `Effective PeerAuthentication` means that the sidecar takes only mTLS.",
                    "`Effective PeerAuthentication` 下显示 `Workload mTLS mode: STRICT`，说明该 sidecar 只接受 mTLS。",
                ),
                Command("istioctl proxy-config listeners {pod}.{namespace}"),
                Note(
                    "On a gateway: the lines of the port show whether it is an HTTPS server (matches on SNI).",
                    "如果是网关：看该端口的行是否按 SNI 匹配，也就是 HTTPS server。",
                ),
            ],
        },
        Confirm {
            id: "callers",
            steps: &[
                Command("kubectl get destinationrules -A -o custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name,HOST:.spec.host,TLS:.spec.trafficPolicy.tls.mode,PORT_TLS:.spec.trafficPolicy.portLevelSettings[*].tls.mode"),
                Note(
                    "Look for DISABLE on a host that covers this workload.",
                    "看有没有 HOST 覆盖到这个工作负载、模式为 DISABLE 的规则。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "caller-rule",
            applicability: Review,
            steps: &[
                Note(
                    "Delete the `tls` block from the caller's DestinationRule: auto mTLS then sends mTLS to workloads that have a sidecar. Only where auto mTLS is switched off, write the mode out:",
                    "把调用方 DestinationRule 里的 `tls` 块删掉，自动 mTLS 会对有 sidecar 的工作负载使用 mTLS。只有在关闭了自动 mTLS 的网格里，才需要显式写上：",
                ),
                Patch(PatchKind::Fragment, "spec:\n  trafficPolicy:\n    tls:\n      mode: ISTIO_MUTUAL\n"),
            ],
            verify: &[Note(
                "Let the caller send the request again: it is answered, and this listener writes no new line with HTTP_REQUEST.",
                "让调用方重新发请求：能正常返回，本监听器不再产生带 HTTP_REQUEST 的新日志。",
            )],
        },
        Fix {
            id: "permissive",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata:\n  name: default\n  namespace: {namespace}\nspec:\n  mtls:\n    mode: PERMISSIVE\n",
                ),
                Note(
                    "This lowers the security of the whole namespace and replaces its `default` policy: use it only until the callers have sidecars. A policy that selects the workload, or a mode for the port, still wins.",
                    "这会降低整个 namespace 的安全级别，并覆盖其中名为 `default` 的策略，只应作为调用方注入 sidecar 之前的过渡。带 selector 的策略和端口级的模式优先级更高，仍会生效。",
                ),
            ],
            verify: &[
                Command("istioctl x describe pod {pod}.{namespace}"),
                Note(
                    "It says `Workload mTLS mode: PERMISSIVE`, and the caller's request is answered.",
                    "显示 `Workload mTLS mode: PERMISSIVE`，调用方的请求能正常返回。",
                ),
            ],
        },
        Fix {
            id: "https-client",
            applicability: Manual,
            steps: &[Note(
                "Let the client call the port with `https://`, or call the gateway's plaintext port.",
                "让客户端用 `https://` 访问这个端口，或者改为访问网关的明文端口。",
            )],
            verify: &[
                Command("curl -I https://{host}:{port}/"),
                Note(
                    "A status line comes back instead of a closed connection.",
                    "能收到状态行，而不是连接被关闭。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/common-problems/network-issues/#503-errors-after-setting-destination-rule",
        "https://istio.io/latest/docs/tasks/security/authentication/mtls-migration/",
        "https://github.com/istio/istio/issues/58281",
        "Envoy source/common/tls/ssl_socket.cc, 1.40",
    ],
}
