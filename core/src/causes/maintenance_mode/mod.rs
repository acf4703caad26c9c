//! 503 maintenance_mode: a runtime key takes a whole cluster out of service.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW3009",
    slug: "maintenance-mode",
    since: "0.1.0",
    error: Some(DestinationUnavailable),
    conditions: &[(Certain, Any(&[Details(Word::MaintenanceMode), Details(Word::ClusterMaintainMode)]))],
    confirm: &[Confirm {
        id: "runtime",
        steps: &[
            Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- pilot-agent request GET runtime | grep -A10 maintenance_mode"),
            Note(
                "The key `upstream.maintenance_mode.CLUSTER` holds the percentage; `layer_values` tell which runtime layer set it: `admin` was set by hand and ends with the process, the others come from configuration.",
                "键 `upstream.maintenance_mode.CLUSTER` 的值是百分比；`layer_values` 表明由哪一层设置：`admin` 是手工设置、进程重启即失效，其余来自配置。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "end-by-admin",
            applicability: Review,
            steps: &[
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- pilot-agent request POST 'runtime_modify?upstream.maintenance_mode.''{cluster}''='"),
                Note(
                    "An empty value removes what was set by hand in this one proxy; repeat it for every proxy that answers so.",
                    "空值会清除这一个代理上手工设置的值；所有这样回应的代理都要执行一遍。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- pilot-agent request GET runtime | grep -c maintenance_mode"),
                Note(
                    "It prints 0, and the same request is answered by the upstream.",
                    "输出 0，且同一个请求由上游返回。",
                ),
            ],
        },
        Fix {
            id: "end-by-configuration",
            applicability: Review,
            steps: &[
                Command("kubectl get deployments -A -o yaml | grep -nE 'runtimeValues|maintenance_mode'"),
                Command("kubectl -n istio-system get configmap istio -o jsonpath='{.data.mesh}' | grep -n -A4 runtimeValues"),
                Note(
                    "Remove the key from the annotation `proxy.istio.io/config`, from `defaultConfig.runtimeValues` of the mesh, or from the runtime layer of the plain Envoy, and restart the proxies.",
                    "从注解 `proxy.istio.io/config`、网格的 `defaultConfig.runtimeValues`，或原生 Envoy 的 runtime layer 里删掉这个键，然后重启代理。",
                ),
            ],
            verify: &[Note(
                "The new proxies do not list the key any more, and the same request is answered by the upstream.",
                "新的代理里不再有这个键，且同一个请求由上游返回。",
            )],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/upstream/cluster_manager/cluster_runtime",
        "https://www.envoyproxy.io/docs/envoy/latest/operations/admin#post--runtime_modify?key1=value1&key2=value2&keyN=valueN",
        "Envoy source/common/router/router.cc, 1.40",
    ],
}
