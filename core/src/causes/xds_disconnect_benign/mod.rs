//! The control-plane stream ended as planned and the proxy reconnected.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW9001",
    slug: "xds-disconnect-benign",
    since: "0.1.0",
    error: None,
    nature: Benign,
    conditions: &[(Certain, Event(event::Event::XdsReconnect))],
    confirm: &[Confirm {
        id: "gaps",
        steps: &[
            Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep -E 'gRPC config stream closed|upstream XDS server'"),
            Command("istioctl proxy-status | grep {pod}"),
            Note(
                "Harmless: gaps of about half an hour, each followed within seconds by a connection to the XDS server, and SYNCED in the second output. In ztunnel's log the same reads `XDS client … retrying`.",
                "无害的样子：间隔约半小时，每次断开后几秒内就重新连上 XDS server，且第二条输出为 SYNCED。ztunnel 日志里对应的是 `XDS client … retrying`。",
            ),
        ],
    }],
    fixes: &[Fix {
        id: "leave-it",
        applicability: Safe,
        steps: &[
            Command("istioctl proxy-status"),
            Note(
                "Nothing to change. Look for the cause of failing requests in the access log instead, and leave this text out of alerts; alert on proxies that stay STALE or NOT SENT, or on `pilot_total_xds_rejects`.",
                "无需修改。请求失败的原因去访问日志里找，告警规则里排除这条日志；该告警的是长时间 STALE 或 NOT SENT 的代理，或 `pilot_total_xds_rejects`。",
            ),
            Note(
                "No longer harmless: closes that repeat every few seconds, an error text behind the code, no reconnect, or a proxy that is missing in the list.",
                "以下情况就不是无害的：每隔几秒反复断开、状态码后面带错误信息、没有重连，或该代理不在列表里。",
            ),
        ],
        verify: &[
            Command("istioctl proxy-status | grep {pod}"),
            Note(
                "The proxy is listed and SYNCED, now and again after the next close.",
                "代理在列表中且为 SYNCED；下一次断开之后再看仍然如此。",
            ),
        ],
    }],
    sources: &[
        "https://github.com/istio/istio/issues/15630",
        "https://github.com/istio/istio/issues/37875",
        "https://github.com/istio/ztunnel/issues/400",
        "https://istio.io/latest/docs/ops/diagnostic-tools/proxy-cmd/",
    ],
}
