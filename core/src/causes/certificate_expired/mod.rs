//! A certificate is past its end, or its begin is still to come: one side refused it for its dates.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW4005",
    slug: "certificate-expired",
    since: "0.1.0",
    error: Some(TlsCertificateError),
    refines: certificate_verify_failed,
    conditions: &[
        (
            Certain,
            Any(&[
                UpstreamTransport(TransportKind::CertificateHasExpired),
                DownstreamTransport(TransportKind::CertificateHasExpired),
                UpstreamTransport(TransportKind::CertificateNotYetValid),
                DownstreamTransport(TransportKind::CertificateNotYetValid),
                UpstreamTransport(TransportKind::AlertCertificateExpired),
                DownstreamTransport(TransportKind::AlertCertificateExpired),
                Event(event::Event::CertificateOutOfDate),
            ]),
        ),
    ],
    confirm: &[
        Confirm {
            id: "mesh-certificates",
            steps: &[
                Command("istioctl proxy-config secret {pod}.{namespace}"),
                Command("istioctl proxy-status"),
                Note(
                    "Run the first for the pods of both sides: now must lie between NOT BEFORE and NOT AFTER, for `default` and for `ROOTCA`. A pod that the second does not list gets no new certificate.",
                    "第一条对两端的 Pod 都执行：`default` 和 `ROOTCA` 的 NOT BEFORE 与 NOT AFTER 之间要包含当前时间。第二条里没有列出的 Pod 拿不到新证书。",
                ),
            ],
        },
        Confirm {
            id: "server-dates",
            steps: &[
                Command("openssl s_client -connect {upstream_address} -servername {host} </dev/null 2>/dev/null | openssl x509 -noout -subject -issuer -dates"),
                Command("date -u"),
                Note(
                    "For a server outside the mesh. Compare the dates with the second line, and that with the clock of the node; run both where no sidecar intercepts them. Intermediate certificates expire as well: `-showcerts` prints them.",
                    "用于网格外的服务端。把证书日期与第二条的时间对照，再核对节点的时钟；命令要在不经过 sidecar 拦截的地方执行。中间证书同样会过期，加 `-showcerts` 可以打印出来。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "workload",
            applicability: Review,
            steps: &[
                Command("kubectl -n istio-system logs deployment/istiod --since=1h | grep -iE 'csr|sign|expired'"),
                Command("kubectl -n {namespace} rollout restart deployment/{workload}"),
                Note(
                    "Workload certificates live 24 hours and are renewed after about half of that, without a restart. First repair why it did not happen (no connection to istiod, an expired or broken `cacerts`); the restart then fetches a new one at once. Take the workload whose certificate is out of date, which may be the other side's.",
                    "工作负载证书有效期 24 小时，大约过半就会自动续期，不需要重启。先修好没有续期的原因（连不上 istiod，`cacerts` 过期或损坏），再用重启立即换新。要重启的是证书过期的那个工作负载，可能是对端的。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config secret {pod}.{namespace}"),
                Note(
                    "VALID CERT is true and NOT AFTER lies in the future, for the pods of both sides; the failing request is answered.",
                    "两端的 Pod 都显示 VALID CERT 为 true、NOT AFTER 在将来；失败的请求能正常返回。",
                ),
            ],
        },
        Fix {
            id: "own-secret",
            applicability: Review,
            steps: &[
                Command("kubectl create secret tls shop-tls -n {namespace} --cert=tls.crt --key=tls.key --dry-run=client -o yaml | kubectl apply -f -"),
                Note(
                    "Put the name of the secret that `credentialName` or the Gateway's `certificateRefs` refers to in place of `shop-tls`. Proxies take the new certificate without a restart. Let cert-manager or your CA do this in time from now on.",
                    "把 `shop-tls` 换成 `credentialName` 或 Gateway 的 `certificateRefs` 引用的 secret。代理会自动换用新证书，不需要重启。以后应当由 cert-manager 或 CA 按时续期。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config secret {pod}.{namespace}"),
                Note(
                    "The secret is listed with the new NOT AFTER and VALID CERT true; the failing request is answered.",
                    "列表里这个 secret 的 NOT AFTER 已更新，VALID CERT 为 true；失败的请求能正常返回。",
                ),
            ],
        },
        Fix {
            id: "clocks",
            applicability: Manual,
            steps: &[Note(
                "If the certificate is `not yet valid`, or valid by your own watch, set the clock of the node that refused right (chrony, systemd-timesyncd) and see that it stays so: a virtual machine that slept or a node without NTP is enough.",
                "如果提示 `not yet valid`，或者按你自己的表证书还在有效期内，就把拒绝它的那个节点的时钟校准（chrony、systemd-timesyncd），并确保能持续同步：休眠过的虚拟机、没有 NTP 的节点都会造成这种情况。",
            )],
            verify: &[
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- date -u"),
                Note(
                    "It agrees with your own clock to a few seconds on both sides (distroless images have no `date`; then look at the node). The failing request is answered.",
                    "两边与你自己的时钟相差不超过几秒（distroless 镜像没有 `date`，就到节点上看）。失败的请求能正常返回。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/diagnostic-tools/proxy-cmd/",
        "https://istio.io/latest/docs/tasks/security/cert-management/plugin-ca-cert/",
        "https://github.com/envoyproxy/envoy/issues/42266",
        "Envoy source/common/tls/cert_validator/default_validator.cc, 1.40",
    ],
}
