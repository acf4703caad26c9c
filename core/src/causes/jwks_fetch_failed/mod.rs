//! 401 Jwks_remote_fetch_is_failed: nobody could get the keys with which tokens are checked.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW6003",
    slug: "jwks-fetch-failed",
    since: "0.1.0",
    error: Some(ProxyConfigurationError),
    conditions: &[(Certain, Any(&[Details(Word::JwksRemoteFetchFailed), Event(event::Event::JwksFetchFailed)]))],
    confirm: &[
        Confirm {
            id: "istiod-log",
            steps: &[
                Command("kubectl logs -n istio-system deployment/istiod -c discovery | grep -i jwks"),
                Note(
                    "Lines such as `JWKS fetch failed for issuer` name the address and the error: istiod is the one that fetches.",
                    "出现 `JWKS fetch failed for issuer` 之类的日志，里面有地址和错误：说明是由 istiod 获取密钥。",
                ),
            ],
        },
        Confirm {
            id: "who-fetches",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -A8 -E '\"(remoteJwks|localJwks)\"'"),
                Note(
                    "`remoteJwks`: this proxy fetches, through the cluster shown there. `localJwks`: istiod fetched and put the keys in; a modulus that begins with `0xObjM0UvS_oaazjp` (in older releases base64 of `Error-IstiodFailedToFetchJwksUri-`) is istiod's stand-in after a failure.",
                    "`remoteJwks`：由本代理通过其中的 cluster 获取。`localJwks`：istiod 获取后内联进来；如果模数以 `0xObjM0UvS_oaazjp` 开头（旧版本是 `Error-IstiodFailedToFetchJwksUri-` 的 base64），就是 istiod 获取失败后下发的占位密钥。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "istiod-reaches",
            applicability: Manual,
            steps: &[
                Command("kubectl run jwks-check --rm -i --restart=Never -n istio-system --image=curlimages/curl --command -- curl -sSI https://login.example.com/.well-known/jwks.json"),
                Note(
                    "Put in the `jwksUri` of the RequestAuthentication. What curl complains of (DNS, timeout, certificate, status) is what to repair: NetworkPolicy and firewall for istiod, its DNS, or the address itself. If curl gets the keys, see whether istiod's `BLOCKED_CIDRS_IN_JWKS_URIS` forbids the address. From inside the cluster an address that only resolves outside does not work; one inside the mesh that insists on mTLS does not either, since istiod has no sidecar.",
                    "把地址换成 RequestAuthentication 里的 `jwksUri`。curl 报什么（DNS、超时、证书、状态码）就修什么：istiod 的 NetworkPolicy 和防火墙、DNS，或者地址本身。如果 curl 能拿到密钥，就看 istiod 的 `BLOCKED_CIDRS_IN_JWKS_URIS` 是否禁止了这个地址。只能在集群外解析的地址，在集群内用不了；强制 mTLS 的网格内服务也不行，因为 istiod 没有 sidecar。",
                ),
            ],
            verify: &[
                Command("kubectl logs -n istio-system deployment/istiod -c discovery --since=5m | grep -i 'jwks fetch failed'"),
                Note(
                    "No new lines; after a failure istiod tries again in growing steps, from a minute on, and a request with a valid token then succeeds.",
                    "没有新的日志。失败后 istiod 会从一分钟起逐步拉长间隔重试，恢复后带有效 token 的请求就能通过。",
                ),
            ],
        },
        Fix {
            id: "issuer-ca",
            applicability: Review,
            steps: &[
                Command("helm upgrade istiod istio/istiod -n istio-system --reuse-values --set-file pilot.jwksResolverExtraRootCA=issuer-ca.pem"),
                Note(
                    "Only if the error is about the certificate and the issuer's is from a private authority.",
                    "仅适用于报证书错误、且签发方证书来自私有 CA 的情况。",
                ),
            ],
            verify: &[
                Command("kubectl logs -n istio-system deployment/istiod -c discovery --since=5m | grep -i 'jwks fetch failed'"),
                Note("No new lines about the certificate.", "没有新的证书报错。"),
            ],
        },
        Fix {
            id: "proxy-reaches",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    service_entry!("token-issuer", "login.example.com", "443", "https", "HTTPS"),
                ),
                Patch(
                    PatchKind::Resource,
                    "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata:\n  name: token-issuer\n  namespace: {namespace}\nspec:\n  host: login.example.com\n  workloadSelector:\n    matchLabels:\n      app: {workload}\n  trafficPolicy:\n    tls:\n      mode: SIMPLE\n      sni: login.example.com\n",
                ),
                Note(
                    "For `remoteJwks` only. The proxy's own fetch is plain HTTP until the DestinationRule turns it into TLS; an application of this workload that calls the same host with `https://` by itself would then be encrypted twice.",
                    "只针对 `remoteJwks`。代理自己获取密钥时发的是明文 HTTP，靠 DestinationRule 才变成 TLS；如果这个工作负载的应用自己也用 `https://` 访问同一个域名，就会变成双重 TLS。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace} --cluster 'outbound|443||login.example.com'"),
                Note(
                    "The cluster has a healthy endpoint, and a request with a valid token no longer gets 401.",
                    "该 cluster 有健康的 endpoint，带有效 token 的请求不再返回 401。",
                ),
            ],
        },
        Fix {
            id: "inline-keys",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "spec:\n  jwtRules:\n    - issuer: https://login.example.com/\n      jwks: '{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"KEY-ID\",\"e\":\"AQAB\",\"n\":\"MODULUS\"}]}'\n",
                ),
                Note(
                    "Put in the key set that the issuer publishes. Nobody fetches anything any more, and every rotation of the keys needs a change here.",
                    "把签发方公布的密钥集填进去。之后不再有人去获取密钥，签发方每次轮换密钥都要改这里。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -A4 '\"localJwks\"'"),
                Note(
                    "The proxy has these keys, and a request with a valid token succeeds.",
                    "代理上就是这份密钥，带有效 token 的请求能通过。",
                ),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/security/request_authentication/",
        "https://istio.io/latest/docs/reference/commands/pilot-discovery/",
        "https://github.com/istio/istio/issues/45138",
        "https://github.com/envoyproxy/envoy/issues/26500",
        "Istio pilot/pkg/model/jwks_resolver.go, 1.30",
        "Envoy source/extensions/filters/http/jwt_authn/authenticator.cc, 1.40",
    ],
}
