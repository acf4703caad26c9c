//! CERTIFICATE_VERIFY_FAILED: this proxy refused the certificate of the other side.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW4003",
    slug: "certificate-verify-failed",
    since: "0.1.0",
    error: Some(TlsCertificateError),
    refines: tls_handshake_failed,
    conditions: &[
        (
            Certain,
            Any(&[
                UpstreamTransport(TransportKind::CertificateVerifyFailed),
                DownstreamTransport(TransportKind::CertificateVerifyFailed),
                UpstreamTransport(TransportKind::CertificateHasExpired),
                DownstreamTransport(TransportKind::CertificateHasExpired),
                UpstreamTransport(TransportKind::CertificateNotYetValid),
                DownstreamTransport(TransportKind::CertificateNotYetValid),
                UpstreamTransport(TransportKind::AlertBadCertificate),
                DownstreamTransport(TransportKind::AlertBadCertificate),
                UpstreamTransport(TransportKind::AlertCertificateExpired),
                DownstreamTransport(TransportKind::AlertCertificateExpired),
                UpstreamTransport(TransportKind::AlertCertificateRevoked),
                DownstreamTransport(TransportKind::AlertCertificateRevoked),
                UpstreamTransport(TransportKind::AlertCertificateUnknown),
                DownstreamTransport(TransportKind::AlertCertificateUnknown),
                UpstreamTransport(TransportKind::AlertUnknownCa),
                DownstreamTransport(TransportKind::AlertUnknownCa),
                UpstreamTransport(TransportKind::AlertUnsupportedCertificate),
                DownstreamTransport(TransportKind::AlertUnsupportedCertificate),
                Event(event::Event::CertificateUntrusted),
                Event(event::Event::CertificateOutOfDate),
            ]),
        ),
    ],
    confirm: &[
        Confirm {
            id: "certificates",
            steps: &[
                Command("istioctl proxy-config secret {pod}.{namespace}"),
                Note(
                    "`default` is this workload's certificate, `ROOTCA` what it trusts. Run it for the pod on the other side too: both must show the same root, VALID CERT true, and now between NOT BEFORE and NOT AFTER.",
                    "`default` 是本工作负载的证书，`ROOTCA` 是它信任的根。对端 Pod 也执行一遍：两边的根应当一致，VALID CERT 为 true，当前时间在 NOT BEFORE 和 NOT AFTER 之间。",
                ),
            ],
        },
        Confirm {
            id: "expectation",
            steps: &[
                Command("istioctl proxy-config cluster {pod}.{namespace} --fqdn {host} --port {port} -o json | grep -A 12 -E 'SubjectAltNames|trustedCa|validationContext|\"sni\"'"),
                Note(
                    "Compare the names that this proxy expects with the names in the failure reason, and the CA with the issuer of the certificate.",
                    "把这里期望的名称与失败原因里的名称对照，把 CA 与证书的签发者对照。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "names",
            applicability: Review,
            steps: &[
                Patch(PatchKind::Fragment, "spec:\n  trafficPolicy:\n    tls:\n      mode: SIMPLE\n      sni: {host}\n      subjectAltNames:\n        - {host}\n"),
                Note(
                    "Write a name that the certificate really has. If the names are set in a ServiceEntry (`subjectAltNames`), correct them there. For mTLS inside the mesh leave them out: Istio fills in the right identities.",
                    "写证书里确实有的名称。如果是在 ServiceEntry 的 `subjectAltNames` 里配置的，就在那里改。网格内的 mTLS 不要手写，Istio 会自动填入正确的身份。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config cluster {pod}.{namespace} --fqdn {host} --port {port} -o json | grep -A 6 SubjectAltNames"),
                Note(
                    "The name of the certificate is listed. Send the failing request again: it is answered.",
                    "列表里有证书上的名称。重新发一次失败的请求，应能正常返回。",
                ),
            ],
        },
        Fix {
            id: "trusted-ca",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "spec:\n  trafficPolicy:\n    tls:\n      mode: SIMPLE\n      caCertificates: /etc/partner-ca/ca.crt\n",
                ),
                Note(
                    "The file must exist in the proxy container (annotations `sidecar.istio.io/userVolume` and `sidecar.istio.io/userVolumeMount`): with a missing file a starting proxy never becomes ready. Without `caCertificates` the CAs of the operating system are used. Do not set `sni` alone: that switches the check of the name off.",
                    "文件必须已挂载到代理容器里（注解 `sidecar.istio.io/userVolume` 和 `sidecar.istio.io/userVolumeMount`）：文件不存在时，新启动的代理会一直无法就绪。不写 `caCertificates` 则使用操作系统自带的 CA。不要单独设置 `sni`，那样会关闭对名称的校验。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config secret {pod}.{namespace}"),
                Note(
                    "The CA file is listed as ACTIVE. Send the failing request again: it is answered.",
                    "列表里该 CA 文件的状态为 ACTIVE。重新发一次失败的请求，应能正常返回。",
                ),
            ],
        },
        Fix {
            id: "renew",
            applicability: Manual,
            steps: &[
                Command("istioctl proxy-status"),
                Note(
                    "The pod whose certificate is out of date must be connected to istiod; if it is not listed, repair that connection first, then restart the pod. Check the clocks of both nodes as well. For a certificate from outside the mesh, its owner renews it.",
                    "证书过期的 Pod 必须与 istiod 保持连接；如果列表里没有它，先恢复连接，再重启该 Pod。同时检查两边节点的时钟。网格外的证书由其所有者续期。",
                ),
            ],
            verify: &[Note(
                "`istioctl proxy-config secret` for that pod shows VALID CERT true and a NOT AFTER in the future, and the failing request is answered.",
                "对该 Pod 执行 `istioctl proxy-config secret`，VALID CERT 为 true，NOT AFTER 在将来；失败的请求能正常返回。",
            )],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings",
        "https://istio.io/latest/docs/tasks/traffic-management/egress/egress-tls-origination/",
        "https://github.com/envoyproxy/envoy/issues/42266",
        "Envoy source/common/tls/cert_validator/default_validator.cc, 1.40",
    ],
}
