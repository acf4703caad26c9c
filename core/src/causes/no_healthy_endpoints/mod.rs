//! 503 UH: the cluster has no endpoint that may be used.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW3001",
    slug: "no-healthy-endpoints",
    since: "0.1.0",
    error: Some(DestinationUnavailable),
    conditions: &[
        (
            Certain,
            Any(&[
                All(&[Details(Word::NoHealthyUpstream), Not(&Cluster(ClusterKind::BlackHole))]),
                Closed(CloseReason::NoHealthyHost),
            ]),
        ),
        (Likely, All(&[Flag(ResponseFlag::UH), Absent(Field::Details)])),
    ],
    suspected: &[
        Suspicion {
            when: All(&[Status(503), Absent(Field::Details), Absent(Field::Flags), Absent(Field::UpstreamHost)]),
            decide_by: "the access log has the flag `UH`, or the body is `no healthy upstream`",
            decide_by_zh: "access log 里有 flag `UH`，或响应体为 `no healthy upstream`",
        },
    ],
    confirm: &[Confirm {
        id: "endpoints",
        steps: &[
            Command("istioctl proxy-config endpoints {pod}.{namespace} --cluster '{cluster}'"),
            Note(
                "No rows: the proxy knows no endpoint. Rows with UNHEALTHY: their pods are not ready. Rows with FAILED under OUTLIER CHECK: outlier detection has ejected them.",
                "没有任何行：代理一个 endpoint 都没有。STATUS 为 UNHEALTHY：对应的 Pod 没有就绪。OUTLIER CHECK 为 FAILED：被异常检测（outlier detection）摘除了。",
            ),
            Command("kubectl -n {service_namespace} get endpointslices -l kubernetes.io/service-name={service}"),
            Command("kubectl -n {service_namespace} get service {service} -o jsonpath='{.spec.selector}'"),
            Command("kubectl -n {service_namespace} get pods --show-labels"),
            Note(
                "Compare the selector, and the labels of the subset that the cluster name carries, with the labels of the pods, and look at READY.",
                "拿 selector（cluster 名里带 subset 时，还有 subset 的 labels）跟 Pod 的 labels 对比，再看 READY 一列。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "ready-pods",
            applicability: Manual,
            steps: &[
                Command("kubectl -n {service_namespace} get deployments,statefulsets"),
                Note(
                    "Scale up what stands at 0, and repair what keeps the pods from becoming ready: failing readiness probe, crash, image, resources.",
                    "副本数为 0 的扩起来；Pod 起不来或不就绪的，解决具体原因：readiness probe 失败、崩溃、镜像、资源不足。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace} --cluster '{cluster}'"),
                Note(
                    "At least one row is HEALTHY with OUTLIER CHECK OK, and the same request succeeds.",
                    "至少有一行 STATUS 为 HEALTHY 且 OUTLIER CHECK 为 OK，且同一个请求成功。",
                ),
            ],
        },
        Fix {
            id: "labels",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# Deployment: labels that the selector of the Service and the subset of the DestinationRule ask for
spec:
  template:
    metadata:
      labels:
        app: reviews
        version: v1
",
                ),
                Note(
                    "Or correct the selector or the labels of the subset instead. Changing the template restarts the pods. `istioctl analyze` reports subsets that select no pod (IST0173).",
                    "也可以反过来改 selector 或 subset 的 labels。改 template 会重启 Pod。`istioctl analyze` 会报告没有选中任何 Pod 的 subset（IST0173）。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace} --cluster '{cluster}'"),
                Note(
                    "The pods' addresses appear as HEALTHY, and the same request succeeds.",
                    "出现这些 Pod 的地址且为 HEALTHY，同一个请求成功。",
                ),
            ],
        },
        Fix {
            id: "ejection",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# DestinationRule: leave at least half of the endpoints in use
spec:
  trafficPolicy:
    outlierDetection:
      consecutive5xxErrors: 5
      interval: 10s
      baseEjectionTime: 30s
      maxEjectionPercent: 50
",
                ),
                Note(
                    "Ejected endpoints had failed before: find those earlier errors, they are the real fault.",
                    "被摘除的 endpoint 此前一定出过错：要找到那些更早的错误，那才是根因。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace} --cluster '{cluster}'"),
                Note(
                    "Under the same load at least half of the rows keep OUTLIER CHECK OK, and no line with UH follows.",
                    "同样的负载下，至少一半的行 OUTLIER CHECK 保持 OK，且不再出现带 UH 的日志。",
                ),
            ],
        },
        Fix {
            id: "name",
            applicability: Manual,
            steps: &[Note(
                "For a ServiceEntry with `resolution: DNS`, correct the host name or the address of the endpoint, or the DNS that the pod uses: a name that does not resolve leaves the cluster empty and shows as UH.",
                "`resolution: DNS` 的 ServiceEntry：改正 host 或 endpoint 地址，或者修好 Pod 使用的 DNS。域名解析不出来，cluster 就是空的，表现正是 UH。",
            )],
            verify: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace} --cluster '{cluster}'"),
                Note(
                    "The resolved addresses are listed as HEALTHY, and the same request succeeds.",
                    "解析出的地址出现在列表里且为 HEALTHY，同一个请求成功。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/common-problems/network-issues/#requests-are-rejected-by-envoy",
        "https://istio.io/latest/docs/reference/config/networking/destination-rule/#OutlierDetection",
        "https://istio.io/latest/docs/reference/config/analysis/ist0173/",
        "Envoy source/common/router/router.cc, 1.40",
    ],
}
