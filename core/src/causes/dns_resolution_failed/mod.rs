//! 503 DF: the dynamic forward proxy could not resolve the host that was asked for.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW3007",
    slug: "dns-resolution-failed",
    since: "0.1.0",
    error: Some(DnsError),
    conditions: &[
        (
            Certain,
            Any(&[
                Family(details::Family::DnsResolution),
                Details(Word::NoHost),
                Details(Word::EmptyHostHeader),
                Details(Word::SubClusterWarmingTimeout),
            ]),
        ),
        (Likely, All(&[Flag(ResponseFlag::DF), Absent(Field::Details)])),
    ],
    confirm: &[
        Confirm {
            id: "lookup",
            steps: &[
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- getent hosts {host}"),
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- cat /etc/resolv.conf"),
                Note(
                    "The proxy asks the servers of its own pod, and only for the family that it is set to. The distroless image has no `getent`: use `kubectl debug` with a DNS tool.",
                    "代理用的是它自己 Pod 里的 DNS 服务器，而且只查所配置的地址族。distroless 镜像没有 `getent`，用 `kubectl debug` 带上 DNS 工具。",
                ),
            ],
        },
        Confirm {
            id: "configuration",
            steps: &[
                Command("kubectl get serviceentries -A -o yaml | grep -nE -B12 'resolution: DYNAMIC_DNS'"),
                Command("istioctl proxy-config clusters {pod}.{namespace} -o json | grep -E 'dnsLookupFamily|dnsCacheConfig|dynamic_forward_proxy'"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "name",
            applicability: Manual,
            steps: &[Note(
                "Correct the host in the client's request: the proxy resolves the Host header or SNI as it stands, so a typing error, a short name without its search domain, or an empty Host all end here. A name that exists only in a private zone needs a DNS server that knows the zone: forward it in CoreDNS.",
                "改正客户端请求里的 host：代理会原样解析 Host 请求头或 SNI，拼写错误、没有搜索域的短名字、空的 Host 都会走到这里。只存在于内网域的名字，要在 CoreDNS 里把该域转发给认识它的 DNS 服务器。",
            )],
            verify: &[
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- getent hosts {host}"),
                Note(
                    "It prints an address, and the same request succeeds once the failed entry has left the proxy's DNS cache.",
                    "能输出地址；等代理 DNS 缓存里的失败条目过期后，同一个请求成功。",
                ),
            ],
        },
        Fix {
            id: "fixed-host",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    service_entry!("external-host", "{host}", "{port}", "tls", "TLS"),
                ),
                Note(
                    "For hosts that are known: the proxy then resolves them in the background and keeps the last addresses when DNS fails. Write `HTTP` for plaintext.",
                    "适用于已知的 host：代理会在后台解析，DNS 出故障时沿用上一次的地址。明文用 `HTTP`。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace} --cluster 'outbound|{port}||{host}'"),
                Note(
                    "The host's addresses are listed, and the same request succeeds.",
                    "能看到该 host 的地址，且同一个请求成功。",
                ),
            ],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/http/http_proxy",
        "https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/dns_resolution",
        "https://istio.io/latest/docs/reference/config/networking/service-entry/#ServiceEntry-Resolution",
        "Envoy source/extensions/filters/http/dynamic_forward_proxy/proxy_filter.cc, 1.40",
    ],
}
