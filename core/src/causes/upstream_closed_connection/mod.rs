//! 503 UC: the upstream closed or reset an established connection before the response was complete.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW5001",
    slug: "upstream-closed-connection",
    since: "0.1.0",
    error: Some(ConnectionTerminated),
    conditions: &[
        (
            Certain,
            Any(&[
                All(&[
                    ResetBefore(Reset::ConnectionTermination),
                    Not(&Cluster(ClusterKind::Passthrough)),
                    Not(&Any(&[TlsPort, External])),
                    Not(&All(&[UpstreamReused, Any(&[DurationBelow(1000), Absent(Field::Duration)])])),
                ]),
                ResetAfter(Reset::ConnectionTermination),
                Details(Word::ConnectionTermination),
            ]),
        ),
        // So does a TLS server end what begins with plaintext.
        (
            Likely,
            All(&[
                ResetBefore(Reset::ConnectionTermination),
                Not(&Cluster(ClusterKind::Passthrough)),
                Any(&[TlsPort, External]),
            ]),
        ),
        // A TCP connection has no stream: the flag says that the upstream reset the connection.
        (Likely, All(&[Flag(ResponseFlag::UR), Status(0), Absent(Field::Details)])),
        (Likely, All(&[Flag(ResponseFlag::UC), Absent(Field::Details), Not(&All(&[DurationBelow(10), Not(&DurationBelow(1))]))])),
    ],
    suspected: &[
        Suspicion {
            when: All(&[Status(503), Absent(Field::Details), Absent(Field::Flags), Absent(Field::UpstreamHost)]),
            decide_by: "the access log has the flag `UC`",
            decide_by_zh: "access log 里有 flag `UC`",
        },
    ],
    confirm: &[
        Confirm {
            id: "restarts",
            steps: &[
                Command("kubectl get pods -n {service_namespace} -o wide"),
                Command("kubectl get events -n {service_namespace} --field-selector reason=Killing"),
                Note(
                    "A restart or a killed pod at the time of the failure explains it.",
                    "如果出错的时间点上有 Pod 重启或被终止，原因就在这里。",
                ),
            ],
        },
        Confirm {
            id: "mtls",
            steps: &[
                Command("kubectl get peerauthentication -A"),
                Command("kubectl get destinationrules -A -o custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name,HOST:.spec.host,TLS:.spec.trafficPolicy.tls.mode,PORT_TLS:.spec.trafficPolicy.portLevelSettings[*].tls.mode"),
                Note(
                    "STRICT for the upstream together with DISABLE or SIMPLE for its host is a conflict of TLS settings. Where auto mTLS is off (`enableAutoMtls: false`), so is a DestinationRule without `tls`: it replaces the mesh-wide rule with `ISTIO_MUTUAL` for its host.",
                    "如果上游是 STRICT，而它的 host 在 DestinationRule 里是 DISABLE 或 SIMPLE，就是 TLS 配置冲突。关掉了 auto mTLS（`enableAutoMtls: false`）的网格里，不写 `tls` 的 DestinationRule 也一样：它会把全网格 `ISTIO_MUTUAL` 的那条规则对这个 host 顶掉。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "idle-timeout",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "spec:\n  trafficPolicy:\n    connectionPool:\n      http:\n        idleTimeout: 3s\n",
                ),
                Note(
                    "Choose a value below the keep-alive timeout of the application, or raise the application's above the value here. In a DestinationRule in the service's own namespace it holds for the clients' proxies and for the sidecar in front of the application.",
                    "取值要小于应用自己的 keep-alive 超时，或者反过来把应用的超时调得比它大。写在服务所在 namespace 的 DestinationRule 里，对客户端代理和应用前面的 sidecar 都生效。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config cluster {pod}.{namespace} --fqdn {host} --port {port} -o json | grep -n idleTimeout"),
                Note(
                    "The value is shown (for an `inbound|` cluster use `--direction inbound` instead of `--fqdn`). After an hour of normal traffic the second command must print 0.",
                    "能看到新的取值（如果是 `inbound|` cluster，把 `--fqdn` 换成 `--direction inbound`）。正常流量跑一小时后，下面这条命令应输出 0。",
                ),
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=1h | grep -cF 'connection_termination}'"),
            ],
        },
        Fix {
            id: "retry-idempotent",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "spec:\n  http:\n    - match:\n        - method:\n            exact: GET\n      route:\n        - destination:\n            host: {host}\n      retries:\n        attempts: 2\n        retryOn: connect-failure,refused-stream,reset\n",
                ),
                Note(
                    "Only for requests that may be executed twice. `reset-before-request` (Istio 1.23 and later) is safe for all, but misses requests that were already written to the connection.",
                    "只能用于可以重复执行的请求。`reset-before-request`（Istio 1.23 及以后）对所有请求都安全，但请求已经写到连接上之后就不会再重试。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config routes {pod}.{namespace} -o json | grep -n '\"retryOn\"'"),
                Note(
                    "The list contains `reset`, and GET requests no longer end in 503 UC under normal traffic.",
                    "列表里包含 `reset`；正常流量下，GET 请求不再出现 503 UC。",
                ),
            ],
        },
        Fix {
            id: "originate-tls",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# DestinationRule of the external host
spec:
  host: {host}
  trafficPolicy:
    portLevelSettings:
      - port:
          number: 443
        tls:
          mode: SIMPLE
          sni: {host}
",
                ),
                Note(
                    "The port's protocol in the ServiceEntry is then HTTP, and clients call `http://` with the port 443. If the clients send TLS themselves, declare the port as HTTPS instead and leave the rule out.",
                    "此时 ServiceEntry 里该端口的协议写 HTTP，客户端用 `http://` 加 443 端口访问。如果客户端自己发 TLS，就把端口声明为 HTTPS，不要这条规则。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config cluster {pod}.{namespace} --fqdn {host} --port 443 -o json | grep -nE 'transportSocket|\"sni\"'"),
                Note("Both are shown. Send the failing request again: it is answered.", "两项都能看到。重新发一次失败的请求：能正常返回。"),
            ],
        },
        Fix {
            id: "application-closes",
            applicability: Manual,
            steps: &[
                Note(
                    "Find out in the upstream's log why it closes: crash, out of memory, a server timeout (the duration is then a round number), shutdown without draining. Let it finish requests before it exits.",
                    "在上游日志里查它为什么断开：崩溃、内存不足、服务端超时（这时耗时往往是个整数）、没有排空就退出。让它处理完在途请求再退出。",
                ),
            ],
            verify: &[Note(
                "The failing request is answered each time, also while the upstream is rolled out anew.",
                "失败的请求每次都能正常返回，上游滚动发布期间也一样。",
            )],
        },
    ],
    sources: &[
        "https://github.com/istio/istio/issues/55138",
        "https://istio.io/latest/docs/reference/config/networking/destination-rule/#ConnectionPoolSettings-HTTPSettings",
        "https://istio.io/latest/docs/tasks/traffic-management/egress/egress-tls-origination/",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-retry-on",
        "Envoy source/common/http/utility.cc, 1.40",
    ],
}
