//! 401 or 403 jwt_authn_access_denied: the token of the request was refused, or there was none.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW6002",
    slug: "jwt-rejected",
    since: "0.1.0",
    error: Some(HttpRequestDenied),
    conditions: &[
        (Certain, All(&[Family(details::Family::JwtDenied), Not(&Details(Word::JwksRemoteFetchFailed))])),
        (
            Likely,
            All(&[Status(401), Absent(Field::Details), Absent(Field::Flags), Absent(Field::UpstreamHost), DurationBelow(1000)]),
        ),
    ],
    suspected: &[
        Suspicion {
            when: All(&[Any(&[Status(401), Status(403)]), Absent(Field::Details), Absent(Field::Flags), Absent(Field::UpstreamHost)]),
            decide_by: "the access log has `jwt_authn_access_denied{…}`",
            decide_by_zh: "access log 里是 `jwt_authn_access_denied{…}`",
        },
    ],
    confirm: &[
        Confirm {
            id: "rules",
            steps: &[
                Command("kubectl get requestauthentications -A"),
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -E -A3 '\"(issuer|audiences)\"'"),
                Note(
                    "The second shows the issuers and audiences that this proxy really accepts.",
                    "第二条显示本代理实际接受的 issuer 和 audience。",
                ),
            ],
        },
        Confirm {
            id: "claims",
            steps: &[
                Command("printf '%s' \"$TOKEN\" | cut -d. -f2 | tr '_-' '/+' | base64 -d"),
                Command("date -u +%s"),
                Note(
                    "Put the caller's token into `TOKEN` first; a complaint of `base64` about the end is harmless. Compare `iss` and `aud` with the rules, and `exp` and `nbf` with the present time in seconds.",
                    "先把调用方的 token 放进环境变量 `TOKEN`；`base64` 对末尾的报错可以忽略。把 `iss`、`aud` 与规则对照，把 `exp`、`nbf` 与当前时间（秒）对照。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "token",
            applicability: Manual,
            steps: &[Note(
                "Let the caller send a current token of a configured issuer as `Authorization: Bearer TOKEN`. Expired: renew it before it ends. Not yet valid: correct the clock of the issuer or of this node. Wrong audience (403): request the token for this service. Several tokens in one request: keep one.",
                "让调用方以 `Authorization: Bearer TOKEN` 的形式携带已配置 issuer 签发的有效 token。已过期：在到期前续签；尚未生效：校正签发方或本节点的时钟；audience 不对（403）：为本服务重新申请 token；一个请求里带了多个 token：只留一个。",
            )],
            verify: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=1m | grep jwt_authn_access_denied"),
                Note(
                    "No line for the new request, and the caller gets the application's own status.",
                    "新请求不再产生这样的日志，调用方拿到的是应用自己的状态码。",
                ),
            ],
        },
        Fix {
            id: "rule",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "spec:\n  jwtRules:\n    - issuer: https://login.example.com/\n      audiences:\n        - shop-api\n      jwksUri: https://login.example.com/.well-known/jwks.json\n      forwardOriginalToken: true\n",
                ),
                Note(
                    "Merge into the RequestAuthentication. `issuer` must equal the claim `iss` letter by letter, the last slash included. Use `jwksUri` and not inline `jwks` where the issuer rotates its keys; istiod reads it again every 20 minutes.",
                    "合并到 RequestAuthentication。`issuer` 必须与 `iss` 声明逐字符一致，包括末尾的斜杠。签发方会轮换密钥时用 `jwksUri`，不要内联 `jwks`；istiod 每 20 分钟重新读取一次。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -E -A3 '\"(issuer|audiences)\"'"),
                Note(
                    "The proxy has the new rule, and the same token is accepted.",
                    "代理上已是新规则，同一个 token 能通过。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/security/request_authentication/",
        "https://istio.io/latest/docs/ops/common-problems/security-issues/",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/jwt_authn_filter",
        "Envoy source/extensions/filters/http/jwt_authn/filter.cc and source/common/jwt/status.cc, 1.40",
    ],
}
