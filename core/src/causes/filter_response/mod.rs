//! A filter other than Envoy's own policy filters answered the request itself.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW6014",
    slug: "filter-response",
    since: "0.1.0",
    error: None,
    conditions: &[
        (
            Certain,
            Any(&[
                Details(Word::LuaResponse),
                Details(Word::DynamicModule),
                Details(Word::ExtProcLocalResponse),
                Details(Word::InvalidCdnLoopHeader),
                Details(Word::CdnLoopDetected),
                Details(Word::NoChecksumForPath),
                Details(Word::ChecksumButNoBody),
                Details(Word::MismatchedChecksum),
                Details(Word::WasmCloseStream),
                Details(Word::RejectingBecauseDetectionFailed),
                Family(details::Family::A2a),
                Family(details::Family::AiProtocol),
                Family(details::Family::FileServer),
                Family(details::Family::Mcp),
                Family(details::Family::ReverseTunnel),
            ]),
        ),
    ],
    confirm: &[Confirm {
        id: "filters",
        steps: &[
            Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -E '\"name\": \"(envoy.filters.http|extensions.istio.io|extenstions.istio.io)'"),
            Command("kubectl get envoyfilters,wasmplugins -A"),
            Note(
                "The filters of this proxy in their order, and the resources that add filters. On Istio 1.30 and later look at `kubectl get trafficextensions -A`, too.",
                "本代理的过滤器及其顺序，以及会加过滤器的资源。Istio 1.30 起还要看 `kubectl get trafficextensions -A`。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "read-filter",
            applicability: Manual,
            steps: &[Note(
                "Read what the filter says in body and log, then its script, module or configuration: the condition under which it answers is there and not in Istio. Change the request or the condition.",
                "先看过滤器在响应体和日志里说了什么，再看它的脚本、模块或配置：在什么条件下应答写在那里，不在 Istio 里。修改请求，或者修改条件。",
            )],
            verify: &[Note(
                "The same request gets the application's own answer with `via_upstream`.",
                "同样的请求得到应用自己的响应，details 为 `via_upstream`。",
            )],
        },
        Fix {
            id: "take-out",
            applicability: Review,
            steps: &[
                Command("kubectl get envoyfilter ENVOYFILTER -n {namespace} -o yaml > envoyfilter-backup.yaml"),
                Command("kubectl delete envoyfilter ENVOYFILTER -n {namespace}"),
                Note(
                    "To prove which filter it is, where a short time without it does no harm; `kubectl apply -f envoyfilter-backup.yaml` brings it back. A WasmPlugin or TrafficExtension goes the same way.",
                    "用来证明到底是哪个过滤器，前提是短时间没有它不要紧；`kubectl apply -f envoyfilter-backup.yaml` 可以恢复。WasmPlugin 和 TrafficExtension 同理。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json | grep -E '\"name\": \"(envoy.filters.http|extensions.istio.io|extenstions.istio.io)'"),
                Note("The filter is gone from the list, and so are its answers.", "列表里没有这个过滤器了，它的响应也不再出现。"),
            ],
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/lua_filter",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/http_filters",
        "https://istio.io/latest/docs/reference/config/proxy_extensions/wasm-plugin/",
        "Envoy source/extensions/filters/http/lua/lua_filter.cc, 1.40",
    ],
}
