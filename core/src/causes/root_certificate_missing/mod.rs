//! The ConfigMap with the root certificate of the mesh is missing in the namespace, so pods do not start.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW9017",
    slug: "root-certificate-missing",
    since: "0.1.0",
    error: None,
    conditions: &[(Certain, Event(event::Event::RootCertificateMissing))],
    confirm: &[Confirm {
        id: "config-map",
        steps: &[
            Command("kubectl get configmaps -A --field-selector metadata.name=istio-ca-root-cert"),
            Command("kubectl -n istio-system get pods -l app=istiod"),
            Command("kubectl -n istio-system logs -l app=istiod --tail=1000 --prefix | grep -E 'namespace controller|istio-ca-root-cert|forbidden'"),
            Note(
                "Missing everywhere: istiod does not run, or may not write ConfigMaps (`forbidden`). Missing in one namespace only: istiod does not watch it, or something deleted it. There by now: the kubelet was faster than istiod, and the pod starts by itself.",
                "所有 namespace 都没有：istiod 没在运行，或者没有写 ConfigMap 的权限（`forbidden`）。只有某个 namespace 没有：istiod 没有监听它，或者被别的东西删了。现在已经有了：只是 kubelet 比 istiod 快一步，Pod 会自己启动。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "restore-istiod",
            applicability: Review,
            steps: &[
                Command("kubectl -n istio-system describe pods -l app=istiod"),
                Command("kubectl -n istio-system rollout restart deployment istiod"),
                Note(
                    "One istiod of all replicas is elected to write the ConfigMaps; a restart makes them elect anew, which helps when the elected one hangs. If the log says `forbidden`, apply the ClusterRole of the installation again. In a remote cluster the istiod of the primary one writes, with the rights of its remote secret.",
                    "所有副本里只有一个 istiod 被选出来写 ConfigMap；重启会重新选举，选出来的那个卡住时有效。日志里有 `forbidden` 的，重新应用安装时的 ClusterRole。远程集群由主集群的 istiod 来写，用的是 remote secret 的权限。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} get configmap istio-ca-root-cert"),
                Command("kubectl -n {namespace} get pod {pod}"),
                Note(
                    "The ConfigMap exists, and the pod leaves ContainerCreating within two minutes.",
                    "ConfigMap 已存在，Pod 在两分钟内不再卡在 ContainerCreating。",
                ),
            ],
        },
        Fix {
            id: "watched-namespace",
            applicability: Review,
            steps: &[
                Command("kubectl -n istio-system get configmap istio -o jsonpath='{.data.mesh}' | grep -A12 discoverySelectors"),
                Command("kubectl get namespace {namespace} --show-labels"),
                Note(
                    "Give the namespace the label that a selector asks for (`kubectl label namespace NAME KEY=VALUE`). If there are no selectors, look whether GitOps prunes the ConfigMap, or a policy refuses ConfigMaps that it does not know. istiod never writes into kube-public, kube-node-lease and local-path-storage.",
                    "给 namespace 打上 selector 要求的标签（`kubectl label namespace 名称 键=值`）。如果没有配 selector，看看是不是 GitOps 把这个 ConfigMap 清理掉了，或者有策略拒绝它不认识的 ConfigMap。kube-public、kube-node-lease 和 local-path-storage 这几个 namespace，istiod 从来不写。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} get configmap istio-ca-root-cert"),
                Note("It exists within seconds, and still after the next synchronisation of the GitOps tool.", "几秒内就出现，GitOps 下一次同步之后仍然在。"),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#MeshConfig-discovery_selectors",
        "https://github.com/istio/istio/issues/43824",
        "https://github.com/istio/istio/issues/22463",
        "Istio pilot/pkg/serviceregistry/kube/controller/namespacecontroller.go, 1.30",
    ],
}
