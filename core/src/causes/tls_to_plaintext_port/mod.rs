//! 503 UF, WRONG_VERSION_NUMBER: this proxy began TLS and the port answered in plaintext.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW4001",
    slug: "tls-to-plaintext-port",
    since: "0.1.0",
    error: Some(TlsProtocolError),
    refines: tls_handshake_failed,
    conditions: &[
        (
            Certain,
            Any(&[
                UpstreamTransport(TransportKind::WrongVersionNumber),
                UpstreamTransport(TransportKind::HttpRequest),
                UpstreamTransport(TransportKind::RecordTooLarge),
                UpstreamTransport(TransportKind::BadPacketLength),
                UpstreamTransport(TransportKind::EncryptedLengthTooLong),
                UpstreamTransport(TransportKind::InvalidOuterRecordType),
            ]),
        ),
    ],
    confirm: &[
        Confirm {
            id: "rules",
            steps: &[
                Command("kubectl get destinationrules -A -o custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name,HOST:.spec.host,TLS:.spec.trafficPolicy.tls.mode,PORT_TLS:.spec.trafficPolicy.portLevelSettings[*].tls.mode"),
                Note(
                    "Look for SIMPLE, MUTUAL or ISTIO_MUTUAL on a host that covers the upstream; wildcard hosts count too.",
                    "看有没有哪条规则的 HOST（包括通配符）覆盖了这个上游，并且模式是 SIMPLE、MUTUAL 或 ISTIO_MUTUAL。",
                ),
            ],
        },
        Confirm {
            id: "transport",
            steps: &[
                Command("istioctl proxy-config cluster {pod}.{namespace} --fqdn {host} --port {port} -o json | grep -nE 'transportSocket|tlsMode|\"sni\"|destination-rule'"),
                Note(
                    "A `transportSocket` of the cluster itself means that a rule demands TLS for every endpoint; `transportSocketMatches` means auto mTLS, which follows the label `security.istio.io/tlsMode` of each endpoint.",
                    "cluster 上直接有 `transportSocket`，说明有规则要求所有 endpoint 都走 TLS；如果是 `transportSocketMatches`，则是自动 mTLS，按每个 endpoint 的 `security.istio.io/tlsMode` 标签决定。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "plain-rule",
            applicability: Review,
            steps: &[
                Note(
                    "Delete the `tls` block from the DestinationRule: auto mTLS then decides per endpoint. Only where auto mTLS is switched off, write the mode out:",
                    "把 DestinationRule 里的 `tls` 块删掉，由自动 mTLS 按 endpoint 决定。只有在关闭了自动 mTLS 的网格里，才需要显式写上：",
                ),
                Patch(PatchKind::Fragment, "spec:\n  trafficPolicy:\n    tls:\n      mode: DISABLE\n"),
            ],
            verify: &[
                Command("istioctl proxy-config cluster {pod}.{namespace} --fqdn {host} --port {port} -o json | grep -nE 'transportSocket|tlsMode'"),
                Note(
                    "No `transportSocket` of the cluster itself is left. Send the failing request again: it is answered and its access-log line has no UF.",
                    "cluster 上不再直接带 `transportSocket`。重新发一次刚才失败的请求：能正常返回，访问日志里没有 UF。",
                ),
            ],
        },
        Fix {
            id: "inject-peer",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "spec:\n  template:\n    metadata:\n      labels:\n        sidecar.istio.io/inject: \"true\"\n",
                ),
                Note(
                    "Merge this into the upstream's Deployment; its pods are replaced. If a PeerAuthentication says DISABLE for them, set it to PERMISSIVE or STRICT.",
                    "合并到上游的 Deployment 里，Pod 会滚动重建。如果有 PeerAuthentication 对它们设置了 DISABLE，改成 PERMISSIVE 或 STRICT。",
                ),
            ],
            verify: &[
                Command("kubectl get pods -n {service_namespace} -o custom-columns='NAME:.metadata.name,TLS_MODE:.metadata.labels.security\\.istio\\.io/tlsMode'"),
                Note(
                    "The upstream's pods show `istio`. Send the failing request again: it is answered.",
                    "上游的 Pod 显示 `istio`。重新发一次失败的请求，应能正常返回。",
                ),
            ],
        },
        Fix {
            id: "target-port",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "spec:\n  ports:\n    - number: 80\n      name: http\n      protocol: HTTP\n      targetPort: 443\n",
                ),
                Note(
                    "For a ServiceEntry whose DestinationRule originates TLS: clients call port 80, the proxy connects to 443.",
                    "用于由 DestinationRule 发起 TLS 的 ServiceEntry：客户端访问 80，代理连 443。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace} --cluster '{cluster}'"),
                Note(
                    "The endpoints end in `:443`. Send the failing request again: it is answered.",
                    "endpoint 地址以 `:443` 结尾。重新发一次失败的请求，应能正常返回。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/configuration/traffic-management/tls-configuration/",
        "https://istio.io/latest/docs/ops/common-problems/network-issues/#503-errors-after-setting-destination-rule",
        "https://github.com/istio/istio/issues/33208",
        "Envoy source/common/tls/ssl_socket.cc, 1.40",
    ],
}
