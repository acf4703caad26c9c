//! 403 UAEX ext_authz_error: the external authorizer could not be asked, and the proxy fails closed.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW6006",
    slug: "ext-authz-error",
    since: "0.1.0",
    error: Some(ProxyInternalError),
    conditions: &[(Certain, Any(&[Details(Word::ExtAuthzError), Details(Word::ExtAuthzInvalid)]))],
    confirm: &[
        Confirm {
            id: "provider",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -A25 'envoy.filters.http.ext_authz'"),
                Note(
                    "It names the cluster and the timeout of the question, and says whether failures are let through (`failureModeAllow`).",
                    "这里有询问所用的 cluster、超时，以及失败时是否放行（`failureModeAllow`）。",
                ),
            ],
        },
        Confirm {
            id: "reachable",
            steps: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace} --cluster 'outbound|8000||AUTHORIZER.NAMESPACE.svc.cluster.local'"),
                Note(
                    "Put in the cluster of the first step. No endpoint: the authorizer has no ready pod. `No such cluster` or nothing at all: this proxy does not know the service.",
                    "换成第一步里的 cluster。没有 endpoint：外部授权服务没有就绪的 Pod；完全没有这个 cluster：本代理不知道这个服务。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "authorizer",
            applicability: Review,
            steps: &[
                Command("kubectl get pods -n NAMESPACE -l app=AUTHORIZER"),
                Command("kubectl logs -n NAMESPACE deployment/AUTHORIZER --since=10m"),
                Command("kubectl rollout restart deployment AUTHORIZER -n NAMESPACE"),
                Note(
                    "Bring the authorizer back: not ready, restarting, hanging, or answering 5xx itself. A gRPC authorizer needs a Service port whose name or `appProtocol` says `grpc`.",
                    "恢复外部授权服务：未就绪、反复重启、卡死，或者它自己返回 5xx。gRPC 类型的授权服务，Service 端口的名字或 `appProtocol` 要声明为 `grpc`。",
                ),
            ],
            verify: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=1m | grep ext_authz_error"),
                Note("No new lines while requests come in.", "有请求进来时没有新的日志。"),
            ],
        },
        Fix {
            id: "sidecar-scope",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "spec:\n  egress:\n    - hosts:\n        - ./*\n        - istio-system/*\n        - AUTHORIZER-NAMESPACE/*\n",
                ),
                Note(
                    "Merge into the Sidecar resource that applies to this workload; also needed if the authorizer's Service has an `exportTo` that leaves this namespace out.",
                    "合并到作用于该工作负载的 Sidecar 资源；如果是外部授权服务的 `exportTo` 没有包含本 namespace，也要改那边。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn AUTHORIZER.NAMESPACE.svc.cluster.local"),
                Note("The cluster is listed, and the request is no longer refused.", "能看到这个 cluster，请求不再被拒绝。"),
            ],
        },
        Fix {
            id: "provider-limits",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "meshConfig:\n  extensionProviders:\n    - name: PROVIDER\n      envoyExtAuthzHttp:\n        service: AUTHORIZER.NAMESPACE.svc.cluster.local\n        port: 8000\n        timeout: 1s\n        statusOnError: \"503\"\n",
                ),
                Note(
                    "Istio waits 600 seconds unless `timeout` says otherwise, so that a hanging authorizer hangs every request. `statusOnError` makes failures look different from refusals. `failOpen: true` would let every request in while the authorizer is away: only where that is acceptable.",
                    "Istio 默认等 600 秒，外部授权服务一卡死，所有请求都会跟着卡住，所以要设 `timeout`。`statusOnError` 让故障和拒绝的状态码区分开。`failOpen: true` 会在授权服务不可用时放行所有请求，只在可以接受时使用。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -A25 'envoy.filters.http.ext_authz'"),
                Note("The new timeout and `statusOnError` are there.", "能看到新的超时和 `statusOnError`。"),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/",
        "https://istio.io/latest/docs/tasks/security/authorization/authz-custom/",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/ext_authz_filter",
        "Envoy source/extensions/filters/http/ext_authz/ext_authz.cc, 1.40",
    ],
}
