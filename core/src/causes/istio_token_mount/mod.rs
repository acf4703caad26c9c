//! The volume with the proxy's token for istiod cannot be mounted, so the pod does not start.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW9010",
    slug: "istio-token-mount",
    since: "0.1.0",
    error: None,
    conditions: &[(Certain, Event(event::Event::TokenMountFailed))],
    confirm: &[Confirm {
        id: "token-request",
        steps: &[
            Command("kubectl -n {namespace} describe pod {pod} | grep -A20 Events"),
            Command("kubectl version"),
            Command("kubectl get --raw /api/v1 | grep -o serviceaccounts/token"),
            Command("kubectl -n {namespace} get configmap istio-ca-root-cert"),
            Note(
                "`serviceaccounts/token` is printed by every API server that issues tokens for pods; no output confirms this cause. If the events name `istiod-ca-cert` or `istio-ca-root-cert` and the last command finds nothing, only the ConfigMap is missing.",
                "能为 Pod 签发 token 的 API server 都会输出 `serviceaccounts/token`；没有输出就可以确认。如果事件里提到的是 `istiod-ca-cert` 或 `istio-ca-root-cert`，且最后一条命令查不到，那缺的只是这个 ConfigMap。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "token-projection",
            applicability: Manual,
            steps: &[Note(
                "Upgrade the cluster: since Kubernetes 1.20 tokens for pods are always there, and current Istio supports nothing near that old. On an API server that has to stay, set `--service-account-issuer`, `--service-account-signing-key-file`, `--service-account-key-file` and `--api-audiences` (with `istio-ca` among the audiences). Do not follow the advice to set `jwtPolicy=first-party-jwt`: it is deprecated and current Istio treats it as third-party.",
                "升级集群：从 Kubernetes 1.20 起一定支持为 Pod 签发 token，而现行 Istio 早已不支持那么旧的版本。API server 暂时升不了的，配置 `--service-account-issuer`、`--service-account-signing-key-file`、`--service-account-key-file` 和 `--api-audiences`（audience 里要有 `istio-ca`）。网上“改成 `jwtPolicy=first-party-jwt`”的建议不要再用：它已弃用，现行 Istio 会当作 third-party 处理。",
            )],
            verify: &[
                Command("kubectl -n {namespace} create token default --audience=istio-ca --duration=10m | cut -c1-3"),
                Command("kubectl -n {namespace} get pod {pod}"),
                Note("The first prints `eyJ`, the beginning of a token; the pod leaves ContainerCreating.", "第一条输出 token 的开头 `eyJ`；Pod 不再卡在 ContainerCreating。"),
            ],
        },
        Fix {
            id: "root-certificate",
            applicability: Review,
            steps: &[
                Command("kubectl -n istio-system get pods -l app=istiod"),
                Command("kubectl get namespace {namespace} --show-labels"),
                Command("kubectl -n istio-system rollout restart deployment istiod"),
                Note(
                    "For a missing `istio-ca-root-cert`: istiod writes it into every namespace that it watches. It must run, and `discoverySelectors` must select the namespace. In a remote cluster its remote secret must allow it to write there.",
                    "针对缺少 `istio-ca-root-cert`：istiod 会把它写进自己监听的每个 namespace。istiod 要在运行，`discoverySelectors` 要选中该 namespace；远程集群里，remote secret 要有写权限。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} get configmap istio-ca-root-cert"),
                Note("It exists, and the pod starts.", "ConfigMap 已存在，Pod 正常启动。"),
            ],
        },
    ],
    sources: &[
        "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/",
        "https://istio.io/latest/docs/releases/supported-releases/",
        "https://github.com/kubeflow/community-distribution/issues/1911",
        "https://github.com/kubeflow/community-distribution/issues/1855",
    ],
}
