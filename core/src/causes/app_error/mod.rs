//! An error status with via_upstream: made by the upstream, relayed by this proxy.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW5004",
    slug: "app-error",
    since: "0.1.0",
    error: None,
    nature: Application,
    conditions: &[
        (Certain, All(&[Details(Word::ViaUpstream), Any(&[StatusAtLeast(400), GrpcFailed])])),
        (Likely, All(&[StatusAtLeast(400), Absent(Field::Details), Absent(Field::Flags), Present(Field::UpstreamHost)])),
    ],
    suspected: &[
        Suspicion {
            when: Any(&[Event(event::Event::ProbeFailed), Event(event::Event::ProbeKeepsFailing)]),
            decide_by: "the probe is the application's own: its container's, or one of a path below `/app-health/`",
            decide_by_zh: "失败的是应用自己的探针：属于应用容器，或路径在 `/app-health/` 之下",
        },
        Suspicion {
            when: All(&[Any(&[StatusClass(4), StatusClass(5)]), Absent(Field::Details), Absent(Field::Flags), Absent(Field::UpstreamHost)]),
            decide_by: "the access log has `via_upstream`: the application answered itself",
            decide_by_zh: "access log 里是 `via_upstream`：是应用自己返回的",
        },
    ],
    confirm: &[Confirm {
        id: "next-hop",
        steps: &[
            Command("kubectl get endpointslices -n {service_namespace} -l kubernetes.io/service-name={service} -o custom-columns='ADDRESSES:.endpoints[*].addresses,PODS:.endpoints[*].targetRef.name'"),
            Note(
                "Find the pod that has the upstream's address, and in the log of its `istio-proxy` container the line with the same request id. If that line has `via_upstream` and a cluster beginning with `inbound|`, the application answered; otherwise that proxy did, and its line names the cause.",
                "找到拥有该上游地址的 Pod，在它的 `istio-proxy` 容器日志里查同一个 request id。如果那一行是 `via_upstream`，并且 cluster 以 `inbound|` 开头，就是应用返回的；否则是那个代理返回的，原因看那一行。",
            ),
        ],
    }],
    fixes: &[Fix {
        id: "application",
        applicability: Manual,
        steps: &[
            Command("kubectl logs {pod} -n {namespace} --since=15m"),
            Note(
                "On the server's pod this shows the application's own log: look at the time of the failing request. For 4xx compare path, method and credentials with what the application expects.",
                "在服务端 Pod 上执行，看到的是应用自己的日志：找到失败请求的时间点。4xx 则对照应用期望的路径、方法和凭证。",
            ),
        ],
        verify: &[
            Note(
                "Send the failing request again: the status in the new access-log line is below 400.",
                "重新发一次失败的请求：新的访问日志行里状态码小于 400。",
            ),
            Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=1m"),
        ],
    }],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/response_code_details",
        "https://istio.io/latest/docs/ops/common-problems/network-issues/#requests-are-rejected-by-envoy",
        "Envoy source/common/router/router.cc, 1.40",
    ],
}
