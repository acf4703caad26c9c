//! Secret is not supplied by SDS: this proxy still waits for a certificate, a key or a CA.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW4006",
    slug: "tls-secret-missing",
    since: "0.1.0",
    error: Some(ProxyConfigurationError),
    refines: tls_handshake_failed,
    conditions: &[
        (
            Certain,
            Any(&[
                UpstreamTransport(TransportKind::SecretNotSupplied),
                DownstreamTransport(TransportKind::SecretNotSupplied),
                Event(event::Event::SecretMissing),
            ]),
        ),
    ],
    confirm: &[
        Confirm {
            id: "warming",
            steps: &[
                Command("istioctl proxy-config secret {pod}.{namespace}"),
                Note(
                    "A row with the status WARMING and no certificate is the one that never came. `default` and `ROOTCA` come from istiod's CA; `kubernetes://NAME` is a Secret that `credentialName` or `certificateRefs` names; a path is a file in the proxy container.",
                    "状态为 WARMING、没有证书内容的那一行就是没拿到的。`default` 和 `ROOTCA` 来自 istiod 的 CA；`kubernetes://名称` 是 `credentialName` 或 `certificateRefs` 引用的 Secret；路径则是代理容器里的文件。",
                ),
            ],
        },
        Confirm {
            id: "secret",
            steps: &[
                Command("istioctl analyze -n {namespace}"),
                Command("kubectl -n {namespace} get secrets --field-selector type=kubernetes.io/tls"),
                Note(
                    "IST0101 and IST0161 name a credential that is absent or malformed. The Secret must be in the namespace of the gateway's pod, not of the Gateway resource, with the keys `tls.crt` and `tls.key` (and `ca.crt` for MUTUAL).",
                    "IST0101 和 IST0161 会指出不存在或格式不对的凭据。Secret 必须在网关 Pod 所在的 namespace（不是 Gateway 资源所在的 namespace），并包含 `tls.crt` 和 `tls.key`（MUTUAL 还要 `ca.crt`）。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "gateway-secret",
            applicability: Review,
            steps: &[
                Command("kubectl -n {namespace} create secret tls shop-tls --cert=tls.crt --key=tls.key"),
                Note(
                    "Use the name that `credentialName` has in place of `shop-tls`. For MUTUAL create it with `create secret generic` and the keys `tls.crt`, `tls.key`, `ca.crt`. With the Gateway API the Secret may stay elsewhere if a ReferenceGrant in its namespace allows that.",
                    "把 `shop-tls` 换成 `credentialName` 里的名称。MUTUAL 要用 `create secret generic` 创建，键为 `tls.crt`、`tls.key`、`ca.crt`。使用 Gateway API 时，只要 Secret 所在 namespace 里有 ReferenceGrant 允许，Secret 也可以放在别处。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config secret {pod}.{namespace}"),
                Note(
                    "The row is ACTIVE and VALID CERT is true. Send the failing request again: it is answered; no restart is needed.",
                    "该行变为 ACTIVE，VALID CERT 为 true。重新发一次失败的请求：能正常返回；不需要重启。",
                ),
            ],
        },
        Fix {
            id: "sidecar-credential",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# DestinationRule in the namespace of the client
spec:
  workloadSelector:
    matchLabels:
      app: {workload}
  trafficPolicy:
    tls:
      mode: MUTUAL
      credentialName: partner-client
      sni: {host}
      subjectAltNames:
        - {host}
",
                ),
                Command("kubectl -n {namespace} create role read-partner-client --verb=get,list,watch --resource=secrets"),
                Command("kubectl -n {namespace} create rolebinding read-partner-client --role=read-partner-client --serviceaccount={namespace}:default"),
                Note(
                    "A sidecar takes `credentialName` only from a DestinationRule with `workloadSelector`, and only if the service account of its pod may read Secrets there; put that account in place of `default`. Without a selector the field counts for gateways alone.",
                    "sidecar 只认带 `workloadSelector` 的 DestinationRule 里的 `credentialName`，并且 Pod 的 service account 要有权读取那里的 Secret；把 `default` 换成实际的 service account。没有 selector 时，这个字段只对网关生效。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config secret {pod}.{namespace}"),
                Note(
                    "`kubernetes://partner-client` is ACTIVE. Send the failing request again: it is answered.",
                    "`kubernetes://partner-client` 为 ACTIVE。重新发一次失败的请求，应能正常返回。",
                ),
            ],
        },
        Fix {
            id: "workload-certificate",
            applicability: Review,
            steps: &[
                Command("istioctl proxy-status"),
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=15m | grep -iE 'sds|csr|citadel|cache'"),
                Command("kubectl -n {namespace} rollout restart deployment/{workload}"),
                Note(
                    "For `default` and `ROOTCA`: the agent in the pod must be able to reach istiod on 15012 and its token must be accepted. Repair that first; the restart then asks for the certificate anew.",
                    "针对 `default` 和 `ROOTCA`：Pod 里的 agent 要能连上 istiod 的 15012 端口，而且它的 token 要被接受。先修好这一点，再重启重新申请证书。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config secret {pod}.{namespace}"),
                Note(
                    "Run it for the new pod: `default` and `ROOTCA` are ACTIVE, and the failing request is answered.",
                    "对新 Pod 执行：`default` 和 `ROOTCA` 都是 ACTIVE，失败的请求能正常返回。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/tasks/traffic-management/ingress/secure-ingress/",
        "https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings",
        "https://istio.io/latest/docs/reference/config/analysis/ist0161/",
        "https://github.com/istio/istio/pull/38324",
        "Envoy source/common/tls/client_ssl_socket.cc, 1.40",
    ],
}
