//! The words of a way through a proxy.

use meshwhy_core::Lang;

use super::destination::{ClusterState, Destination};
use super::listener::ListenerReason;
use super::{DomainMiss, Request};
use crate::config::{FilterChainMatch, HttpConnectionManager, RedirectAction, Route, RouteAction};
use crate::proto_json::{Any, Object, Text};
use crate::words::say;

/// Filters that may change headers, choose the route anew or answer by themselves: what they do is not known here.
const MEDDLING: [&str; 7] =
    [".ExtAuthz", ".ExternalProcessor", ".Lua", ".Wasm", ".HeaderMutation", ".golang.v3alpha.Config", ".JwtAuthentication"];

pub(super) fn listener(reason: ListenerReason, port: u16, lang: Lang) -> String {
    match reason {
        ListenerReason::Named => say!(lang, "as asked", "按指定名称"),
        ListenerReason::Address => say!(lang, "it has this very address", "地址完全一致"),
        ListenerReason::ServesHost => say!(
            lang,
            "it leads to this host; assumed that the host's name has its address",
            "它通向该主机；假定该主机名解析到它的地址"
        ),
        ListenerReason::Port => say!(lang, "port {port}, all addresses", "端口 {port}，所有地址"),
        ListenerReason::OnlyOne => say!(
            lang,
            "the only one of port {port}; assumed that the host's name has its address",
            "端口 {port} 唯一的监听器；假定该主机名解析到它的地址"
        ),
        ListenerReason::CatchAll => say!(lang, "no other listener has port {port}", "没有其他监听器使用端口 {port}"),
        ListenerReason::MappedPort => say!(
            lang,
            "nothing listens on {port}; assumed that the Service maps it here as Istio's gateways do (--port says otherwise)",
            "没有监听端口 {port}；假定 Service 像 Istio 网关那样映射到此处（可用 --port 指定）"
        ),
    }
}

/// What a chain wants of a connection, in Envoy's words.
pub(super) fn criteria(criteria: &FilterChainMatch<'_>) -> String {
    let mut words = Vec::new();
    if let Some(port) = criteria.destination_port {
        words.push(format!("port {port}"));
    }
    if !criteria.prefix_ranges.is_empty() {
        let ranges: Vec<String> =
            criteria.prefix_ranges.iter().map(|range| format!("{}/{}", &*range.address_prefix, range.prefix_len)).collect();
        words.push(ranges.join(", "));
    }
    if !criteria.server_names.is_empty() {
        let names: Vec<&str> = criteria.server_names.iter().map(|name| &**name).collect();
        words.push(format!("SNI {}", names.join(", ")));
    }
    if !criteria.transport_protocol.is_empty() {
        words.push(criteria.transport_protocol.to_string());
    }
    if !criteria.application_protocols.is_empty() {
        let names: Vec<&str> = criteria.application_protocols.iter().map(|name| &**name).collect();
        words.push(format!("ALPN {}", names.join(", ")));
    }
    words.join(", ")
}

/// The filters before the router whose work is not known here.
pub(super) fn meddling_filters(manager: &HttpConnectionManager<'_>, lang: Lang) -> Option<String> {
    let meddles = |filter: &&crate::config::Filter<'_>| {
        !filter.disabled && (filter.config_discovery.is_some() || MEDDLING.iter().any(|kind| filter.is(kind)))
    };
    let names: Vec<&str> = manager.http_filters.iter().filter(meddles).map(|filter| &*filter.name).collect();
    let list = names.join(", ");
    (!names.is_empty()).then(|| {
        say!(
            lang,
            "Filters before the router may answer the request themselves, or change its headers and so its route: {list}.",
            "路由之前的过滤器可能自行应答，或修改请求头从而改变路由：{list}。"
        )
    })
}

/// `VirtualService shop/pay` for `/apis/networking.istio.io/v1/namespaces/shop/virtual-service/pay`.
pub(crate) fn resource(config: &str) -> Option<String> {
    let (_, rest) = config.split_once("/namespaces/")?;
    let mut parts = rest.split('/');
    let (namespace, kind, name) = (parts.next()?, parts.next()?, parts.next()?);
    let kind: String = kind
        .split('-')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
        })
        .collect();
    Some(format!("{kind} {namespace}/{name}"))
}

pub(super) fn route_name(index: usize, route: &Route<'_>, lang: Lang) -> String {
    let number = index + 1;
    let name = &*route.name;
    let resource = route.metadata.config().and_then(resource).map(|resource| format!(" ({resource})")).unwrap_or_default();
    if name.is_empty() {
        say!(lang, "route {number}{resource}", "第 {number} 条路由{resource}")
    } else {
        say!(lang, "route {number} `{name}`{resource}", "第 {number} 条路由 `{name}`{resource}")
    }
}

pub(super) fn redirection(redirect: &RedirectAction<'_>, request: &Request) -> String {
    let scheme = match (redirect.https_redirect, &*redirect.scheme_redirect) {
        (true, _) => "https",
        (false, "") if request.tls => "https",
        (false, "") => "http",
        (false, scheme) => scheme,
    };
    let host = if redirect.host_redirect.is_empty() { &request.authority } else { &*redirect.host_redirect };
    let port = redirect.port_redirect.map(|port| format!(":{port}")).unwrap_or_default();
    let path = if redirect.path_redirect.is_empty() { &request.path } else { &*redirect.path_redirect };
    format!("{scheme}://{host}{port}{path}")
}

/// What becomes of path and authority on the way.
pub(super) fn rewrites(action: &RouteAction<'_>, lang: Lang) -> Vec<String> {
    let (prefix, host, timeout) = (&*action.prefix_rewrite, &*action.host_rewrite_literal, &*action.timeout);
    let mut remarks = Vec::new();
    if !prefix.is_empty() {
        remarks.push(say!(lang, "The matched part of the path becomes `{prefix}`.", "匹配到的路径部分会改写为 `{prefix}`。"));
    }
    if !host.is_empty() {
        remarks.push(say!(lang, "The authority becomes `{host}`.", "authority 会改写为 `{host}`。"));
    }
    if !matches!(timeout, "" | "0s") {
        remarks.push(say!(lang, "The answer may take {timeout}.", "应答时限为 {timeout}。"));
    }
    remarks
}

/// What Istio's virtual hosts for everything else mean.
pub(super) fn unregistered(virtual_host: &str, lang: Lang) -> Option<String> {
    match virtual_host {
        "block_all" => Some(say!(
            lang,
            "This proxy knows no such host: outboundTrafficPolicy is REGISTRY_ONLY, and no Service or ServiceEntry that it sees has the host and port.",
            "此代理不认识该主机：outboundTrafficPolicy 为 REGISTRY_ONLY，且它可见的 Service 和 ServiceEntry 中都没有该主机和端口。"
        )),
        "allow_any" => Some(say!(
            lang,
            "This proxy knows no such host: it passes the request on unchanged, without mesh TLS and without the rules of the mesh.",
            "此代理不认识该主机：请求会原样转发，不使用网格 mTLS，网格规则也不生效。"
        )),
        _ => None,
    }
}

/// The fault that a route injects.
pub(super) fn fault(route: &Route<'_>, lang: Lang) -> Option<String> {
    let fault: Object<'_> = route.typed_per_filter_config.read::<Any<'_>>("envoy.filters.http.fault")?.decode().ok()?;
    let share = |of: &Object<'_>| {
        let percentage: Object<'_> = of.read("percentage").unwrap_or_default();
        let denominator = match percentage.read::<Text<'_>>("denominator").as_deref() {
            Some("MILLION") => 10_000.0,
            Some("TEN_THOUSAND") => 100.0,
            _ => 1.0,
        };
        percentage.read::<f64>("numerator").unwrap_or_default() / denominator
    };
    let abort = fault.read::<Object<'_>>("abort").map(|abort| {
        let (share, status) = (share(&abort), abort.read::<u16>("http_status").unwrap_or_default());
        say!(
            lang,
            "A fault is injected: {share} % of the requests are answered {status}.",
            "注入了故障：{share}% 的请求会得到 {status}。"
        )
    });
    let delay = fault.read::<Object<'_>>("delay").map(|delay| {
        let (share, time) = (share(&delay), delay.read::<Text<'_>>("fixed_delay").unwrap_or_default().to_string());
        say!(lang, "A fault is injected: {share} % of the requests wait {time}.", "注入了故障：{share}% 的请求会延迟 {time}。")
    });
    let faults: Vec<String> = abort.into_iter().chain(delay).collect();
    (!faults.is_empty()).then(|| faults.join(" "))
}

pub(super) fn domain_miss(miss: DomainMiss, domain: &str, authority: &str, lang: Lang) -> String {
    match miss {
        DomainMiss::Port => say!(
            lang,
            "`{authority}` is not in its domains; `{domain}` is: only the port differs",
            "`{authority}` 不在其 domains 中，而 `{domain}` 在：只有端口不同"
        ),
        DomainMiss::TrailingDot => say!(
            lang,
            "`{authority}` is not in its domains; `{domain}` is: only the dot at the end differs",
            "`{authority}` 不在其 domains 中，而 `{domain}` 在：只差末尾的点"
        ),
        DomainMiss::ShortName => say!(
            lang,
            "`{authority}` is a short form of `{domain}`, which this proxy does not know: another namespace?",
            "`{authority}` 是 `{domain}` 的短名，而此代理不认识这个短名：是否在另一个命名空间？"
        ),
        DomainMiss::LongName => {
            say!(lang, "`{authority}` goes on where `{domain}` ends", "`{authority}` 比 `{domain}` 更长，前面部分相同")
        }
        DomainMiss::Subdomain => {
            say!(lang, "`{authority}` and `{domain}` are of one domain", "`{authority}` 与 `{domain}` 属于同一域")
        }
        DomainMiss::Spelling => say!(lang, "`{domain}` is spelt nearly so", "`{domain}` 的拼写相近"),
        DomainMiss::Different => say!(lang, "has `{domain}`", "包含 `{domain}`"),
    }
}

pub(super) fn destination(destination: &Destination, lang: Lang) -> String {
    match destination.state {
        ClusterState::Missing => {
            say!(lang, "this proxy has no such cluster (NC, cluster_not_found)", "此代理没有这个集群（NC，cluster_not_found）")
        }
        ClusterState::Warming => say!(lang, "the cluster is still warming", "集群仍在预热（warming）"),
        ClusterState::BlackHole => {
            say!(
                lang,
                "Istio's cluster for what must not leave (outboundTrafficPolicy REGISTRY_ONLY)",
                "Istio 用来拦截未注册流量的集群（outboundTrafficPolicy 为 REGISTRY_ONLY）"
            )
        }
        ClusterState::OriginalDestination => {
            say!(lang, "to the address that the client wanted", "转发到客户端原本的目标地址")
        }
        ClusterState::Unknown => {
            say!(lang, "the clusters of the dump are missing or cannot all be read", "转储中的集群缺失，或无法全部读取")
        }
        ClusterState::Active => endpoints(destination, lang),
    }
}

fn endpoints(destination: &Destination, lang: Lang) -> String {
    let Some(endpoints) = &destination.endpoints else {
        return say!(
            lang,
            "endpoints not known; `/clusters` or `/config_dump?include_eds` has them",
            "端点未知；可从 `/clusters` 或 `/config_dump?include_eds` 获得"
        );
    };
    let (usable, all) = (endpoints.iter().filter(|endpoint| endpoint.is_usable).count(), endpoints.len());
    let mut words = match (usable, all, destination.panics) {
        (_, 0, _) => say!(lang, "it has no endpoints (UH, no_healthy_upstream)", "没有端点（UH，no_healthy_upstream）"),
        (0, _, true) => say!(
            lang,
            "none of {all} endpoints is healthy, so that Envoy sends to all of them (panic)",
            "{all} 个端点都不健康，因此 Envoy 会向全部端点发送（panic 模式）"
        ),
        (0, _, false) => {
            say!(
                lang,
                "none of {all} endpoints is healthy (UH, no_healthy_upstream)",
                "{all} 个端点都不健康（UH，no_healthy_upstream）"
            )
        }
        _ => say!(lang, "{usable} of {all} endpoints usable", "{all} 个端点中 {usable} 个可用"),
    };
    for (name, used, limit) in &destination.exhausted {
        words.push_str(&say!(lang, "; {name} reached: {used} of {limit}", "；{name} 已达上限：{used}/{limit}"));
    }
    words
}
