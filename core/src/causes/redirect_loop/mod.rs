//! A redirect leads to an address that redirects again.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW2007",
    slug: "redirect-loop",
    since: "0.1.0",
    error: None,
    conditions: &[(Certain, Event(event::Event::RedirectLoop))],
    confirm: &[
        Confirm {
            id: "hops",
            steps: &[
                Command("curl -sIL --max-redirs 5 https://{host}/ | grep -iE '^(HTTP|location|server)'"),
                Note(
                    "The same `location` again and again is the loop. `server: istio-envoy` alone does not prove that the gateway redirects; the access log does: `301 - direct_response` is a route of this proxy, `301 - via_upstream` the application.",
                    "同一个 `location` 反复出现就是循环。只看 `server: istio-envoy` 不能证明是网关在重定向，要看访问日志：`301 - direct_response` 是这个代理的路由，`301 - via_upstream` 是应用。",
                ),
            ],
        },
        Confirm {
            id: "rules",
            steps: &[
                Command("kubectl get gateways.networking.istio.io -A -o yaml | grep -nE 'name:|protocol:|httpsRedirect:|number:'"),
                Command("kubectl get virtualservices -A -o yaml | grep -nE -A6 'redirect:'"),
                Command("kubectl get httproutes -A -o yaml | grep -nE -A8 'requestRedirect:'"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "trust-load-balancer",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# Deployment of the gateway
spec:
  template:
    metadata:
      annotations:
        proxy.istio.io/config: |
          gatewayTopology:
            numTrustedProxies: 1
",
                ),
                Note(
                    "The gateway then keeps the `X-Forwarded-Proto: https` of the load balancer instead of overwriting it with `http`. The number is that of the trusted proxies in front. The load balancer must set the header (an HTTP one does, a TCP or TLS one does not) and clients must not be able to go around it.",
                    "之后网关会保留负载均衡写入的 `X-Forwarded-Proto: https`，不再覆盖成 `http`。数字是前面可信代理的层数。前提是负载均衡会设置这个请求头（七层会，四层 TCP/TLS 不会），并且客户端绕不过它。",
                ),
            ],
            verify: &[
                Command("curl -sIL --max-redirs 5 https://{host}/ | grep -iE '^(HTTP|location)'"),
                Note(
                    "The chain ends with the application's own status; `http://` is redirected just once.",
                    "重定向最后停在应用自己的状态码上；访问 `http://` 只跳转一次。",
                ),
            ],
        },
        Fix {
            id: "redirect-elsewhere",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    r"# Gateway behind a load balancer that has already ended TLS
spec:
  servers:
    - port:
        number: 80
        name: http
        protocol: HTTP
      hosts:
        - {host}
      tls:
        httpsRedirect: false
",
                ),
                Note(
                    "Let the load balancer redirect `http://`, or send its port 443 to another port of the gateway that does not redirect.",
                    "由负载均衡来做 `http://` 的跳转，或者让它的 443 端口转发到网关上另一个不做跳转的端口。",
                ),
            ],
            verify: &[
                Command("curl -sIL --max-redirs 5 https://{host}/ | grep -iE '^(HTTP|location)'"),
                Note(
                    "No redirect of the gateway is left for `https://`.",
                    "访问 `https://` 时网关不再跳转。",
                ),
            ],
        },
        Fix {
            id: "rule-target",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                r"# VirtualService: the target of the redirect must have a rule of its own before it
spec:
  http:
    - match:
        - uri:
            prefix: /oauth2/login
      route:
        - destination:
            host: {host}
    - match:
        - uri:
            prefix: /
      redirect:
        uri: /oauth2/login
",
            )],
            verify: &[
                Command("istioctl proxy-config routes {pod}.{namespace}"),
                Note(
                    "The target's path is listed with a cluster, and the chain of redirects ends there.",
                    "跳转目标的 path 对应到一个 cluster，重定向到此为止。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/configuration/traffic-management/network-topologies/",
        "https://github.com/istio/istio/issues/16778",
        "https://github.com/istio/istio/issues/27315",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-proto",
    ],
}
