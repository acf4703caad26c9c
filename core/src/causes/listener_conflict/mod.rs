//! Two listeners claim one address or name, so Envoy rejected the update.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW9005",
    slug: "listener-conflict",
    since: "0.1.0",
    error: None,
    conditions: &[(Certain, Event(event::Event::ListenerConflict))],
    confirm: &[
        Confirm {
            id: "rejected",
            steps: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep -E 'duplicate (listener|address)' | tail -n 3"),
                Command("istioctl proxy-config listeners {pod}.{namespace}"),
                Note(
                    "The message names the listener and the address. Look for the same port in the second output: what is there already holds it.",
                    "报错里有 listener 名和地址。在第二条输出里找同一个端口，占着它的就是已有的那个 listener。",
                ),
            ],
        },
        Confirm {
            id: "claimants",
            steps: &[
                Command("kubectl get services,serviceentries -A -o wide | grep -E '(15000|15001|15004|15006|15008|15009|15020|15021|15053|15090)'"),
                Command("kubectl get envoyfilters -A -o yaml | grep -E 'applyTo: LISTENER$|port_value'"),
                Command("kubectl get sidecars -A -o yaml | grep -B4 -A4 'bind:'"),
                Command("istioctl analyze -A"),
                Note(
                    "Who else claims the port: a Service or ServiceEntry on one of Istio's own ports, a listener added by an EnvoyFilter, a `bind` of a Sidecar, or two declarations of one port with different protocols (IST0177, IST0116, IST0137).",
                    "看还有谁占用该端口：使用了 Istio 自身端口的 Service 或 ServiceEntry、EnvoyFilter 新增的 listener、Sidecar 的 `bind`，或同一端口被声明成不同协议（IST0177、IST0116、IST0137）。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "other-port",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# Service: a port that Istio does not use itself, with one protocol
spec:
  ports:
    - name: http-metrics
      port: 9090
      targetPort: 9090
",
                ),
                Note(
                    "Taken by the sidecar: 15000, 15001, 15004, 15006, 15008, 15009, 15020, 15021, 15053 and 15090. Current istiod skips such Services and logs `skipping sidecar port`, so they simply do not work; old releases sent them, and Envoy rejected the whole update. Where one port is declared twice, give both declarations one protocol.",
                    "sidecar 自用的端口：15000、15001、15004、15006、15008、15009、15020、15021、15053、15090。新版 istiod 会跳过这样的 Service 并打日志 `skipping sidecar port`，结果只是该 Service 不可用；早期版本会照样下发，Envoy 就把整次更新都拒绝了。同一端口声明了两次的，把两处协议改成一致。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-status | grep {pod}"),
                Command("kubectl exec {pod} -n {namespace} -c istio-proxy -- pilot-agent request GET stats | grep lds.update_rejected"),
                Note("SYNCED, and the counter no longer grows.", "SYNCED，且计数不再增长。"),
            ],
        },
        Fix {
            id: "one-owner",
            applicability: Manual,
            steps: &[Note(
                "For a listener added by an EnvoyFilter or a `bind` of a Sidecar: take it back, or give it an address and port of its own. To change a listener that istiod already makes, use MERGE on it instead of ADD. In plain Envoy, do not add and remove `additional_addresses` of a listener in one update (envoy#37373).",
                "如果是 EnvoyFilter 新增的 listener 或 Sidecar 的 `bind`：撤回，或换成独立的地址和端口。要修改 istiod 已生成的 listener，用 MERGE 而不是 ADD。原生 Envoy 下，不要在同一次更新里既增又删某个 listener 的 `additional_addresses`（envoy#37373）。",
            )],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=2m | grep -cE 'duplicate (listener|address)'"),
                Note("It prints 0 after the next push.", "下一次推送之后输出为 0。"),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/deployment/application-requirements/#ports-used-by-istio",
        "https://github.com/istio/istio/issues/18398",
        "https://github.com/istio/istio/issues/6356",
        "https://github.com/envoyproxy/envoy/issues/37373",
        "Envoy source/common/listener_manager/listener_manager_impl.cc, 1.40",
    ],
}
