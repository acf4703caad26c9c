//! A patch matches a filter by a name that istiod has not generated for years.

use foldhash::HashSet;

use crate::edit::Edit;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{ConfigPatch, EnvoyFilter, ResourceKind};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC757",
    slug: "deprecated-filter-name",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0133"],
    kinds: [EnvoyFilter],
    message: "no filter is called {name}; istiod generates {today}",
    message_zh: "没有叫 {name} 的 filter，istiod 生成的是 {today}",
    confirm: &[
        Confirm {
            id: "names",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o yaml"),
                Note("The old name is nowhere, and what the patch puts in is missing.", "找不到旧名字，patch 的内容也不在。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "rename",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# match of the patch\nlistener:\n  filterChain:\n    filter:\n      name: envoy.filters.network.http_connection_manager\n      subFilter:\n        name: envoy.filters.http.router\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0133/",
        "https://www.envoyproxy.io/docs/envoy/latest/version_history/v1.14/v1.14.0",
        "Istio pilot/pkg/networking/core/envoyfilter/listener_patch.go, 1.30",
    ],
}

const HTTP: [(&str, &str); 16] = [
    ("envoy.buffer", "envoy.filters.http.buffer"),
    ("envoy.cors", "envoy.filters.http.cors"),
    ("envoy.csrf", "envoy.filters.http.csrf"),
    ("envoy.http_dynamo_filter", "envoy.filters.http.dynamo"),
    ("envoy.ext_authz", "envoy.filters.http.ext_authz"),
    ("envoy.fault", "envoy.filters.http.fault"),
    ("envoy.grpc_http1_bridge", "envoy.filters.http.grpc_http1_bridge"),
    ("envoy.grpc_json_transcoder", "envoy.filters.http.grpc_json_transcoder"),
    ("envoy.grpc_web", "envoy.filters.http.grpc_web"),
    ("envoy.gzip", "envoy.filters.http.gzip"),
    ("envoy.health_check", "envoy.filters.http.health_check"),
    ("envoy.ip_tagging", "envoy.filters.http.ip_tagging"),
    ("envoy.lua", "envoy.filters.http.lua"),
    ("envoy.rate_limit", "envoy.filters.http.ratelimit"),
    ("envoy.router", "envoy.filters.http.router"),
    ("envoy.squash", "envoy.filters.http.squash"),
];

const NETWORK: [(&str, &str); 7] = [
    ("envoy.client_ssl_auth", "envoy.filters.network.client_ssl_auth"),
    ("envoy.ext_authz", "envoy.filters.network.ext_authz"),
    ("envoy.http_connection_manager", "envoy.filters.network.http_connection_manager"),
    ("envoy.mongo_proxy", "envoy.filters.network.mongo_proxy"),
    ("envoy.ratelimit", "envoy.filters.network.ratelimit"),
    ("envoy.redis_proxy", "envoy.filters.network.redis_proxy"),
    ("envoy.tcp_proxy", "envoy.filters.network.tcp_proxy"),
];

const LISTENER: [(&str, &str); 5] = [
    ("envoy.listener.http_inspector", "envoy.filters.listener.http_inspector"),
    ("envoy.listener.original_dst", "envoy.filters.listener.original_dst"),
    ("envoy.listener.original_src", "envoy.filters.listener.original_src"),
    ("envoy.listener.proxy_protocol", "envoy.filters.listener.proxy_protocol"),
    ("envoy.listener.tls_inspector", "envoy.filters.listener.tls_inspector"),
];

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let filters = || mesh.of(ResourceKind::EnvoyFilter).map(EnvoyFilter);
    // A filter may have any name, also an old one, where an EnvoyFilter puts it in.
    let put_in: HashSet<&str> = filters().flat_map(|filter| filter.patches().filter_map(ConfigPatch::value_name)).collect();
    for filter in filters() {
        for patch in filter.patches() {
            let network = patch.filter().and_then(|filter| filter.get("name"));
            let http = patch.sub_filter().and_then(|filter| filter.get("name"));
            let listener = patch.listener().and_then(|listener| listener.get("listenerFilter"));
            let named = [(network, NETWORK.as_slice()), (http, HTTP.as_slice()), (listener, LISTENER.as_slice())];
            for (node, names) in named.into_iter().filter_map(|(node, names)| Some((node?, names))) {
                let Some(name) = node.text().filter(|name| !put_in.contains(name)) else { continue };
                let Some((_, today)) = names.iter().find(|(old, _)| *old == name) else { continue };
                let finding = Finding::new(&filter.0, node).with("name", name).with("today", *today);
                findings.add(finding.cured_by(Edit::replace(node, *today)));
            }
        }
    }
}
