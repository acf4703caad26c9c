//! 503 UF: the upstream address refused the TCP connection.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW3002",
    slug: "upstream-connection-refused",
    since: "0.1.0",
    error: Some(ConnectionRefused),
    conditions: &[
        (Certain, Any(&[UpstreamTransport(TransportKind::ConnectionRefused), UpstreamTransport(TransportKind::ConnectionReset)])),
        (
            Likely,
            All(&[
                Absent(Field::UpstreamTransportFailure),
                Any(&[
                    ResetBefore(Reset::RemoteConnectionFailure),
                    ResetBefore(Reset::ConnectionFailure),
                    Details(Word::ConnectionFailure),
                ]),
            ]),
        ),
        (
            Likely,
            All(&[
                Flag(ResponseFlag::UF),
                Absent(Field::Details),
                Absent(Field::UpstreamTransportFailure),
                // A TCP line gives a reason for every refusal; what took long without one ran into the timeout.
                Any(&[
                    All(&[DurationBelow(100), Not(&UpstreamIpv6)]),
                    All(&[DurationBelow(1000), Not(&Status(0)), Not(&UpstreamIpv6)]),
                    Absent(Field::UpstreamHost),
                ]),
            ]),
        ),
    ],
    suspected: &[
        Suspicion {
            when: All(&[Any(&[Flag(ResponseFlag::UF), ResetBefore(Reset::RemoteConnectionFailure), ResetBefore(Reset::ConnectionFailure)]), Absent(Field::UpstreamTransportFailure)]),
            decide_by: "`upstream_transport_failure_reason` says `Connection refused` (or `111`)",
            decide_by_zh: "`upstream_transport_failure_reason` 为 `Connection refused`（或 `111`）",
        },
        Suspicion {
            when: All(&[Status(503), Absent(Field::Details), Absent(Field::Flags), Absent(Field::UpstreamHost)]),
            decide_by: "the access log has the flag `UF`",
            decide_by_zh: "access log 里有 flag `UF`",
        },
    ],
    confirm: &[
        Confirm {
            id: "endpoints",
            steps: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace} --cluster '{cluster}'"),
                Command("kubectl -n {service_namespace} get service {service} -o jsonpath='{.spec.ports}'"),
                Command("kubectl -n {service_namespace} get pods -o wide"),
                Note(
                    "The endpoint's address must belong to a pod that is READY, and its port (the Service's targetPort) must be the one that the application listens on.",
                    "endpoint 的地址要对应一个 READY 的 Pod，端口（即 Service 的 targetPort）要是应用真正监听的端口。",
                ),
            ],
        },
        Confirm {
            id: "listening",
            steps: &[
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- ss -ltn"),
                Note(
                    "For a line of the inbound side run it as it stands; for the outbound side, in the pod that has the endpoint's address. No row with the port: nothing listens. `127.0.0.1:PORT`: only local connections are taken. The distroless proxy image has no `ss`.",
                    "inbound 侧的日志直接执行即可；outbound 侧的日志要到 endpoint 地址所在的那个 Pod 里执行。没有这个端口的行：没人监听。显示 `127.0.0.1:端口`：只接受本机连接。distroless 版代理镜像里没有 `ss`。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "target-port",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                r"# Service: targetPort is the port that the application listens on
spec:
  ports:
    - name: http
      port: {port}
      targetPort: 8080
",
            )],
            verify: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace} --cluster '{cluster}'"),
                Note(
                    "The rows show the new port and HEALTHY, and the same request succeeds.",
                    "列表里是新端口且为 HEALTHY，同一个请求成功。",
                ),
            ],
        },
        Fix {
            id: "listen-address",
            applicability: Manual,
            steps: &[
                Note(
                    "Let the application listen on 0.0.0.0 (or :: for IPv6), or on the pod's address. Where it cannot be changed, tell the sidecar to deliver to localhost:",
                    "让应用监听 0.0.0.0（IPv6 则是 ::）或者 Pod 的地址。应用改不了的话，就让 sidecar 把流量送到本机地址：",
                ),
                Patch(
                    PatchKind::Fragment,
                    r"# Sidecar resource of the server's workload
spec:
  ingress:
    - port:
        number: 8080
        name: http
        protocol: HTTP
      defaultEndpoint: 127.0.0.1:8080
",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- ss -ltn"),
                Note(
                    "In the server's pod the port is listed as `0.0.0.0:PORT` or `*:PORT` (with the Sidecar resource it may stay on 127.0.0.1), and the same request succeeds.",
                    "在服务端 Pod 里，该端口显示为 `0.0.0.0:端口` 或 `*:端口`（用了 Sidecar 资源的话可以仍是 127.0.0.1），且同一个请求成功。",
                ),
            ],
        },
        Fix {
            id: "start-and-stop",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# Deployment of the server
spec:
  template:
    spec:
      containers:
        - name: app
          readinessProbe:
            httpGet:
              path: /healthz
              port: 8080
          lifecycle:
            preStop:
              sleep:
                seconds: 10
",
                ),
                Note(
                    "The probe keeps pods out of the endpoints until the application listens; the pause keeps it listening until all proxies have dropped the endpoint. `sleep` needs Kubernetes 1.30; before, use an `exec` hook.",
                    "探针保证应用开始监听之前 Pod 不会进入 endpoint；停顿让应用在所有代理摘掉这个 endpoint 之前继续监听。`sleep` 需要 Kubernetes 1.30，更早的版本用 `exec` 钩子。",
                ),
            ],
            verify: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --since=5m | grep Connection_refused"),
                Note(
                    "Run it right after the next rollout of the server, with the access log on and clients sending requests all the time: it prints nothing, and no client saw a 503.",
                    "在服务端下一次滚动发布之后马上执行，期间要开启访问日志、客户端一直在发请求：没有输出，也没有客户端收到 503。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/deployment/application-requirements/",
        "https://istio.io/latest/docs/reference/config/networking/sidecar/#IstioIngressListener",
        "https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/",
        "Envoy source/common/network/connection_impl.cc, 1.40",
    ],
}
