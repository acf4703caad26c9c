//! The pod's traffic could not be redirected to its proxy, so the pod does not start.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW9016",
    slug: "traffic-redirection-failed",
    since: "0.1.0",
    error: None,
    conditions: &[(Certain, Event(event::Event::RedirectionFailed))],
    confirm: &[
        Confirm {
            id: "which",
            steps: &[
                Command("kubectl -n {namespace} describe pod {pod} | grep -A20 Events"),
                Command("kubectl -n {namespace} get pod {pod} -o jsonpath='{.spec.nodeName}{\"\\n\"}{.spec.initContainers[*].name}'"),
                Command("kubectl -n {namespace} logs {pod} -c istio-init"),
                Command("kubectl -n {namespace} logs {pod} -c istio-validation"),
                Note(
                    "With the init container `istio-init` the pod writes the rules itself; with `istio-validation` the CNI plugin of the node writes them and the container only checks; of the two logs one exists. `FailedCreatePodSandBox` with `istio-cni`: the plugin itself failed.",
                    "init 容器是 `istio-init`：规则由 Pod 自己写；是 `istio-validation`：规则由节点上的 CNI 插件写，容器只做检查；两份日志里只有一份存在。`FailedCreatePodSandBox` 且带 `istio-cni`：插件自身失败了。",
                ),
            ],
        },
        Confirm {
            id: "agent",
            steps: &[
                Command("kubectl get pods -A -l k8s-app=istio-cni-node -o wide"),
                Command("kubectl -n istio-system logs -l k8s-app=istio-cni-node --tail=200 --prefix | grep -iE 'error|fail|{pod}'"),
                Note(
                    "The pod's node must have a ready `istio-cni-node`; none, or one that is not ready, is the reason. If it is in another namespace, such as kube-system, name that one.",
                    "Pod 所在的节点上必须有就绪的 `istio-cni-node`；没有或未就绪，就是原因。如果它装在别的 namespace（例如 kube-system），换成那个 namespace。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "kernel-modules",
            applicability: Manual,
            steps: &[
                Note(
                    "On the nodes, as root: `modprobe -a br_netfilter iptable_nat iptable_mangle iptable_raw xt_REDIRECT xt_owner xt_conntrack`, and list the same names in a file under `/etc/modules-load.d/`, so that they are there after a reboot. Ambient also needs `xt_mark`, `xt_connmark` and `ip_set`. SELinux can keep modules from being loaded on demand.",
                    "在节点上用 root 执行：`modprobe -a br_netfilter iptable_nat iptable_mangle iptable_raw xt_REDIRECT xt_owner xt_conntrack`，并把这些名字写进 `/etc/modules-load.d/` 下的文件，重启后才会自动加载。ambient 还需要 `xt_mark`、`xt_connmark` 和 `ip_set`。SELinux 可能会阻止按需加载模块。",
                ),
                Note(
                    "A kernel without legacy iptables: install with `values.global.nativeNftables=true` (sidecars since Istio 1.27, ambient since 1.28). It needs the modules `nf_tables` and `nft_*` and kernel 5.13.",
                    "内核已经没有旧版 iptables：安装时设置 `values.global.nativeNftables=true`（sidecar 从 Istio 1.27 起，ambient 从 1.28 起支持），需要 `nf_tables`、`nft_*` 模块和 5.13 以上的内核。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} get pod {pod}"),
                Note("It tries again by itself within five minutes, passes `Init` and becomes ready.", "最多五分钟内会自动重试，通过 `Init` 阶段并变为就绪。"),
            ],
        },
        Fix {
            id: "no-privilege",
            applicability: Review,
            steps: &[
                Command("istioctl install --set components.cni.enabled=true"),
                Note(
                    "`istio-init` needs the capabilities NET_ADMIN and NET_RAW; where a policy takes them away (Pod Security `baseline` or `restricted` or an SCC of OpenShift), the CNI plugin does the work instead. Give all the settings of the installation again. With Helm: the chart `cni`, and `--set pilot.cni.enabled=true` for `istiod`. Pods change over when they are created anew.",
                    "`istio-init` 需要 NET_ADMIN 和 NET_RAW；被策略收走的环境（Pod Security 的 `baseline` 或 `restricted`，或 OpenShift 的 SCC），就改由 CNI 插件来做。命令里要带上安装时的全部参数。用 Helm 的话：安装 `cni` chart，并给 `istiod` 加上 `--set pilot.cni.enabled=true`。Pod 重建后才会切换。",
                ),
            ],
            verify: &[
                Command("kubectl get pods -A -l k8s-app=istio-cni-node -o wide"),
                Command("kubectl -n {namespace} get pod {pod} -o jsonpath='{.spec.initContainers[*].name}'"),
                Note(
                    "One ready pod for each node; a new pod has `istio-validation` and starts.",
                    "每个节点都有一个就绪的 Pod；新建的 Pod 里是 `istio-validation`，并能启动。",
                ),
            ],
        },
        Fix {
            id: "plugin-on-node",
            applicability: Review,
            steps: &[
                Command("kubectl -n istio-system rollout restart daemonset istio-cni-node"),
                Command("kubectl -n istio-system rollout status daemonset istio-cni-node"),
                Note(
                    "If its log says that there is no configuration to chain to, or pods of one node are evicted again and again, the directories are wrong for the platform: set `values.global.platform` (`gke`, `openshift`, `k3s`, `microk8s`, `minikube`, `k3d`), or `values.cni.cniBinDir` and `values.cni.cniConfDir`. Another network plugin must not overwrite the chain: Cilium needs `cni.exclusive=false`. Let the DaemonSet tolerate the taints of every node.",
                    "如果日志说找不到可以链接的 CNI 配置，或者某个节点上的 Pod 反复被驱逐，说明目录与平台不符：设置 `values.global.platform`（`gke`、`openshift`、`k3s`、`microk8s`、`minikube`、`k3d`），或者 `values.cni.cniBinDir` 和 `values.cni.cniConfDir`。别的网络插件不能覆盖插件链：Cilium 要设置 `cni.exclusive=false`。DaemonSet 要能容忍所有节点的污点。",
                ),
            ],
            verify: &[
                Command("kubectl get pods -A -l k8s-app=istio-cni-node -o wide"),
                Command("kubectl -n {namespace} get pod {pod}"),
                Note("One ready pod for each node, and the pod, once created anew, is ready.", "每个节点都有一个就绪的 Pod；重建之后的业务 Pod 变为就绪。"),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/diagnostic-tools/cni/",
        "https://istio.io/latest/docs/ops/deployment/platform-requirements/",
        "https://istio.io/latest/docs/setup/additional-setup/cni/",
        "https://github.com/defenseunicorns/uds-core/issues/1547",
        "Istio tools/istio-iptables/pkg/capture/run.go, 1.30",
    ],
}
