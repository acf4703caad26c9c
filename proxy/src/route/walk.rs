//! The way of a request through a proxy, step by step, in words.

use meshwhy_core::Lang;
use meshwhy_core::node_id::NodeId;

use super::chain::{self, ChainChoice};
use super::destination::Destination;
use super::listener::{self, ListenerChoice, ListenerReason, Side};
use super::overrides::{Effective, Overrides};
use super::report::{Outcome, ReportedDestination, ReportedRoute, RouteReport, Step, StepKind};
use super::{
    Normalized, Request, RouteChecks, RouteChoice, VirtualHostChoice, authority, nearest_hosts, nearest_routes, normalized, table,
};
use super::{policies, prose, reported};
use crate::admin::{Clusters, ConfigDump};
use crate::config::{
    Filter, FilterChain, HttpConnectionManager, ListenerConfig, Route, RouteConfiguration, VirtualHost, WeightedClusters,
};
use crate::matching::{Truth, Value};
use crate::policy::{Action, Policies};
use crate::words::say;

/// The question.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// The request, as the client sends it.
    pub request: &'q Request,
    /// From where the proxy gets it; `None` takes a gateway's or a sidecar's usual side.
    pub side: Option<Side>,
    /// The listener, where that is not to be found.
    pub listener: Option<&'q str>,
    /// The language of the answer.
    pub lang: Lang,
}

/// Says where a request would go.
#[must_use]
pub fn route(dump: &ConfigDump<'_>, clusters: Option<&Clusters>, question: &Question<'_>) -> RouteReport {
    let id = dump.id();
    let mut request = question.request.clone();
    request.envoy = request.envoy.or_else(|| dump.bootstrap.as_ref().and_then(|bootstrap| bootstrap.node.envoy_minor()));
    let scheme = if request.tls && question.side != Some(Side::Inbound) { "https" } else { "http" };
    let report = RouteReport {
        proxy: id.map(|id| id.proxy.to_owned()),
        last_updated: dump.last_updated().map(str::to_owned),
        request: format!("{} {scheme}://{}{}", request.method, request.authority, request.path),
        outcome: Outcome::Unknown,
        status: None,
        headline: String::new(),
        steps: Vec::new(),
        destinations: Vec::new(),
        near_hosts: Vec::new(),
        near_routes: Vec::new(),
        near_policies: Vec::new(),
        remarks: Vec::new(),
        unreadable: dump.faults.iter().map(|fault| format!("{}: {}", fault.part, fault.error)).collect(),
    };
    let side = question.side.unwrap_or_else(|| usual_side(id));
    let mut walk = Walk { dump, clusters, request, lang: question.lang, report, is_permitted: Truth::Yes };
    walk.listener(side, question.listener);
    walk.reserve();
    walk.report
}

fn usual_side(id: Option<NodeId<'_>>) -> Side {
    if id.is_some_and(|id| id.kind == "sidecar") { Side::Outbound } else { Side::Gateway }
}

/// What of a way is behind.
struct Walk<'w, 'a> {
    dump: &'w ConfigDump<'a>,
    clusters: Option<&'w Clusters>,
    request: Request,
    lang: Lang,
    report: RouteReport,
    /// Whether the policies on the way let the request pass.
    is_permitted: Truth,
}

impl<'a> Walk<'_, 'a> {
    /// What the filters with policies make of a request; the first that refuses it ends its way.
    fn policies<'f>(&mut self, filters: &[Filter<'f>], overrides: &Overrides<'f>, request: &Request) -> Truth {
        let lang = self.lang;
        for filter in filters.iter().filter(|filter| filter.is(".RBAC")) {
            let effective = overrides.of(filter);
            let source = policies::source(&effective, lang);
            let policies = match effective {
                Effective::Own => Policies::of(filter),
                Effective::OfRoute(policies) => policies,
                Effective::Open => Some(Policies::unknown()),
            };
            let Some(policies) = policies else { continue };
            let decision = policies.decide(request);
            let detail = policies::detail(&decision, policies.policies.len(), lang);
            let detail = source.map_or_else(|| detail.clone(), |source| format!("{detail} ({source})"));
            self.step(StepKind::Policies, decision.passes, policies::name(decision.action), detail);
            let is_refused_by_none = decision.passes == Truth::No && decision.action == Action::Allow;
            if is_refused_by_none || decision.passes == Truth::Unknown {
                self.report.near_policies = policies::near(&decision, lang);
            }
            self.is_permitted = self.is_permitted.min(decision.passes);
            if decision.passes == Truth::No {
                let status = (!request.is_connection).then_some(403);
                self.end(Outcome::Denied, status, policies::headline(&decision, request.is_connection, lang));
                return Truth::No;
            }
        }
        self.is_permitted
    }

    /// Takes back what is only so if open policies let the request pass.
    fn reserve(&mut self) {
        let lang = self.lang;
        if self.is_permitted == Truth::Unknown && self.report.outcome != Outcome::Unknown {
            let then = std::mem::take(&mut self.report.headline);
            self.report.headline = say!(
                lang,
                "Whether the policies let the request pass depends on what is not known here. If they do: {then}",
                "策略是否放行取决于未知的信息。若放行：{then}"
            );
            (self.report.outcome, self.report.status) = (Outcome::Unknown, None);
        }
    }

    fn step(&mut self, step: StepKind, passed: Truth, name: &str, detail: String) {
        self.report.steps.push(Step { step, passed, name: name.to_owned(), detail });
    }

    fn end(&mut self, outcome: Outcome, status: Option<u16>, headline: String) {
        (self.report.outcome, self.report.status, self.report.headline) = (outcome, status, headline);
    }

    fn listener(&mut self, side: Side, name: Option<&str>) {
        let (lang, port) = (self.lang, self.request.port);
        match listener::choose(self.dump, side, &self.request, name) {
            ListenerChoice::Chosen(listener, reason) => {
                self.step(StepKind::Listener, Truth::Yes, &listener.name, prose::listener(reason, port, lang));
                if reason == ListenerReason::MappedPort
                    && let Some(address) = listener.addresses().next()
                {
                    self.request.port = address.port_value;
                }
                self.chain(listener);
            }
            ListenerChoice::Open(listeners) => {
                let names: Vec<&str> = listeners.iter().map(|listener| &*listener.name).collect();
                let names = names.join(", ");
                self.step(StepKind::Listener, Truth::Unknown, "", say!(lang, "one of {names}", "{names} 之一"));
                let headline = say!(
                    lang,
                    "It depends on the address of the host which listener gets the connection; --ip or --listener says which.",
                    "由哪个监听器处理取决于目标主机的地址；请用 --ip 或 --listener 指定。"
                );
                self.end(Outcome::Unknown, None, headline);
            }
            ListenerChoice::None if !self.dump.has.listeners => {
                self.end(
                    Outcome::Unknown,
                    None,
                    say!(
                        lang,
                        "The listeners of the dump are missing or cannot all be read.",
                        "转储中的监听器缺失，或无法全部读取。"
                    ),
                );
            }
            ListenerChoice::None => self.no_listener(side, name),
        }
    }

    fn no_listener(&mut self, side: Side, name: Option<&str>) {
        let (lang, port) = (self.lang, self.request.port);
        let names: Vec<&str> = listener::active(self.dump).map(|listener| &*listener.name).collect();
        let names = if names.is_empty() { say!(lang, "none", "无") } else { names.join(", ") };
        self.step(StepKind::Listener, Truth::No, "", say!(lang, "listeners of this proxy: {names}", "此代理的监听器：{names}"));
        let headline = match (name, side) {
            (Some(name), _) => say!(lang, "This proxy has no listener `{name}`.", "此代理没有监听器 `{name}`。"),
            (None, Side::Gateway) => say!(
                lang,
                "This proxy does not listen on port {port}. A Service may map that port to another one: --port names the proxy's.",
                "此代理未监听端口 {port}。Service 可能把该端口映射到其他端口：请用 --port 给出代理的端口。"
            ),
            (None, _) => say!(
                lang,
                "This proxy has no listener for port {port}: without interception nobody takes the connection.",
                "此代理没有端口 {port} 的监听器：未做流量劫持时没有谁接收该连接。"
            ),
        };
        self.end(Outcome::NoListener, None, headline);
    }

    fn chain(&mut self, listener: &ListenerConfig<'a>) {
        let lang = self.lang;
        match chain::choose(listener, &self.request) {
            ChainChoice::Chosen(chain, by_criteria) => {
                let criteria = prose::criteria(&chain.filter_chain_match);
                let detail = match (by_criteria, criteria.is_empty()) {
                    (true, false) => criteria,
                    (true, true) => say!(lang, "the one without criteria", "没有匹配条件的那一个"),
                    (false, _) if listener.filter_chains.len() > 1 => say!(lang, "the default one", "默认过滤器链"),
                    (false, _) => say!(lang, "the only one", "唯一的过滤器链"),
                };
                self.step(StepKind::FilterChain, Truth::Yes, &chain.name, detail);
                self.filters(chain);
            }
            ChainChoice::Open(criterion) => {
                let detail = say!(lang, "chosen by `{criterion}`, which is not known", "由 `{criterion}` 决定，而该值未知");
                self.step(StepKind::FilterChain, Truth::Unknown, "", detail);
                self.end(
                    Outcome::Unknown,
                    None,
                    say!(
                        lang,
                        "It depends on `{criterion}` which filter chain gets the connection.",
                        "由哪条过滤器链处理取决于 `{criterion}`。"
                    ),
                );
            }
            ChainChoice::None => {
                let protocol = chain::transport_protocol(listener, &self.request);
                let name = self.request.server_name.clone().filter(|_| self.request.tls).unwrap_or_default();
                let criteria: Vec<String> =
                    listener.filter_chains.iter().map(|chain| prose::criteria(&chain.filter_chain_match)).collect();
                let criteria = criteria.join("; ");
                let has = if name.is_empty() { protocol.to_owned() } else { format!("{protocol}, SNI `{name}`") };
                let detail = say!(lang, "connection: {has}; chains: {criteria}", "连接：{has}；各过滤器链：{criteria}");
                self.step(StepKind::FilterChain, Truth::No, "", detail);
                let headline = say!(
                    lang,
                    "No filter chain takes the connection; Envoy closes it (NR, filter_chain_not_found).",
                    "没有过滤器链接收该连接；Envoy 会关闭它（NR，filter_chain_not_found）。"
                );
                self.end(Outcome::NoFilterChain, None, headline);
            }
        }
    }

    fn filters(&mut self, chain: &FilterChain<'a>) {
        let lang = self.lang;
        let terminates = chain.transport_socket.as_ref().is_some_and(|socket| socket.is(".DownstreamTlsContext"));
        if terminates && !self.request.tls {
            let headline = say!(
                lang,
                "The filter chain wants TLS and the request comes in plaintext: the handshake fails.",
                "该过滤器链要求 TLS，而请求为明文：握手失败。"
            );
            return self.end(Outcome::TlsMismatch, None, headline);
        }
        let connection = Request { is_connection: true, has_no_token: true, ..self.request.clone() };
        if self.policies(&chain.filters, &Overrides::none(), &connection) == Truth::No {
            return;
        }
        match (chain.connection_manager(), chain.tcp_proxy()) {
            (Some(Ok(_)), _) if self.request.tls && !terminates => {
                let headline = say!(
                    lang,
                    "The filter chain expects plain HTTP and the client speaks TLS: Envoy answers 400 or closes the connection.",
                    "该过滤器链期待明文 HTTP，而客户端使用 TLS：Envoy 会回复 400 或关闭连接。"
                );
                self.end(Outcome::TlsMismatch, None, headline);
            }
            (Some(Ok(manager)), _) => self.manager(&manager),
            (None, Some(Ok(proxy))) => {
                let name = &*proxy.cluster;
                match &proxy.weighted_clusters {
                    Some(weighted) => self.weighted(weighted),
                    None => self.send(name, (1, 1)),
                }
                self.close(Outcome::ForwardedAsTcp);
            }
            (Some(Err(error)), _) | (None, Some(Err(error))) => self.unreadable("filter_chain", &error.to_string()),
            (None, None) => {
                let names: Vec<&str> = chain.filters.iter().map(|filter| &*filter.name).collect();
                let names = names.join(", ");
                let headline = say!(
                    lang,
                    "The filter chain has neither an HTTP connection manager nor a TCP proxy: {names}.",
                    "该过滤器链既没有 HTTP 连接管理器也没有 TCP 代理：{names}。"
                );
                self.end(Outcome::Unknown, None, headline);
            }
        }
    }

    fn unreadable(&mut self, part: &str, error: &str) {
        let lang = self.lang;
        self.report.unreadable.push(format!("{part}: {error}"));
        self.end(Outcome::Unknown, None, say!(lang, "`{part}` cannot be read.", "无法读取 `{part}`。"));
    }

    fn manager(&mut self, manager: &HttpConnectionManager<'a>) {
        let lang = self.lang;
        self.report.remarks.extend(prose::meddling_filters(manager, lang));
        self.request.authority = authority::effective(&self.request.authority, self.request.port, manager);
        match normalized(&self.request.path, self.request.is_grpc(), manager) {
            Normalized::Path(path) => {
                if path != self.request.path {
                    self.report.remarks.push(say!(lang, "Envoy makes the path `{path}`.", "Envoy 将路径规范化为 `{path}`。"));
                }
                self.request.path = path;
            }
            Normalized::Refused => {
                let headline = say!(lang, "Envoy refuses the path with 400.", "Envoy 以 400 拒绝该路径。");
                return self.end(Outcome::Refused, Some(400), headline);
            }
            Normalized::Redirected(path) => {
                let headline =
                    say!(lang, "Envoy redirects the client with 307 to `{path}`.", "Envoy 以 307 将客户端重定向到 `{path}`。");
                return self.end(Outcome::Redirected, Some(307), headline);
            }
        }
        let request = Request { has_no_token: policies::has_no_token(manager, &self.request), ..self.request.clone() };
        let delivered = || self.dump.route_configuration(&manager.rds.as_ref()?.route_config_name);
        let table = manager.route_config.clone().map(Ok).or_else(delivered);
        let overrides = match &table {
            None if manager.rds.is_some() && self.dump.has.routes => Overrides::none(),
            found => Overrides::new(found.as_ref().and_then(|table| table.as_ref().ok()), &self.request),
        };
        if self.policies(&manager.http_filters, &overrides, &request) == Truth::No {
            return;
        }
        let Some(rds) = manager.rds.as_ref().filter(|_| manager.route_config.is_none()) else {
            if let Some(Ok(table)) = &table {
                return self.table(table);
            }
            self.step(StepKind::RouteTable, Truth::Unknown, "", say!(lang, "one of several, by scope", "由作用域在多个中选择"));
            let headline = say!(
                lang,
                "The route table is chosen by scoped routes, which are not read.",
                "路由表由 scoped routes 决定，这里不作解析。"
            );
            return self.end(Outcome::Unknown, None, headline);
        };
        let name = &*rds.route_config_name;
        match table {
            Some(Ok(table)) => self.table(&table),
            Some(Err(fault)) => self.unreadable(&fault.part, &fault.error),
            None if !self.dump.has.routes => {
                self.end(
                    Outcome::Unknown,
                    None,
                    say!(
                        lang,
                        "The route tables of the dump are missing or cannot all be read.",
                        "转储中的路由表缺失，或无法全部读取。"
                    ),
                );
            }
            None => {
                self.step(StepKind::RouteTable, Truth::No, name, say!(lang, "not in this proxy", "此代理中不存在"));
                let headline = say!(
                    lang,
                    "The route table `{name}` has not come: until istiod delivers it, Envoy answers 404.",
                    "路由表 `{name}` 尚未下发：在 istiod 下发之前，Envoy 会回复 404。"
                );
                self.end(Outcome::NoRouteTable, Some(404), headline);
            }
        }
    }

    fn table(&mut self, table: &RouteConfiguration<'_>) {
        let lang = self.lang;
        let count = table.virtual_hosts.len();
        self.step(StepKind::RouteTable, Truth::Yes, &table.name, say!(lang, "virtual hosts: {count}", "虚拟主机：{count} 个"));
        let answer = table::answer(table, &self.request);
        let authority = self.request.authority.clone();
        let Some(chosen) = answer.chosen else {
            self.report.near_hosts =
                nearest_hosts(table, &authority).iter().map(|near| reported::host(near, &authority, lang)).collect();
            if answer.is_open {
                let detail = say!(lang, "by a header, or delivered on demand", "由请求头决定，或按需下发");
                self.step(StepKind::VirtualHost, Truth::Unknown, "", detail);
                let headline = say!(lang, "The virtual host cannot be known from here.", "仅凭现有数据无法确定虚拟主机。");
                return self.end(Outcome::Unknown, None, headline);
            }
            let detail = say!(lang, "authority `{authority}` is in no domains", "authority `{authority}` 不在任何 domains 中");
            self.step(StepKind::VirtualHost, Truth::No, "", detail);
            let name = &*table.name;
            let headline = say!(
                lang,
                "No virtual host of route table `{name}` has the authority `{authority}`: Envoy answers 404 (NR, route_not_found).",
                "路由表 `{name}` 中没有包含 authority `{authority}` 的虚拟主机：Envoy 会回复 404（NR，route_not_found）。"
            );
            return self.end(Outcome::NoVirtualHost, Some(404), headline);
        };
        let domain = chosen.domain;
        let detail = say!(lang, "`{authority}` by the domain `{domain}`", "`{authority}` 匹配域名 `{domain}`");
        self.step(StepKind::VirtualHost, Truth::Yes, &chosen.host.name, detail);
        if domain == "*" {
            // A host that was meant to be there is what is missing.
            let near = nearest_hosts(table, &authority);
            let near = near.iter().filter(|near| near.domain != "*" && near.miss < super::DomainMiss::Different);
            self.report.near_hosts = near.map(|near| reported::host(near, &authority, lang)).collect();
        }
        self.virtual_host(&chosen);
    }

    fn virtual_host(&mut self, chosen: &VirtualHostChoice<'_, '_>) {
        let lang = self.lang;
        match &chosen.route {
            RouteChoice::Certain(index) => {
                let before = chosen.checks.iter().filter(|route| route.index < *index && route.truth == Truth::No);
                let before: Vec<RouteChecks> = before.cloned().collect();
                self.report.near_routes = self.near_routes(chosen.host, &before);
                self.route(chosen.host, *index);
            }
            RouteChoice::None => {
                self.report.near_routes = self.near_routes(chosen.host, &chosen.checks);
                self.step(StepKind::Route, Truth::No, "", say!(lang, "none matches", "没有匹配的路由"));
                let name = &*chosen.host.name;
                let headline = say!(
                    lang,
                    "No route of virtual host `{name}` matches: Envoy answers 404 (NR, route_not_found).",
                    "虚拟主机 `{name}` 中没有匹配的路由：Envoy 会回复 404（NR，route_not_found）。"
                );
                self.end(Outcome::NoRoute, Some(404), headline);
            }
            RouteChoice::TlsRedirect => {
                let headline = say!(
                    lang,
                    "The virtual host redirects plaintext to HTTPS with 301.",
                    "该虚拟主机以 301 将明文请求重定向到 HTTPS。"
                );
                self.end(Outcome::Redirected, Some(301), headline);
            }
            RouteChoice::ExternalTlsRedirect => {
                let detail = say!(
                    lang,
                    "`require_tls: EXTERNAL_ONLY`, and whether the client is internal is not known",
                    "`require_tls: EXTERNAL_ONLY`，而客户端是否为内部客户端未知"
                );
                self.step(StepKind::Route, Truth::Unknown, "", detail);
                let headline = say!(
                    lang,
                    "The virtual host redirects plaintext of external clients to HTTPS with 301; which ones are internal says `internal_address_config`.",
                    "该虚拟主机以 301 将外部客户端的明文请求重定向到 HTTPS；哪些客户端算内部由 `internal_address_config` 决定。"
                );
                self.end(Outcome::Unknown, None, headline);
            }
            RouteChoice::Tree => {
                let headline = say!(
                    lang,
                    "The virtual host chooses by a matcher tree, which is not read.",
                    "该虚拟主机使用匹配树（matcher），这里不作解析。"
                );
                self.end(Outcome::Unknown, None, headline);
            }
            RouteChoice::Open { candidates, ends } => {
                let open: Vec<RouteChecks> =
                    chosen.checks.iter().filter(|route| route.truth == Truth::Unknown).cloned().collect();
                self.report.near_routes = open.iter().map(|route| reported::route(chosen.host, route, lang)).collect();
                let names =
                    candidates.iter().filter_map(|index| Some(prose::route_name(*index, chosen.host.routes.get(*index)?, lang)));
                let names: Vec<String> = names.collect();
                let names = names.join("; ");
                let detail = if *ends { names } else { say!(lang, "{names}; or none", "{names}；也可能都不匹配") };
                self.step(StepKind::Route, Truth::Unknown, "", detail);
                let headline = say!(
                    lang,
                    "The first of these routes whose open conditions hold takes the request.",
                    "请求由其中第一条“未定条件成立”的路由处理。"
                );
                self.end(Outcome::Unknown, None, headline);
            }
        }
    }

    fn near_routes(&self, host: &VirtualHost<'_>, checks: &[RouteChecks]) -> Vec<ReportedRoute> {
        nearest_routes(checks, &self.request).into_iter().map(|route| reported::route(host, route, self.lang)).collect()
    }

    fn route(&mut self, host: &VirtualHost<'_>, index: usize) {
        let lang = self.lang;
        let Some(route) = host.routes.get(index) else { return };
        let (number, count) = (index + 1, host.routes.len());
        let detail = match route.metadata.config().and_then(prose::resource) {
            Some(resource) => {
                say!(lang, "{number} of {count}, from {resource}", "第 {number} 条，共 {count} 条，来自 {resource}")
            }
            None => say!(lang, "{number} of {count}", "第 {number} 条，共 {count} 条"),
        };
        self.step(StepKind::Route, Truth::Yes, &route.name, detail);
        self.report.remarks.extend(prose::unregistered(&host.name, lang));
        self.report.remarks.extend(prose::fault(route, lang));
        self.action(route);
    }

    fn action(&mut self, route: &Route<'_>) {
        let lang = self.lang;
        if let Some(response) = &route.direct_response {
            let status = response.status.0;
            let headline = say!(lang, "The route itself answers {status}.", "该路由直接回复 {status}。");
            return self.end(Outcome::Answered, u16::try_from(status).ok(), headline);
        }
        if let Some(redirect) = &route.redirect {
            let (status, to) = (redirect.status(), prose::redirection(redirect, &self.request));
            let headline =
                say!(lang, "The route redirects the client with {status} to {to}.", "该路由以 {status} 将客户端重定向到 {to}。");
            return self.end(Outcome::Redirected, Some(status), headline);
        }
        let Some(action) = &route.route else {
            let headline = say!(lang, "A filter decides what becomes of the request.", "请求的去向由过滤器决定。");
            return self.end(Outcome::Unknown, None, headline);
        };
        self.report.remarks.extend(prose::rewrites(action, lang));
        if let Some(cluster) = &action.cluster {
            self.send(cluster, (1, 1));
        } else if let Some(weighted) = &action.weighted_clusters {
            self.weighted(weighted);
        } else if let Some(header) = &action.cluster_header {
            match self.request.header(&header.to_ascii_lowercase()) {
                Value::Is(cluster) => self.send(&cluster, (1, 1)),
                Value::Missing => {
                    let header = &**header;
                    let headline = say!(
                        lang,
                        "The route takes the cluster from header `{header}`, which the request does not have: Envoy answers 503 (NC).",
                        "该路由从请求头 `{header}` 取集群名，而请求中没有：Envoy 会回复 503（NC）。"
                    );
                    return self.end(Outcome::NoCluster, Some(503), headline);
                }
                Value::Several { .. } | Value::Unknown => {}
            }
        }
        self.close(Outcome::Forwarded);
    }

    fn weighted(&mut self, weighted: &WeightedClusters<'_>) {
        let total = weighted.clusters.iter().map(|cluster| cluster.weight).fold(0, u32::saturating_add);
        for cluster in weighted.clusters.iter().filter(|cluster| cluster.weight > 0 && !cluster.name.is_empty()) {
            self.send(&cluster.name, (cluster.weight, total));
        }
    }

    fn send(&mut self, cluster: &str, share: (u32, u32)) {
        let destination = Destination::new(self.dump, self.clusters, cluster, share);
        self.report.destinations.push(reported::destination(&destination, self.lang));
    }

    /// The end of a request that is sent on, if there is anything to send it to.
    fn close(&mut self, sent: Outcome) {
        let lang = self.lang;
        let destinations = &self.report.destinations;
        let names: Vec<&str> = destinations.iter().map(|destination| destination.cluster.as_str()).collect();
        let names = names.join(", ");
        let failing: Vec<&ReportedDestination> = destinations.iter().filter(|it| it.served == Truth::No).collect();
        let (outcome, status, headline) = match (failing.first(), destinations.len()) {
            (_, 0) => (
                Outcome::Unknown,
                None,
                say!(lang, "The cluster is chosen by what is not read here.", "集群的选择方式这里不作解析。"),
            ),
            (None, _) if sent == Outcome::ForwardedAsTcp => {
                (sent, None, say!(lang, "The bytes go to {names}; no route is looked for.", "字节流转发到 {names}；不查找路由。"))
            }
            (None, _) => (sent, None, say!(lang, "The request goes to {names}.", "请求转发到 {names}。")),
            (Some(first), count) => {
                let (cluster, why, failing) = (&first.cluster, &first.detail, failing.len());
                let status = (sent == Outcome::Forwarded).then_some(503);
                let fails = match (status, failing == count) {
                    (Some(_), true) => say!(lang, "Envoy answers 503", "Envoy 会回复 503"),
                    (Some(_), false) => say!(lang, "Envoy answers 503 to that share", "对应比例的请求会得到 503"),
                    (None, _) => say!(lang, "Envoy closes the connection", "Envoy 会关闭连接"),
                };
                let is_missing = self.dump.has.clusters && self.dump.cluster(cluster).is_none();
                let outcome = if is_missing { Outcome::NoCluster } else { Outcome::NoEndpoint };
                (outcome, status, say!(lang, "{fails}: {cluster}: {why}.", "{fails}：{cluster}：{why}。"))
            }
        };
        self.end(outcome, status, headline);
    }
}
