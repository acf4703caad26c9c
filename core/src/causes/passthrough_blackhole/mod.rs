//! 502 block_all or BlackHoleCluster: outbound traffic to a host that this workload may not reach.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW2004",
    slug: "passthrough-blackhole",
    since: "0.1.0",
    error: Some(DestinationNotFound),
    conditions: &[
        (Certain, Any(&[Cluster(ClusterKind::BlackHole), All(&[Details(Word::DirectResponse), Route(RouteName::BlockAll)])])),
        (Likely, Route(RouteName::BlockAll)),
    ],
    confirm: &[
        Confirm {
            id: "known-hosts",
            steps: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn {host}"),
                Note(
                    "No row: this proxy does not know the host (for short names give the full one, such as `reviews.books.svc.cluster.local`). Rows, but for another port: the port is what is missing.",
                    "没有任何行：这个代理不认识该 host（短名字要写全，例如 `reviews.books.svc.cluster.local`）。有行但端口不同：缺的是端口。",
                ),
            ],
        },
        Confirm {
            id: "who-restricts",
            steps: &[
                Command("kubectl -n istio-system get configmap istio -o jsonpath='{.data.mesh}' | grep -A2 outboundTrafficPolicy"),
                Command("kubectl get sidecars -A -o yaml | grep -nE 'name:|namespace:|mode:|hosts:|^ +- '"),
                Command("kubectl get serviceentries,services -A -o custom-columns='KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name,EXPORT:.spec.exportTo,EXPORT_SERVICE:.metadata.annotations.networking\\.istio\\.io/exportTo'"),
                Note(
                    "Look for `REGISTRY_ONLY` in the mesh or in a Sidecar, for a Sidecar whose `egress.hosts` leave out the target's namespace, and for an `exportTo` that leaves out the caller's.",
                    "看三样：网格或 Sidecar 里有没有 `REGISTRY_ONLY`；有没有 Sidecar 的 `egress.hosts` 没列目标的 namespace；有没有 `exportTo` 没包含调用方的 namespace。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "service-entry",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    service_entry!("external-host", "{host}", "{port}", "tls", "TLS"),
                ),
                Note(
                    "`TLS` is for clients that speak HTTPS themselves; write `HTTP` for plaintext. Wildcard hosts need `resolution: NONE`, or `DYNAMIC_DNS` in recent Istio.",
                    "客户端自己发 HTTPS 时用 `TLS`，明文用 `HTTP`。通配域名要用 `resolution: NONE`，较新的 Istio 也可以用 `DYNAMIC_DNS`。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn {host}"),
                Note(
                    "The host is listed with the port, and the same request is answered.",
                    "能看到该 host 和端口，且同一个请求成功返回。",
                ),
            ],
        },
        Fix {
            id: "sidecar-egress",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r#"# Sidecar of the caller's namespace
spec:
  egress:
    - hosts:
        - "./*"
        - "istio-system/*"
        - "{service_namespace}/*"
"#,
                ),
                Note(
                    "If the target itself is not exported, add the caller's namespace to `exportTo` of its ServiceEntry, or to the annotation `networking.istio.io/exportTo` of its Service.",
                    "如果目标自己没有导出，就把调用方的 namespace 加到 ServiceEntry 的 `exportTo`，或者加到 Service 的注解 `networking.istio.io/exportTo`。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn {host}"),
                Note(
                    "The host is listed, and the access log shows the cluster `outbound|…` instead of the route `block_all`.",
                    "能看到该 host，访问日志里出现 `outbound|…` 的 cluster，不再是路由 `block_all`。",
                ),
            ],
        },
        Fix {
            id: "allow-any",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# Sidecar of the caller's namespace
spec:
  outboundTrafficPolicy:
    mode: ALLOW_ANY
",
                ),
                Note(
                    "It opens every destination for the workloads that this Sidecar selects; do not use it where `REGISTRY_ONLY` is a security rule of the mesh.",
                    "这会让该 Sidecar 选中的工作负载可以访问任意目的地；如果 `REGISTRY_ONLY` 是网格的安全要求，就不要这么做。",
                ),
            ],
            verify: &[Note(
                "The same request is logged with the cluster `PassthroughCluster` and succeeds.",
                "同一个请求在日志里的 cluster 变成 `PassthroughCluster`，并且成功。",
            )],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/tasks/traffic-management/egress/egress-control/",
        "https://istio.io/latest/docs/reference/config/networking/sidecar/",
        "https://istio.io/latest/docs/reference/config/networking/service-entry/",
        "https://github.com/istio/istio/issues/21385",
    ],
}
