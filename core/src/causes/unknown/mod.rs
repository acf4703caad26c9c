//! Something failed and no cause of the catalogue fits.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW0000",
    slug: "unknown",
    since: "0.1.0",
    error: Some(ProxyInternalError),
    conditions: &[],
    confirm: &[Confirm {
        id: "full-line",
        steps: &[
            Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=15m"),
            Note(
                "Look for the line of the failing request. The fields that decide are the response code details, the response flags and the upstream transport failure reason.",
                "找到失败请求的那一行。起决定作用的字段是 response code details、response flags 和 upstream transport failure reason。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "access-log",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    "apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata:\n  name: access-log\n  namespace: {namespace}\nspec:\n  accessLogging:\n    - providers:\n        - name: envoy\n",
                ),
                Note(
                    "A namespace may have only one Telemetry without selector: if there is one, merge `accessLogging` into it.",
                    "一个 namespace 里只能有一个不带 selector 的 Telemetry；如果已经有了，把 `accessLogging` 合并进去。",
                ),
            ],
            verify: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=1m"),
                Note(
                    "Send the failing request again: its line appears, with flags and details after the status. Give that line to meshwhy.",
                    "重新发一次失败的请求：日志里出现对应的一行，状态码后面有标志和 details。把这一行交给 meshwhy。",
                ),
            ],
        },
        Fix {
            id: "report",
            applicability: Manual,
            steps: &[Note(
                "If the line has flags or details and meshwhy still does not know them, report it to the project with host names and addresses removed, the Envoy or Istio version, and what the cause turned out to be.",
                "如果那一行有标志或 details，而 meshwhy 仍然不认识，请去掉主机名和地址后反馈给项目，并附上 Envoy 或 Istio 版本以及最终查明的原因。",
            )],
            verify: &[Note(
                "A later version of meshwhy names a cause for the same line.",
                "后续版本的 meshwhy 能对同一行给出原因。",
            )],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/tasks/observability/logs/access-log/",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/response_code_details",
    ],
}
