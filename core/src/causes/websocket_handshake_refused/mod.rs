//! websocket_handshake_unsuccessful: the upstream answered an upgrade request with something other than 101.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW5014",
    slug: "websocket-handshake-refused",
    since: "0.1.0",
    error: None,
    conditions: &[(Certain, Details(Word::WebsocketHandshakeUnsuccessful))],
    confirm: &[
        Confirm {
            id: "handshake",
            steps: &[
                Command("kubectl port-forward -n {service_namespace} service/{service} {port}:{port}"),
                Command("curl -i -N --http1.1 -m 5 -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' http://127.0.0.1:{port}/"),
                Note(
                    "Run the second command in another terminal with the failing path, query, cookies and `Origin`: it asks the application without a proxy. 101 means that the application accepts, so a hop in between changes the request; any other status is the application's own answer, and its headers and body say why.",
                    "第二条命令在另一个终端里执行，路径、查询参数、Cookie 和 `Origin` 都要与出错的请求一致，这样是绕过代理直接访问应用。返回 101 说明应用接受，那就是中间某一跳改了请求；其他状态码就是应用自己的回答，看响应头和 body 里写的原因。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "path-and-login",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# VirtualService: the websocket's path goes to the websocket server, unchanged
spec:
  http:
    - match:
        - uri:
            prefix: /ws
      route:
        - destination:
            host: {host}
            port:
              number: {port}
    - route:
        - destination:
            host: web.shop.svc.cluster.local
",
                ),
                Note(
                    "200 with a page usually means that the request reached another application or path; 301 or 302, that it is sent to a login page or to https, which websocket clients do not follow: let the client use the final `wss://` address and send its cookie or token. Rewrites must keep what the server expects.",
                    "返回 200 和一个页面，多半是请求到了别的应用或路径；返回 301 或 302，是被重定向到登录页或 https，而 websocket 客户端不会跟随重定向：让客户端直接用最终的 `wss://` 地址，并带上 Cookie 或 token。有 rewrite 的话，要保留服务端期望的路径。",
                ),
            ],
            verify: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=5m | grep -E ' 101 |websocket_handshake'"),
                Note(
                    "After the client connected again and closed, its line has 101. `101 UC` is a normal end, too.",
                    "客户端重新连接并关闭之后，它的那一行是 101。`101 UC` 也是正常结束。",
                ),
            ],
        },
        Fix {
            id: "server-accepts",
            applicability: Manual,
            steps: &[Note(
                "In the application look at what decides the handshake: allowed origins, sub-protocols, version, authentication, and whether a reverse proxy behind this one passes `Upgrade` and `Connection` on (nginx does so only when told: `proxy_set_header Upgrade $http_upgrade`).",
                "检查应用里决定握手结果的地方：允许的 Origin、子协议、版本、认证，以及本代理后面的反向代理有没有透传 `Upgrade` 和 `Connection`（nginx 要显式配置 `proxy_set_header Upgrade $http_upgrade`）。",
            )],
            verify: &[Note(
                "The command of the confirmation gets 101, and so does the client through the proxy.",
                "用确认步骤里的命令能得到 101，客户端经过代理也是 101。",
            )],
        },
    ],
    sources: &[
        "https://www.rfc-editor.org/rfc/rfc6455#section-4.1",
        "https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/http/upgrades",
        "Envoy source/common/router/upstream_codec_filter.cc, 1.31 and 1.40",
    ],
}
