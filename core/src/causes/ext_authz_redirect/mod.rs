//! 302 UAEX ext_authz_denied: the external authorizer sent the client to a login page.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW6005",
    slug: "ext-authz-redirect",
    since: "0.1.0",
    error: None,
    conditions: &[
        (
            Certain,
            Any(&[
                All(&[Details(Word::ExtAuthzDenied), StatusClass(3)]),
                All(&[Flag(ResponseFlag::UAEX), StatusClass(3), Absent(Field::Details)]),
            ]),
        ),
    ],
    confirm: &[Confirm {
        id: "location",
        steps: &[
            Command("curl -sS -o /dev/null -D - http://{host}:{port}/"),
            Note(
                "Send it the way the client comes in (for a gateway: its address, scheme and path). `location` is the login page, `set-cookie` begins the session. In a browser: the redirects end at the application.",
                "按客户端的实际入口发（网关则用网关的地址、协议和路径）。`location` 是登录页，`set-cookie` 开始会话。在浏览器里，最终应当跳转回应用。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "exempt",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "spec:\n  action: CUSTOM\n  provider:\n    name: PROVIDER\n  rules:\n    - to:\n        - operation:\n            notPaths:\n              - /healthz\n              - /api/*\n",
                ),
                Note(
                    "Merge into the AuthorizationPolicy with action CUSTOM: probes, webhooks and API clients that cannot sign in are no longer sent to the login page. Protect the paths otherwise, for instance by a token.",
                    "合并到动作为 CUSTOM 的 AuthorizationPolicy：无法登录的探针、webhook、API 客户端不再被送去登录页。这些路径要另行保护，例如用 token。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep 'istio-ext-authz-ns'"),
                Note(
                    "The proxy has the policy under this name; the client gets the application's own status, and a browser on another path is still asked to sign in.",
                    "代理上有这个名字的策略；客户端拿到应用自己的状态码，而浏览器访问其他路径仍然要登录。",
                ),
            ],
        },
        Fix {
            id: "session",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "meshConfig:\n  extensionProviders:\n    - name: PROVIDER\n      envoyExtAuthzHttp:\n        service: AUTHORIZER.NAMESPACE.svc.cluster.local\n        port: 4180\n        includeRequestHeadersInCheck:\n          - authorization\n          - cookie\n        headersToDownstreamOnDeny:\n          - content-type\n          - set-cookie\n        headersToDownstreamOnAllow:\n          - set-cookie\n",
                ),
                Note(
                    "Without `cookie` the authorizer never sees that the user has signed in and redirects for ever. The callback path must lead to the authorizer, and the cookie's domain must cover the application's host.",
                    "不转发 `cookie`，外部授权服务就永远不知道用户已登录，会一直重定向。另外回调路径要能到达外部授权服务，cookie 的 domain 要覆盖应用的域名。",
                ),
            ],
            verify: &[Note(
                "After signing in once in a fresh browser window, the application's page appears and the access log shows 200 with `via_upstream`.",
                "在新的浏览器窗口里登录一次后能看到应用页面，访问日志是 200 和 `via_upstream`。",
            )],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/tasks/security/authorization/authz-custom/",
        "https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/",
        "https://oauth2-proxy.github.io/oauth2-proxy/",
        "Envoy source/extensions/filters/http/ext_authz/ext_authz.cc, 1.40",
    ],
}
