//! A readiness or startup probe failed for a moment.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW9009",
    slug: "probe-startup-benign",
    since: "0.1.0",
    error: None,
    nature: Benign,
    conditions: &[(Likely, Event(event::Event::ProbeFailed))],
    confirm: &[Confirm {
        id: "isolated",
        steps: &[
            Command("kubectl -n {namespace} get pod {pod} -o wide"),
            Command("kubectl -n {namespace} get events --field-selector involvedObject.name={pod} --sort-by=.lastTimestamp"),
            Note(
                "Harmless: READY is complete, RESTARTS is 0, and the event is as old as the pod's start or its deletion, with a small count. `(x200 over 30m)` and READY 1/2 are not.",
                "无害的样子：READY 齐全、RESTARTS 为 0，事件时间与 Pod 启动或删除时刻吻合且次数很少。`(x200 over 30m)` 加 READY 1/2 就不是了。",
            ),
        ],
    }],
    fixes: &[Fix {
        id: "leave-it",
        applicability: Safe,
        steps: &[
            Command("kubectl -n {namespace} get pod {pod}"),
            Note(
                "Nothing to change: do not loosen the probe for it. Alert on pods that stay unready for minutes instead of on the event.",
                "无需修改，不要因此放宽探针。告警应针对持续数分钟不就绪的 Pod，而不是这个事件。",
            ),
            Note(
                "No longer harmless: the pod never becomes ready or becomes unready again without being deleted (look at its proxy first, then at the application), or the container is restarted by a liveness or startup probe. A probe that fails from the start with 404 or 503 on a path of the application's own may have been left out of Istio's probe rewriting: see the annotation `sidecar.istio.io/rewriteAppHTTPProbers`.",
                "以下情况就不是无害的：Pod 一直不就绪，或没有被删除却又变回不就绪（先看代理，再看应用）；容器被 liveness 或 startup 探针重启。如果应用自己路径上的探针从一开始就返回 404 或 503，可能没有被 Istio 改写探针：检查注解 `sidecar.istio.io/rewriteAppHTTPProbers`。",
            ),
        ],
        verify: &[
            Command("kubectl -n {namespace} get pod {pod}"),
            Note("A few minutes later it is still ready, with the same number of restarts.", "几分钟后仍然就绪，重启次数没有变化。"),
        ],
    }],
    sources: &[
        "https://istio.io/latest/docs/ops/configuration/mesh/app-health-check/",
        "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
        "https://github.com/istio/istio/issues/42940",
    ],
}
