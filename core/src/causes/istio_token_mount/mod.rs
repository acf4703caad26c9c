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
            Note(
                "`serviceaccounts/token` is printed by every API server that issues tokens for pods; no output confirms this cause.",
                "能为 Pod 签发 token 的 API server 都会输出 `serviceaccounts/token`；没有输出就可以确认。",
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
    ],
    sources: &[
        "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/",
        "https://istio.io/latest/docs/releases/supported-releases/",
        "https://github.com/kubeflow/community-distribution/issues/1911",
        "https://github.com/kubeflow/community-distribution/issues/1855",
    ],
}
