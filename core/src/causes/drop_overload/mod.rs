//! 503 DO or UDO: the control plane told this proxy to drop a share of the requests.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW3008",
    slug: "drop-overload",
    since: "0.1.0",
    error: Some(DestinationUnavailable),
    conditions: &[
        (Certain, Any(&[Details(Word::DropOverload), Details(Word::UnconditionalDropOverload)])),
        (Likely, All(&[Absent(Field::Details), Any(&[Flag(ResponseFlag::DO), Flag(ResponseFlag::UDO)])])),
    ],
    confirm: &[Confirm {
        id: "drop-policy",
        steps: &[
            Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- pilot-agent request GET 'config_dump?include_eds' | grep -A8 drop_overloads"),
            Note(
                "`drop_overloads` of the cluster's assignment shows the share and the category that the control plane gave it. In plain Envoy: `/config_dump?include_eds` of the admin port.",
                "cluster 对应的 assignment 里，`drop_overloads` 写着控制面下发的丢弃比例和类别。原生 Envoy 则看管理端口的 `/config_dump?include_eds`。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "control-plane",
            applicability: Manual,
            steps: &[Note(
                "Ask whoever runs the control plane why it drops: a traffic director that sheds load, a drill, or a rule that was left behind. Take the drop policy away there; the proxies follow with the next update.",
                "问控制面的负责人为什么要丢弃：流量调度系统在卸载、在做演练，还是规则忘了撤。要在控制面那里撤掉丢弃策略，代理随下一次更新生效。",
            )],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=5m | grep -c drop_overload"),
                Note("It prints 0 while requests are sent.", "发请求期间输出 0。"),
            ],
        },
        Fix {
            id: "capacity",
            applicability: Review,
            steps: &[
                Command("kubectl -n {service_namespace} get deployments,hpa"),
                Note(
                    "If the load is real, give the upstream more replicas first; the control plane then stops dropping by itself or can be told to.",
                    "如果负载是真实的，先给上游扩容，然后控制面会自己停止丢弃，或者可以让它停止。",
                ),
            ],
            verify: &[Note(
                "Responses no longer carry `x-envoy-drop-overload` or `x-envoy-unconditional-drop-overload`.",
                "响应里不再有 `x-envoy-drop-overload` 或 `x-envoy-unconditional-drop-overload`。",
            )],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/endpoint/v3/endpoint.proto",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter",
        "Envoy source/common/router/router.cc, 1.40",
    ],
}
