//! 0 DC: the caller went away before the response was complete.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW1010",
    slug: "downstream-disconnect",
    since: "0.1.0",
    error: None,
    decided_by: Caller,
    conditions: &[
        (
            Certain,
            Any(&[Details(Word::DownstreamRemoteDisconnect), Details(Word::Http2RemoteRefuse), Details(Word::Http3RemoteRefuse)]),
        ),
        (
            Likely,
            Any(&[All(&[Flag(ResponseFlag::DC), Absent(Field::Details)]), All(&[Flag(ResponseFlag::DR), Absent(Field::Details)])]),
        ),
    ],
    confirm: &[
        Confirm {
            id: "durations",
            steps: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=1h | grep downstream_remote_disconnect"),
                Note(
                    "Compare the durations. The same round number again and again (500, 5000, 60000 ms) is a timeout of the caller; scattered numbers are users who leave, pods that stop, or networks that break.",
                    "比较各行的耗时。总是同一个整数（500、5000、60000 毫秒）说明是调用方的超时；零散的数字则是用户离开、Pod 停止或网络中断。",
                ),
            ],
        },
        Confirm {
            id: "caller",
            steps: &[
                Note(
                    "Find the same request id in the log of the hop before: 504 with `UT` there is its route timeout. Without a proxy in front it is the client's own timeout, or the idle limit of a load balancer.",
                    "用同一个 request id 查上一跳的日志：那里若是 504 加 `UT`，就是它的路由超时。前面没有代理的话，就是客户端自己的超时，或者负载均衡的空闲超时。",
                ),
                Command("kubectl get virtualservices -A -o yaml | grep -nE 'timeout:|perTryTimeout:'"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "caller-timeout",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# VirtualService that the caller's proxy uses
spec:
  http:
    - timeout: 10s
      route:
        - destination:
            host: {host}
",
                ),
                Note(
                    "Timeouts must grow from the inside out: application, route, client, load balancer. Raise the client's own timeout or the idle limit of the load balancer in the same way.",
                    "超时要由内向外逐级变大：应用、路由、客户端、负载均衡。客户端自己的超时和负载均衡的空闲超时也按同样的原则调大。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=5m | grep downstream_remote_disconnect"),
                Note(
                    "Run it while the slow request is sent again: no new line, and the caller gets its answer.",
                    "重新发起那个慢请求时执行：没有新的行，调用方拿到了响应。",
                ),
            ],
        },
        Fix {
            id: "faster-answer",
            applicability: Manual,
            steps: &[Note(
                "Find out in the trace or the application's own log why the answer takes so long; let long work be started by one request and asked for by another; send the first bytes early.",
                "从链路追踪或应用日志里查清为什么这么慢；耗时任务改成“提交任务、再查询结果”；尽早发出响应的第一批数据。",
            )],
            verify: &[Note(
                "The duration of the same request in the access log is below the caller's timeout, and its status is the application's own.",
                "同一个请求在访问日志里的耗时低于调用方的超时，状态码是应用自己的。",
            )],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage",
        "https://github.com/istio/istio/issues/40207",
        "Envoy source/common/http/conn_manager_impl.cc, 1.40",
        "Envoy source/common/http/http2/codec_impl.cc, 1.40",
    ],
}
