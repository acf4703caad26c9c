//! 504 UT: a configured timeout of the route, of a try or of the whole request ran out.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW5003",
    slug: "request-timeout",
    since: "0.1.0",
    error: Some(HttpResponseTimeout),
    conditions: &[
        (
            Certain,
            Any(&[
                Details(Word::ResponseTimeout),
                Details(Word::Timeout),
                Details(Word::UpstreamResponseTimeout),
                Details(Word::UpstreamPerTryTimeout),
                Details(Word::UpstreamPerTryIdleTimeout),
            ]),
        ),
        (Likely, All(&[Flag(ResponseFlag::UT), Absent(Field::Details)])),
    ],
    suspected: &[
        Suspicion {
            when: All(&[Status(504), Absent(Field::Details), Absent(Field::Flags), Absent(Field::UpstreamHost)]),
            decide_by: "the access log has the flag `UT`, or the body is `upstream request timeout`",
            decide_by_zh: "access log 里有 flag `UT`，或响应体为 `upstream request timeout`",
        },
        Suspicion {
            when: All(&[Status(408), Absent(Field::Details), Absent(Field::Flags), Absent(Field::UpstreamHost)]),
            decide_by: "the access log has `response_timeout`",
            decide_by_zh: "access log 里是 `response_timeout`",
        },
    ],
    confirm: &[Confirm {
        id: "timeouts",
        steps: &[
            Command("istioctl proxy-config routes {pod}.{namespace} -o json | grep -nE '\"cluster\"|\"timeout\"|\"perTryTimeout\"'"),
            Note(
                "The timeout beside the cluster of the failing request equals the duration in its access-log line. `0s` means none.",
                "失败请求对应的 cluster 旁边的超时值，应与访问日志里的耗时一致。`0s` 表示没有超时。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "route-timeout",
            applicability: Review,
            steps: &[
                Command("kubectl get virtualservices -A"),
                Patch(
                    PatchKind::Fragment,
                    "spec:\n  http:\n    - timeout: 10s\n      route:\n        - destination:\n            host: {host}\n",
                ),
                Note(
                    "Change the rule that the request matches: in the VirtualService of the mesh if a client sidecar timed out, in the gateway's if a gateway did. With retries keep `perTryTimeout` times the number of tries below it. For an HTTPRoute the field is `timeouts.request`.",
                    "改的是请求实际匹配到的那条规则：客户端 sidecar 超时就改网格内的 VirtualService，网关超时就改绑定在网关上的那个。如果配了重试，`perTryTimeout` 乘以尝试次数要小于这个值。HTTPRoute 对应的字段是 `timeouts.request`。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config routes {pod}.{namespace} -o json | grep -nE '\"cluster\"|\"timeout\"|\"perTryTimeout\"'"),
                Note(
                    "The new value is shown. Send the failing request again: it is answered, even if after more time than before.",
                    "能看到新的取值。重新发一次失败的请求：即使比之前更久，也能正常返回。",
                ),
            ],
        },
        Fix {
            id: "slow-upstream",
            applicability: Manual,
            steps: &[Note(
                "Find where the time goes, with traces or the upstream's own log, and make it faster or asynchronous. In the log of the upstream's sidecar the same request id shows `0 DC`: the work went on until this proxy hung up.",
                "用链路追踪或上游自己的日志找出时间花在哪里，优化它或改成异步。在上游 sidecar 的日志里，同一个 request id 会显示 `0 DC`：它一直在处理，直到本代理挂断。",
            )],
            verify: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=5m | grep -c timeout"),
                Note(
                    "After the failing request was repeated several times, the command prints 0, and each request is answered within the old timeout.",
                    "把失败的请求重复发几次之后，命令输出 0，并且每次都在原来的超时时间内返回。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/tasks/traffic-management/request-timeouts/",
        "https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/timeouts",
        "https://github.com/envoyproxy/envoy/issues/21950",
        "Envoy source/common/router/router.cc, 1.40",
    ],
}
