//! NO_APPLICATION_PROTOCOL: client and server share no protocol of the ALPN list.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW4004",
    slug: "alpn-mismatch",
    since: "0.1.0",
    error: Some(TlsProtocolError),
    refines: tls_handshake_failed,
    conditions: &[
        (
            Certain,
            Any(&[
                UpstreamTransport(TransportKind::AlertNoApplicationProtocol),
                DownstreamTransport(TransportKind::AlertNoApplicationProtocol),
                UpstreamTransport(TransportKind::NoApplicationProtocol),
                DownstreamTransport(TransportKind::NoApplicationProtocol),
            ]),
        ),
    ],
    confirm: &[
        Confirm {
            id: "offer",
            steps: &[
                Command("istioctl proxy-config cluster {pod}.{namespace} --fqdn {host} --port {port} -o json | grep -nE -A 3 'alpnProtocols|http2ProtocolOptions|alpn_override'"),
                Note(
                    "`alpnProtocols` is what this proxy offers. Only `h2` means that the port counts as HTTP/2: it is declared `http2` or `grpc`, or a DestinationRule says `h2UpgradePolicy: UPGRADE`.",
                    "`alpnProtocols` 就是本代理提供的列表。只有 `h2` 说明这个端口被当作 HTTP/2：要么声明成了 `http2` 或 `grpc`，要么 DestinationRule 里写了 `h2UpgradePolicy: UPGRADE`。",
                ),
            ],
        },
        Confirm {
            id: "server",
            steps: &[
                Command("openssl s_client -connect {upstream_address} -servername {host} -alpn h2 </dev/null"),
                Command("openssl s_client -connect {upstream_address} -servername {host} -alpn http/1.1 </dev/null"),
                Note(
                    "`ALPN protocol:` names what the server accepts; `no application protocol` is its refusal. Run both where no sidecar intercepts them.",
                    "`ALPN protocol:` 是服务端接受的协议；`no application protocol` 就是它拒绝了。两条命令都要在不经过 sidecar 拦截的地方执行。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "port-protocol",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# ServiceEntry of the outside host; the DestinationRule originates TLS
spec:
  ports:
    - number: 80
      name: http
      protocol: HTTP
      targetPort: 443
",
                ),
                Note(
                    "`HTTP` for a server that knows only HTTP/1.1, `HTTP2` or `GRPC` for one that insists on HTTP/2. For a Service set `appProtocol` of the port instead.",
                    "服务端只支持 HTTP/1.1 就写 `HTTP`，只接受 HTTP/2 就写 `HTTP2` 或 `GRPC`。如果是 Service，则改端口的 `appProtocol`。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config cluster {pod}.{namespace} --fqdn {host} --port {port} -o json | grep -nE -A 3 'alpnProtocols|http2ProtocolOptions'"),
                Note(
                    "`h2` is offered only if the server accepts it. Send the failing request again: it is answered.",
                    "只有服务端接受时才会提供 `h2`。重新发一次失败的请求，应能正常返回。",
                ),
            ],
        },
        Fix {
            id: "no-upgrade",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "spec:\n  trafficPolicy:\n    connectionPool:\n      http:\n        h2UpgradePolicy: DO_NOT_UPGRADE\n",
            )],
            verify: &[
                Command("istioctl proxy-config cluster {pod}.{namespace} --fqdn {host} --port {port} -o json | grep -nE -A 3 'alpnProtocols|http2ProtocolOptions'"),
                Note(
                    "`h2` is gone from the list, and the failing request is answered.",
                    "列表里没有 `h2` 了，失败的请求能正常返回。",
                ),
            ],
        },
        Fix {
            id: "server-list",
            applicability: Manual,
            steps: &[Note(
                "Let the server accept what its clients offer: switch HTTP/2 on (`http2 on;` in nginx, `NextProtos` in Go), or switch ALPN off. On Istio before 1.19 upgrade the client's side: its proxies offered Istio's own names such as `istio-http/1.1` to servers outside the mesh as well.",
                "让服务端接受客户端提供的协议：打开 HTTP/2（nginx 是 `http2 on;`，Go 是 `NextProtos`），或者干脆关掉 ALPN。客户端一侧如果是 1.19 之前的 Istio，请升级：那时的代理会把 `istio-http/1.1` 之类 Istio 自己的名字也发给网格外的服务端。",
            )],
            verify: &[
                Command("openssl s_client -connect {upstream_address} -servername {host} -alpn h2,http/1.1 </dev/null"),
                Note(
                    "`ALPN protocol:` shows one of the two, and the failing request is answered.",
                    "`ALPN protocol:` 显示其中之一，失败的请求能正常返回。",
                ),
            ],
        },
    ],
    sources: &[
        "https://www.rfc-editor.org/rfc/rfc7301#section-3.2",
        "https://github.com/istio/istio/issues/24619",
        "https://github.com/istio/istio/pull/44918",
        "https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/",
    ],
}
