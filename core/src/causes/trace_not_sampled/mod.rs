//! The caller itself decided that the request is not to be sampled.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW8002",
    slug: "trace-not-sampled",
    since: "0.1.0",
    error: None,
    nature: Telemetry,
    conditions: &[(Certain, Event(event::Event::TraceNotSampled))],
    confirm: &[Confirm {
        id: "who-decides",
        steps: &[
            Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -A2 -E 'randomSampling|overallSampling'"),
            Note(
                "A percentage above 0 here and no spans for this caller: the caller has decided, not the proxy. Look at the headers of one request as the application sends it: `x-b3-sampled: 0`, a `b3` header that is `0` or has `-0` after the two ids, or a `traceparent` that ends in `-00`.",
                "这里的百分比大于 0，但这个调用方仍然没有 span：那就是调用方做的决定，不是代理。看应用实际发出的请求头：`x-b3-sampled: 0`，`b3` 的值为 `0` 或两个 id 之后是 `-0`，或 `traceparent` 以 `-00` 结尾。",
            ),
            Note(
                "No percentage at all: tracing is not configured for this proxy (since Istio 1.22 a provider has to be named), and the header is not the reason.",
                "一个百分比都没有：这个代理根本没有配置链路追踪（Istio 1.22 起必须指定 provider），与该请求头无关。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "caller-samples",
            applicability: Manual,
            steps: &[Note(
                "In the first application of the trace, let the tracing library or APM agent sample more, or not decide: in Spring Boot `management.tracing.sampling.probability` (default 0.1), with OpenTelemetry `OTEL_TRACES_SAMPLER` (`parentbased_always_on` or `parentbased_traceidratio`). Code that writes `x-b3-sampled: 0` by hand should leave the header out.",
                "在 trace 的第一个应用里，让追踪库或 APM agent 提高采样率，或不做决定：Spring Boot 是 `management.tracing.sampling.probability`（默认 0.1），OpenTelemetry 是 `OTEL_TRACES_SAMPLER`（`parentbased_always_on` 或 `parentbased_traceidratio`）。手写 `x-b3-sampled: 0` 的代码应去掉这个请求头。",
            )],
            verify: &[Note(
                "The request leaves the application with `x-b3-sampled: 1`, a `traceparent` that ends in `-01`, or without any decision, and the trace appears in the back-end.",
                "应用发出的请求带 `x-b3-sampled: 1`、以 `-01` 结尾的 `traceparent`，或者不带任何采样决定，并且后端能看到这条 trace。",
            )],
        },
        Fix {
            id: "proxy-samples",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    r"apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata:
  name: sampling-by-proxy
  namespace: {namespace}
spec:
  configPatches:
    - applyTo: NETWORK_FILTER
      match:
        context: SIDECAR_OUTBOUND
        listener:
          filterChain:
            filter:
              name: envoy.filters.network.http_connection_manager
      patch:
        operation: MERGE
        value:
          typed_config:
            '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
            early_header_mutation_extensions:
              - name: envoy.http.early_header_mutation.header_mutation
                typed_config:
                  '@type': type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation
                  mutations:
                    - remove: x-b3-sampled
",
                ),
                Note(
                    "It removes the decision before the proxy looks at it; the ids stay. A VirtualService cannot do that: its header rules run after the decision. For clients outside the mesh use `context: GATEWAY` in the gateway's namespace. With the single header `b3` or with `traceparent` ids and decision cannot be parted: removing them starts a new trace. Without `workloadSelector` it holds for the whole namespace.",
                    "它在代理读取之前就去掉采样决定，id 保留。VirtualService 做不到：它的请求头规则在采样决定之后才执行。针对网格外的客户端，用 `context: GATEWAY` 放在网关的 namespace 里。单个 `b3` 请求头或 `traceparent` 里 id 和决定分不开，删掉就等于新开一条 trace。不写 `workloadSelector` 会对整个 namespace 生效。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -c earlyHeaderMutationExtensions"),
                Note(
                    "The count is above 0, and requests of this caller now appear in the back-end at the rate that the mesh samples.",
                    "计数大于 0，且该调用方的请求按网格的采样率出现在后端。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/tasks/observability/distributed-tracing/sampling/",
        "https://github.com/istio/istio/issues/34027",
        "https://github.com/openzipkin/b3-propagation",
        "https://www.w3.org/TR/trace-context/#sampled-flag",
        "https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/http/early_header_mutation",
    ],
}
