//! TLS_error: the TLS handshake with the upstream or with the client did not come to an end.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW4007",
    slug: "tls-handshake-failed",
    since: "0.1.0",
    error: Some(TlsProtocolError),
    conditions: &[(Certain, Any(&[UpstreamTls, DownstreamTls, Closed(CloseReason::Handshake)]))],
    suspected: &[
        Suspicion {
            when: All(&[Any(&[Flag(ResponseFlag::UF), ResetBefore(Reset::RemoteConnectionFailure), ResetBefore(Reset::ConnectionFailure)]), Absent(Field::UpstreamTransportFailure)]),
            decide_by: "`upstream_transport_failure_reason` begins with `TLS_error`",
            decide_by_zh: "`upstream_transport_failure_reason` 以 `TLS_error` 开头",
        },
    ],
    confirm: &[
        Confirm {
            id: "both-ends",
            steps: &[
                Command("istioctl proxy-config cluster {pod}.{namespace} --fqdn {host} --port {port} -o json | grep -nE 'transportSocket|tlsMode|\"sni\"|alpnProtocols|tlsM(in|ax)imumProtocolVersion|cipherSuites'"),
                Command("openssl s_client -connect {upstream_address} -servername {host} </dev/null"),
                Note(
                    "The first command shows what this proxy offers, the second what the server asks for: `Acceptable client certificate CA names` means a client certificate, `Protocol` and `Cipher` what it chose, an `alert` why it refuses. Run the second where no sidecar intercepts it.",
                    "第一条命令看本代理提供了什么，第二条看服务端要什么：出现 `Acceptable client certificate CA names` 表示要求客户端证书，`Protocol` 和 `Cipher` 是它选的版本和算法，`alert` 是它拒绝的理由。第二条要在不经过 sidecar 拦截的地方执行。",
                ),
            ],
        },
        Confirm {
            id: "server-log",
            steps: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=5m | grep -F 'TLS_error'"),
                Note(
                    "Usually empty at first: Istio's default access log lacks `%DOWNSTREAM_TRANSPORT_FAILURE_REASON%`, and a connection without HTTP appears only in a listener's own access log. For a diagnosis session run `istioctl proxy-config log POD --level connection:debug`, repeat the request, look again, and put the level back to `connection:warning`.",
                    "一开始通常是空的：Istio 默认的访问日志没有 `%DOWNSTREAM_TRANSPORT_FAILURE_REASON%`，而没走到 HTTP 的连接只会出现在 listener 级别的访问日志里。排查时执行 `istioctl proxy-config log POD --level connection:debug`，重发请求后再看，最后把级别改回 `connection:warning`。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "client-certificate",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# DestinationRule for the server outside the mesh
spec:
  trafficPolicy:
    tls:
      mode: MUTUAL
      clientCertificate: /etc/partner/client.pem
      privateKey: /etc/partner/client.key
      caCertificates: /etc/partner/ca.pem
",
                ),
                Note(
                    "The files must be mounted into the proxy container, else a starting proxy never becomes ready. Towards a workload of the mesh write nothing, so that auto mTLS decides, or `mode: ISTIO_MUTUAL`; SIMPLE and MUTUAL do not present the mesh identity.",
                    "文件必须挂载到代理容器里，否则新启动的代理会一直无法就绪。访问网格内的工作负载时不要写 `tls`，交给自动 mTLS 决定，或者写 `mode: ISTIO_MUTUAL`；SIMPLE 和 MUTUAL 都不会出示网格身份。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config cluster {pod}.{namespace} --fqdn {host} --port {port} -o json | grep -nE 'tlsCertificate|certificateChain'"),
                Note(
                    "A client certificate is configured. Send the failing request again: it is answered, and its access-log line has no TLS error.",
                    "配置里有客户端证书。重新发一次失败的请求：能正常返回，访问日志里没有 TLS 错误。",
                ),
            ],
        },
        Fix {
            id: "server-name",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "spec:\n  trafficPolicy:\n    tls:\n      mode: SIMPLE\n      sni: {host}\n      subjectAltNames:\n        - {host}\n",
                ),
                Note(
                    "Write the name that the server has a certificate for. If the server is an Istio gateway, one of its `servers[].hosts` must cover that name.",
                    "写服务端有对应证书的名称。如果服务端是 Istio 网关，它的 `servers[].hosts` 里要有一项覆盖这个名称。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config cluster {pod}.{namespace} --fqdn {host} --port {port} -o json | grep -n '\"sni\"'"),
                Note(
                    "The name is shown. Send the failing request again: it is answered.",
                    "能看到这个名称。重新发一次失败的请求，应能正常返回。",
                ),
            ],
        },
        Fix {
            id: "parameters",
            applicability: Review,
            steps: &[
                Patch(PatchKind::Fragment, "meshConfig:\n  tlsDefaults:\n    minProtocolVersion: TLSV1_2\n"),
                Note(
                    "These are the limits for TLS that is not the mesh's own mTLS (`meshMTLS` is the same for that); take away `cipherSuites` and `ecdhCurves` that the other side does not know. A Gateway's server has its own `tls.minProtocolVersion` and `tls.cipherSuites`. A server that knows nothing above TLS 1.1 must be upgraded. For KEY_USAGE_BIT_INCORRECT let the server's certificate be issued anew with `digitalSignature`.",
                    "这里限制的是网格自身 mTLS 以外的 TLS（网格 mTLS 对应的是 `meshMTLS`）；对端不认识的 `cipherSuites`、`ecdhCurves` 要去掉。Gateway 的 server 有自己的 `tls.minProtocolVersion` 和 `tls.cipherSuites`。最高只支持 TLS 1.1 的服务端必须升级。出现 KEY_USAGE_BIT_INCORRECT 时，让服务端重新签发带 `digitalSignature` 的证书。",
                ),
            ],
            verify: &[
                Command("openssl s_client -connect {upstream_address} -servername {host} </dev/null"),
                Note(
                    "`Protocol` and `Cipher` show values that both sides allow, and the failing request is answered.",
                    "`Protocol` 和 `Cipher` 显示的是两边都允许的值，失败的请求能正常返回。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/configuration/traffic-management/tls-configuration/",
        "https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings",
        "https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#MeshConfig-TLSConfig",
        "https://github.com/envoyproxy/envoy/pull/43433",
        "https://github.com/istio/istio/issues/58281",
        "Envoy source/common/tls/ssl_socket.cc, 1.40",
    ],
}
