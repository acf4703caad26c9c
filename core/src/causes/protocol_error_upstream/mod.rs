//! 502 UPE: the upstream's bytes are not valid for the HTTP version that this proxy speaks to it.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW5002",
    slug: "protocol-error-upstream",
    since: "0.1.0",
    error: Some(HttpProtocolError),
    conditions: &[
        (
            Certain,
            Any(&[
                ResetBefore(Reset::ProtocolError),
                ResetAfter(Reset::ProtocolError),
                Details(Word::Http1ContentLengthNotAllowed),
                Details(Word::Http1TransferEncodingNotAllowed),
                Details(Word::ProtocolError),
                UpstreamCodec(CodecFault::Malformed),
                UpstreamCodec(CodecFault::HeadersTooLarge),
                UpstreamCodec(CodecFault::TooManyHeaders),
                UpstreamCodec(CodecFault::LowVersion),
                UpstreamCodec(CodecFault::Flood),
                UpstreamCodec(CodecFault::Closing),
            ]),
        ),
        (Likely, All(&[Flag(ResponseFlag::UPE), Absent(Field::Details)])),
    ],
    suspected: &[
        Suspicion {
            when: All(&[Status(502), Absent(Field::Details), Absent(Field::Flags), Absent(Field::UpstreamHost)]),
            decide_by: "the access log has the flag `UPE`",
            decide_by_zh: "access log 里有 flag `UPE`",
        },
    ],
    confirm: &[Confirm {
        id: "protocol",
        steps: &[
            Command("kubectl get service {service} -n {service_namespace} -o custom-columns='NAME:.spec.ports[*].name,PORT:.spec.ports[*].port,PROTOCOL:.spec.ports[*].appProtocol'"),
            Command("istioctl proxy-config cluster {pod}.{namespace} --fqdn {host} --port {port} -o json | grep -nE 'http2ProtocolOptions|httpProtocolOptions|useDownstreamProtocolConfig'"),
            Note(
                "`http2ProtocolOptions` under `explicitHttpConfig` means that this proxy always speaks HTTP/2 to the upstream. The application must really do that.",
                "`explicitHttpConfig` 下出现 `http2ProtocolOptions`，说明本代理对该上游固定使用 HTTP/2，应用必须真的支持。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "port-protocol",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "spec:\n  ports:\n    - name: web\n      port: {port}\n      appProtocol: http\n",
                ),
                Note(
                    "Keep the port's existing name if other resources refer to it; `appProtocol` wins over the name. Use `http` for HTTP/1.1, `http2` or `grpc` for HTTP/2, `tcp` if it is not HTTP. If a DestinationRule sets `h2UpgradePolicy: UPGRADE`, take that away.",
                    "如果别处引用了端口名，保留原名即可，`appProtocol` 的优先级高于端口名。HTTP/1.1 写 `http`，HTTP/2 写 `http2` 或 `grpc`，不是 HTTP 就写 `tcp`。如果 DestinationRule 里有 `h2UpgradePolicy: UPGRADE`，把它去掉。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config cluster {pod}.{namespace} --fqdn {host} --port {port} -o json | grep -nE 'http2ProtocolOptions|httpProtocolOptions|useDownstreamProtocolConfig'"),
                Note(
                    "The protocol shown is the one that the application speaks. Send the failing request again: it is answered without UPE.",
                    "显示的协议与应用实际使用的一致。重新发一次失败的请求：能正常返回，没有 UPE。",
                ),
            ],
        },
        Fix {
            id: "application-response",
            applicability: Manual,
            steps: &[
                Command("kubectl port-forward -n {service_namespace} service/{service} {port}:{port}"),
                Command("curl -v --http1.1 http://127.0.0.1:{port}/"),
                Note(
                    "Run the second command in another terminal, with the failing path: it asks the application without any proxy. Look for more than 100 headers, Content-Length with a 204 or with Transfer-Encoding, a body shorter than Content-Length, header names or values with forbidden characters, and correct the application.",
                    "第二条命令在另一个终端里执行，路径换成出错的路径，这样是绕过代理直接访问应用。检查：响应头是否超过 100 个、204 是否带了 Content-Length、Content-Length 与 Transfer-Encoding 是否并存、响应体是否比 Content-Length 短、响应头名或值是否有非法字符，然后在应用里改正。",
                ),
            ],
            verify: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=5m | grep -cF 'protocol_error}'"),
                Note(
                    "After the failing request was sent again, the command prints 0 and the request is answered completely.",
                    "重新发送失败的请求之后，命令输出 0，响应完整返回。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/",
        "https://github.com/envoyproxy/envoy/issues/34472",
        "Envoy source/common/http/http1/codec_impl.cc, 1.40",
    ],
}
