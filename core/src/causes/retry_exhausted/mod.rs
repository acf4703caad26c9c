//! URX: every try ended in a failure, and the last one was passed on.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW5005",
    slug: "retry-exhausted",
    since: "0.1.0",
    error: None,
    refines: app_error,
    nature: Application,
    conditions: &[
        (Certain, All(&[Flag(ResponseFlag::URX), Details(Word::ViaUpstream), Any(&[StatusAtLeast(400), GrpcFailed])])),
        (
            Likely,
            All(&[
                Flag(ResponseFlag::URX),
                Absent(Field::Details),
                Absent(Field::UpstreamTransportFailure),
                Not(&Any(&[
                    Flag(ResponseFlag::UF),
                    Flag(ResponseFlag::UC),
                    Flag(ResponseFlag::UH),
                    Flag(ResponseFlag::UT),
                    Flag(ResponseFlag::UR),
                    Flag(ResponseFlag::UO),
                    Flag(ResponseFlag::UPE),
                    Flag(ResponseFlag::NC),
                    Flag(ResponseFlag::UMSDR),
                    Flag(ResponseFlag::LR),
                    Flag(ResponseFlag::OM),
                ])),
            ]),
        ),
    ],
    confirm: &[
        Confirm {
            id: "policy",
            steps: &[
                Command("istioctl proxy-config routes {pod}.{namespace} -o json | grep -nE '\"cluster\"|\"retryOn\"|\"numRetries\"|\"perTryTimeout\"|\"retriableStatusCodes\"'"),
                Note(
                    "The policy beside the failing request's cluster. `numRetries` counts tries after the first one.",
                    "看失败请求对应的 cluster 旁边的策略。`numRetries` 是第一次之外再试几次。",
                ),
            ],
        },
        Confirm {
            id: "every-try",
            steps: &[
                Command("kubectl get endpointslices -n {service_namespace} -l kubernetes.io/service-name={service} -o custom-columns='ADDRESSES:.endpoints[*].addresses,PODS:.endpoints[*].targetRef.name'"),
                Note(
                    "Search the `istio-proxy` logs of these pods for the request id of the failing line: each try left a line of its own there, and those lines name the real cause.",
                    "在这些 Pod 的 `istio-proxy` 日志里查失败那一行的 request id：每次尝试都会单独留一行，真正的原因写在那里。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "last-answer",
            applicability: Manual,
            steps: &[
                Command("kubectl logs {pod} -n {namespace} --since=15m"),
                Note(
                    "On the server's pod this is the application's own log. Retries only help against failures that pass; an answer that comes every time has its cause there, or one hop further.",
                    "在服务端 Pod 上执行，看到的是应用自己的日志。重试只对会自行消失的失败有用；每次都一样的错误，原因在应用里，或者在更后面的一跳。",
                ),
            ],
            verify: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=5m | grep -c ' URX '"),
                Note(
                    "On the client's pod, after the failing request was sent several times: 0, and each request is answered at the first try.",
                    "在客户端 Pod 上执行，失败的请求多发几次之后：输出 0，并且每次第一次尝试就成功。",
                ),
            ],
        },
        Fix {
            id: "retry-policy",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# VirtualService of the host
spec:
  http:
    - route:
        - destination:
            host: {host}
      timeout: 10s
      retries:
        attempts: 2
        perTryTimeout: 3s
        retryOn: connect-failure,refused-stream,gateway-error
",
                ),
                Note(
                    "Leave out `5xx` and `500` where the application's errors are lasting: they multiply its load by the number of tries, at each hop again. Requests that must not run twice belong into a rule of their own with `attempts: 0`. Istio's default since 1.24 does not repeat an application's 503; before, it did.",
                    "如果应用的错误是持续性的，就不要写 `5xx`、`500`：负载会按尝试次数翻倍，而且每一跳都会再翻。不能重复执行的请求应单独写一条规则并设 `attempts: 0`。从 1.24 起，Istio 的默认策略不再重试应用返回的 503；更早的版本会重试。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config routes {pod}.{namespace} -o json | grep -nE '\"retryOn\"|\"numRetries\"|\"perTryTimeout\"'"),
                Note(
                    "The new policy is shown. Under normal traffic the servers' request rate is that of the clients, not a multiple of it.",
                    "能看到新的策略。正常流量下，服务端的请求速率与客户端一致，而不是它的几倍。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/concepts/traffic-management/#retries",
        "https://github.com/istio/istio/issues/50506",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-retry-on",
        "Istio pilot/pkg/networking/core/route/retry/retry.go, 1.29",
        "Envoy source/common/router/router.cc, 1.40",
    ],
}
