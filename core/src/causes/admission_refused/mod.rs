//! 503 or a closed connection: a filter that protects the service from too much at once.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW6015",
    slug: "admission-refused",
    since: "0.1.0",
    error: Some(ConnectionLimitReached),
    conditions: &[
        (
            Certain,
            Any(&[
                Details(Word::ReachedConcurrencyLimit),
                Details(Word::DeniedByAdmissionControl),
                Closed(CloseReason::ConnectionLimit),
            ]),
        ),
    ],
    confirm: &[Confirm {
        id: "filter",
        steps: &[
            Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -E -A12 'envoy.filters.(http.adaptive_concurrency|http.admission_control|network.connection_limit)'"),
            Command("kubectl get envoyfilters -A -o json | grep -n -E 'adaptive_concurrency|admission_control|connection_limit'"),
            Note(
                "The filter and its limits, and the EnvoyFilter that adds it: Istio up to 1.31 has none of them by itself.",
                "过滤器及其限额，以及添加它的 EnvoyFilter：Istio 1.31 及以前自己不会加这些过滤器。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "capacity",
            applicability: Review,
            steps: &[
                Command("kubectl scale deployment {workload} -n {namespace} --replicas=3"),
                Note(
                    "If the service is really busy, slow or failing: more pods (put in a number above the present one), or repair what makes it slow. The filter did what it is for.",
                    "如果服务确实繁忙、变慢或在报错：增加 Pod（数字要大于现在的副本数），或者解决变慢的原因。过滤器只是在尽职。",
                ),
            ],
            verify: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=5m | grep -c -E 'reached_concurrency_limit|denied_by_admission_control|over_connection_limit'"),
                Note("The number falls, at last to 0.", "数字下降，最终为 0。"),
            ],
        },
        Fix {
            id: "connection-limit",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata:\n  name: {workload}-connection-limit\n  namespace: {namespace}\nspec:\n  workloadSelector:\n    labels:\n      app: {workload}\n  priority: 10\n  configPatches:\n    - applyTo: NETWORK_FILTER\n      match:\n        context: SIDECAR_INBOUND\n        listener:\n          filterChain:\n            filter:\n              name: envoy.filters.network.connection_limit\n      patch:\n        operation: MERGE\n        value:\n          name: envoy.filters.network.connection_limit\n          typed_config:\n            '@type': type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit\n            max_connections: 10000\n",
                ),
                Note(
                    "For `over_connection_limit` only, if the limit is too low for what the pod can bear. Better still, change the number in the EnvoyFilter that sets it. Clients that open a connection for each request are the other half: let them keep connections alive.",
                    "只针对 `over_connection_limit`，且限额低于 Pod 的承受能力时。更好的做法是直接改设置它的 EnvoyFilter。另一半问题在于每个请求都新建连接的客户端：让它们复用连接。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep '\"maxConnections\"'"),
                Note("The new number is there, and connections are no longer closed at once.", "能看到新的数字，连接不再一建立就被关闭。"),
            ],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/adaptive_concurrency_filter",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/admission_control_filter",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/listeners/network_filters/connection_limit_filter",
        "Envoy source/extensions/filters/http/adaptive_concurrency/adaptive_concurrency_filter.cc, 1.40",
    ],
}
