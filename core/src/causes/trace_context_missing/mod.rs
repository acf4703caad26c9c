//! A request left the application without trace context, so the trace breaks here.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW8001",
    slug: "trace-context-missing",
    since: "0.1.0",
    error: None,
    nature: Telemetry,
    conditions: &[(Certain, Event(event::Event::TraceContextMissing))],
    confirm: &[Confirm {
        id: "broken-trace",
        steps: &[
            Command("kubectl exec {pod} -n {namespace} -c istio-proxy -- pilot-agent request GET stats | grep meshwhy_trace_context_total"),
            Note(
                "Outbound requests counted as absent while inbound ones are counted as present: the application drops the headers. In the tracing back-end the call then starts a trace of its own. (The counter exists where the meshwhy module runs.)",
                "如果入站请求大多计为 present，而出站请求计为 absent，就是应用把请求头弄丢了。在链路追踪后端里，这次调用会另起一条 trace。（该计数器只在运行 meshwhy 模块的代理上有。）",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "copy-headers",
            applicability: Manual,
            steps: &[Note(
                "In the application, copy the trace headers of the incoming request to every outgoing request made for it: `traceparent` and `tracestate` (W3C), `b3` or all `x-b3-*` (Zipkin), and `x-request-id`. Most web frameworks have a library that does this.",
                "在应用里，把入站请求的追踪请求头复制到由它触发的每个出站请求：`traceparent` 和 `tracestate`（W3C），`b3` 或全部 `x-b3-*`（Zipkin），以及 `x-request-id`。多数 Web 框架都有现成的库。",
            )],
            verify: &[
                Command("kubectl exec {pod} -n {namespace} -c istio-proxy -- pilot-agent request GET stats | grep meshwhy_trace_context_total"),
                Note(
                    "Run it before and after some traffic: the outbound count of present grows, that of absent stands still; in the tracing back-end the call appears inside its caller's trace.",
                    "发一些流量，前后各执行一次：出站的 present 在增长，absent 不再变化；在链路追踪后端里，这次调用出现在调用方的同一条 trace 中。",
                ),
            ],
        },
        Fix {
            id: "instrument",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "spec:\n  template:\n    metadata:\n      annotations:\n        instrumentation.opentelemetry.io/inject-java: \"true\"\n",
                ),
                Note(
                    "Needs the OpenTelemetry Operator and an Instrumentation resource in the namespace; other languages have annotations of the same form (`inject-nodejs`, `inject-python`, `inject-dotnet`). The pods are replaced.",
                    "需要安装 OpenTelemetry Operator，并在该 namespace 里有 Instrumentation 资源；其他语言用同样形式的注解（`inject-nodejs`、`inject-python`、`inject-dotnet`）。Pod 会滚动重建。",
                ),
            ],
            verify: &[Note(
                "In the tracing back-end, a new request shows the application's outgoing call inside the same trace.",
                "在链路追踪后端里，新的请求能看到应用的出站调用处于同一条 trace 中。",
            )],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/tasks/observability/distributed-tracing/overview/",
        "https://www.w3.org/TR/trace-context/",
        "https://github.com/openzipkin/b3-propagation",
    ],
}
