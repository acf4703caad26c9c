//! Steps that several rules share.

use meshwhy_core::catalogue::fix::{Applicability, Confirm, Fix, PatchKind, Step};

/// How to see that a mistake is gone from the files.
pub(crate) const CHECK_AGAIN: &[Step] = &[
    Step::Command("meshwhy check ."),
    Step::Note("The finding is gone, and no other has come.", "这一条不再出现，也没有新的问题。"),
];

/// What the API server says of a manifest that it does not take.
pub(crate) const SERVER_SIDE_DRY_RUN: &[Confirm] = &[Confirm {
    id: "server",
    steps: &[
        Step::Command("kubectl apply --dry-run=server --validate=strict -f FILE"),
        Step::Note("The API server names the same place.", "API server 报的是同一个位置。"),
    ],
}];

/// How to find what a field may be.
pub(crate) const FIELDS_OF_THE_KIND: &[Fix] = &[Fix {
    id: "rewrite",
    applicability: Applicability::Review,
    steps: &[
        Step::Command("kubectl explain virtualservice.spec --recursive"),
        Step::Note(
            "The command lists the fields of a kind; put the kind in question in its place.",
            "这条命令列出某个 kind 的全部字段，把 kind 换成相应的即可。",
        ),
    ],
    verify: CHECK_AGAIN,
}];

/// Where fields are described.
pub(crate) const API_REFERENCE: &[&str] =
    &["https://istio.io/latest/docs/reference/config/", "https://kubernetes.io/docs/reference/kubectl/generated/kubectl_apply/"];

const OLDEST_WINS: Step = Step::Note(
    "More than one holds for the same pods; the first in the list wins.",
    "有不止一个对同样的 Pod 生效；列表里最前面的那个起作用。",
);

/// Which of several Sidecars counts.
pub(crate) const OLDEST_SIDECAR: &[Confirm] = &[Confirm {
    id: "age",
    steps: &[
        Step::Command("kubectl -n {namespace} get sidecars.networking.istio.io --sort-by=.metadata.creationTimestamp"),
        OLDEST_WINS,
    ],
}];

/// Several Sidecars made one.
pub(crate) const ONE_SIDECAR: &[Fix] = &[Fix {
    id: "merge",
    applicability: Applicability::Review,
    steps: &[Step::Patch(
        PatchKind::Fragment,
        "# one Sidecar for these pods, with the hosts of all of them\nspec:\n  workloadSelector:\n    labels:\n      app: reviews\n  egress:\n    - hosts:\n        - ./*\n        - istio-system/*\n",
    )],
    verify: CHECK_AGAIN,
}];

/// Which of several Telemetry resources counts.
pub(crate) const OLDEST_TELEMETRY: &[Confirm] = &[Confirm {
    id: "age",
    steps: &[
        Step::Command("kubectl -n {namespace} get telemetries.telemetry.istio.io --sort-by=.metadata.creationTimestamp"),
        OLDEST_WINS,
    ],
}];

/// Several Telemetry resources made one.
pub(crate) const ONE_TELEMETRY: &[Fix] = &[Fix {
    id: "merge",
    applicability: Applicability::Review,
    steps: &[Step::Patch(
        PatchKind::Fragment,
        "# one Telemetry for these pods, with the parts of all of them\nspec:\n  metrics:\n    - providers:\n        - name: prometheus\n  accessLogging:\n    - providers:\n        - name: envoy\n",
    )],
    verify: CHECK_AGAIN,
}];

/// Whether the proxy answers for a route itself.
pub(crate) const DIRECT_RESPONSE: &[Confirm] = &[Confirm {
    id: "routes",
    steps: &[
        Step::Command("istioctl proxy-config routes {pod}.{namespace} -o yaml"),
        Step::Note("The route has a direct_response.", "这条 route 是 direct_response。"),
    ],
}];

/// A rule of an HTTPRoute given somebody to send requests to.
pub(crate) const BACKEND_REFERENCE: &[Fix] = &[Fix {
    id: "backend",
    applicability: Applicability::Review,
    steps: &[Step::Patch(PatchKind::Fragment, "# rule of the HTTPRoute\nbackendRefs:\n  - name: {service}\n    port: 8080\n")],
    verify: CHECK_AGAIN,
}];
