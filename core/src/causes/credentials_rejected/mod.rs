//! 401 or 403 of an authentication filter other than JWT: API key, basic auth, OAuth2, CSRF, certificate digest.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW6012",
    slug: "credentials-rejected",
    since: "0.1.0",
    error: Some(HttpRequestDenied),
    conditions: &[
        (
            Certain,
            Any(&[
                Details(Word::MissingKeySources),
                Details(Word::MissingCredentials),
                Details(Word::MissingApiKey),
                Details(Word::UnknownApiKey),
                Details(Word::UnkonwnApiKey),
                Details(Word::ClientNotAllowed),
                Details(Word::NoCredentialForBasicAuth),
                Details(Word::InvalidSchemeForBasicAuth),
                Details(Word::InvalidFormatForBasicAuth),
                Details(Word::InvalidCredentialForBasicAuth),
                Details(Word::FailedToInjectCredential),
                Details(Word::BoundTokenFingerprintUnavailable),
                Details(Word::IamTokenConfigError),
                Details(Word::IamTokenResolutionFailed),
                Details(Word::CsrfOriginMismatch),
                Details(Word::AuthDigestNoMatch),
                Family(details::Family::OauthFailure),
                Closed(CloseReason::Credentials),
            ]),
        ),
    ],
    confirm: &[Confirm {
        id: "filter",
        steps: &[
            Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -E 'envoy.filters.http.(api_key_auth|basic_auth|oauth2|csrf|credential_injector|gcp_authn)'"),
            Command("kubectl get envoyfilters -A -o json | grep -n -E 'api_key_auth|basic_auth|oauth2|csrf|credential_injector'"),
            Note(
                "The filter that the details point to is there. Istio inserts none of them by itself: the second command finds who did.",
                "能找到 details 对应的过滤器。Istio 自己不会加这些过滤器，第二条命令可以找到是谁加的。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "caller",
            applicability: Manual,
            steps: &[Note(
                "Let the caller send what the filter looks for. API key: in the header, query parameter or cookie that the filter reads, and a client that the route allows. Basic auth: `Authorization: Basic` and base64 of `user:password`. CSRF: a browser page of the same host, or of one listed under `additional_origins`.",
                "让调用方带上过滤器要的凭证。API key：放在过滤器读取的请求头、查询参数或 cookie 里，并且该客户端在路由的允许列表中。Basic auth：`Authorization: Basic` 加 `user:password` 的 base64。CSRF：请求来自同一域名的页面，或列在 `additional_origins` 里的来源。",
            )],
            verify: &[
                Command("kubectl logs {pod} -n {namespace} -c istio-proxy --since=1m | grep -E ' 40[13] '"),
                Note("The request no longer appears with these details.", "该请求不再以这些 details 出现。"),
            ],
        },
        Fix {
            id: "secrets",
            applicability: Manual,
            steps: &[Note(
                "If the proxy lacks its own secret (`OAuth2 secrets are not ready`, `failed_to_inject_credential`, `missing_credentials`): create the Secret or file that the filter's SDS configuration names. If the sign-in fails with an OAuth2 text: client id and secret, the token endpoint's cluster, the redirect URI registered with the provider, and cookies that reach the same host over HTTPS.",
                "如果是代理自己缺密钥（`OAuth2 secrets are not ready`、`failed_to_inject_credential`、`missing_credentials`）：创建过滤器 SDS 配置引用的 Secret 或文件。如果登录失败并带 OAuth2 的文字：检查 client id 和 secret、token 端点的 cluster、在身份提供方登记的回调地址，以及 cookie 能否经 HTTPS 回到同一域名。",
            )],
            verify: &[
                Command("istioctl proxy-config secret {pod}.{namespace}"),
                Note("The secret is ACTIVE; signing in once in a fresh browser window succeeds.", "secret 为 ACTIVE；在新的浏览器窗口里能登录成功。"),
            ],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/api_key_auth_filter",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/basic_auth_filter",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/oauth2_filter",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/csrf_filter",
        "Envoy source/extensions/filters/http/api_key_auth/api_key_auth.cc and oauth2/filter.cc, 1.40",
    ],
}
