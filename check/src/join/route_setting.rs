//! Settings of the route that a request took.

use meshwhy_core::details::{Details, Word};
use meshwhy_core::flags::Flag;

use super::ConfigurationCause;
use super::duration::{was_just_over, was_over};
use super::request::{FailedRequest, RouteRule};
use crate::document::Node;
use crate::mesh::full_host;
use crate::model::{Gateway, ResourceKind, Route, RouteProtocol};
use crate::rules::Message;

const TIMEOUT: Message = Message {
    en: "{resource} gives the request {time}, and the answer took longer",
    zh: "{resource} 只给这个请求 {time}，响应更慢",
};
const FAULT: Message = Message { en: "{resource} injects this failure", zh: "这个失败是 {resource} 注入的" };
const RETRIES_OFF: Message = Message {
    en: "{resource} turns retries off, so a connection that the server has just closed becomes a 503",
    zh: "{resource} 关闭了重试，服务端刚关闭的连接就会变成 503",
};
const DIRECT_RESPONSE: Message = Message {
    en: "{resource} answers the request itself with this status",
    zh: "{resource} 自己用这个状态码回应请求",
};
const REDIRECT: Message = Message {
    en: "{resource} redirects to an address that the same rule redirects again",
    zh: "{resource} 重定向到的地址会再次命中同一条规则",
};
const REWRITE: Message = Message {
    en: "{resource} rewrites the path to {path} before the application sees it, and the application does not know it",
    zh: "{resource} 在应用收到之前把路径改写成 {path}，应用不认识它",
};

/// The rules that the request may have taken and that have a setting.
fn settings<'a>(
    request: &FailedRequest<'_, 'a, '_>,
    of: impl Fn(Node<'a>) -> Option<Node<'a>>,
) -> Vec<(RouteRule<'a>, Node<'a>)> {
    let routes = request.routes().into_iter().filter(|rule| leads_there(request, rule));
    routes.filter_map(|rule| Some((rule, of(rule.node)?))).collect()
}

/// The only such rule, or else the one that is certain.
fn setting<'a>(
    request: &FailedRequest<'_, 'a, '_>,
    of: impl Fn(Node<'a>) -> Option<Node<'a>>,
) -> Option<(RouteRule<'a>, Node<'a>)> {
    only(&settings(request, of))
}

fn only<'a>(having: &[(RouteRule<'a>, Node<'a>)]) -> Option<(RouteRule<'a>, Node<'a>)> {
    match having {
        [one] => Some(*one),
        several => several.last().copied().filter(|(rule, _)| rule.is_certain),
    }
}

/// The rule whose time was over when the request ended: of several, the one that comes near.
fn time<'a>(request: &FailedRequest<'_, 'a, '_>, of: impl Fn(Node<'a>) -> Option<Node<'a>>) -> Option<(RouteRule<'a>, Node<'a>)> {
    let having: Vec<_> = settings(request, of).into_iter().filter(|(_, node)| was_over(request, *node)).collect();
    let near: Vec<_> = having.iter().copied().filter(|(_, node)| was_just_over(request, *node)).collect();
    only(if near.len() == 1 { &near } else { &having })
}

/// Whether a rule leads to the cluster that the proxy names.
fn leads_there(request: &FailedRequest<'_, '_, '_>, rule: &RouteRule<'_>) -> bool {
    if request.facts.cluster.as_deref().is_none_or(str::is_empty) || rule.resource.kind != ResourceKind::VirtualService {
        return true;
    }
    let route = Route { protocol: RouteProtocol::Http, node: rule.node };
    route.destinations().any(|destination| {
        let host = destination.host().and_then(Node::text).map(|host| full_host(host, rule.resource.namespace));
        host.is_some_and(|host| request.hosts.contains(&host)) && destination.subset().and_then(Node::text) == request.subset
    })
}

/// How long the route, or one try of it, may take.
pub(super) fn timeout<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let is_try = matches!(request.facts.parsed_details(), Some(Details::Word(Word::UpstreamPerTryTimeout)));
    if is_try {
        return per_try_timeout(request);
    }
    let of = |rule: Node<'a>| {
        rule.get("timeout").or_else(|| rule.at(&["timeouts", "request"])).or_else(|| rule.at(&["timeouts", "backendRequest"]))
    };
    let (rule, node) = time(request, of)?;
    Some(ConfigurationCause::new(&rule.resource, node, TIMEOUT).with("time", node.text()?))
}

/// How long one try may take.
pub(super) fn per_try_timeout<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let timed_out = request.facts.has_flag(Flag::UT)
        || matches!(request.facts.parsed_details(), Some(Details::Word(Word::UpstreamPerTryTimeout)));
    let of = |rule: Node<'a>| rule.at(&["retries", "perTryTimeout"]).or_else(|| rule.at(&["timeouts", "backendRequest"]));
    let (rule, node) = time(request, of).filter(|_| timed_out)?;
    Some(ConfigurationCause::new(&rule.resource, node, TIMEOUT).with("time", node.text()?))
}

/// The fault that the route injects: what it answers, else how long it waits.
pub(super) fn fault<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let of = |rule: Node<'a>| {
        let fault = rule.get("fault")?;
        let abort = fault.get("abort").and_then(|abort| abort.get("httpStatus").or_else(|| abort.get("grpcStatus")));
        let delay = || fault.at(&["delay", "fixedDelay"]);
        if request.facts.has_flag(Flag::DI) && !request.facts.has_flag(Flag::FI) {
            delay().or(abort)
        } else {
            abort.or_else(delay)
        }
    };
    let (rule, node) = setting(request, of)?;
    Some(ConfigurationCause::new(&rule.resource, node, FAULT))
}

/// Retries that are turned off where a connection that is used again was closed.
pub(super) fn retries_off<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let of = |rule: Node<'a>| rule.at(&["retries", "attempts"]).filter(|attempts| attempts.as_integer() == Some(0));
    let (rule, node) = setting(request, of)?;
    Some(ConfigurationCause::new(&rule.resource, node, RETRIES_OFF))
}

/// The answer that the route itself gives.
pub(super) fn direct_response<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let (rule, node) = setting(request, |rule| rule.at(&["directResponse", "status"]))?;
    Some(ConfigurationCause::new(&rule.resource, node, DIRECT_RESPONSE))
}

/// A redirect whose target the same rule takes.
pub(super) fn proven_redirect_loop<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let (rule, redirect) = setting(request, |rule| rule.get("redirect"))?;
    let (uri, authority) = (redirect.get("uri"), redirect.get("authority"));
    let node = uri.or(authority)?;
    let mut facts = request.facts.clone();
    if let Some(uri) = uri.and_then(Node::text) {
        facts.context.path = Some(uri.to_owned().into());
    }
    if let Some(authority) = authority.and_then(Node::text) {
        facts.context.authority = Some(authority.to_owned().into());
    }
    let next = FailedRequest::new(request.mesh, &facts);
    let returns = next.routes().iter().any(|again| again.node == rule.node && again.is_certain);
    returns.then(|| ConfigurationCause::new(&rule.resource, node, REDIRECT))
}

/// A redirect whose target the same rule takes, or a gateway that sends to HTTPS whoever came by it.
pub(super) fn redirect_loop<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    if let Some(proven) = proven_redirect_loop(request) {
        return Some(proven);
    }
    let asked = request.authority?;
    let servers = request
        .mesh
        .of(ResourceKind::Gateway)
        .map(Gateway)
        .flat_map(|gateway| gateway.servers().map(move |server| (gateway, server)).collect::<Vec<_>>());
    let mut redirecting = servers.filter_map(|(gateway, server)| {
        let node = server.0.at(&["tls", "httpsRedirect"]).filter(|node| node.as_bool() == Some(true))?;
        let has =
            server.hosts().filter_map(Node::text).any(|host| crate::mesh::covers(host.rsplit('/').next().unwrap_or(host), asked));
        has.then(|| ConfigurationCause::new(&gateway.0, node, REDIRECT))
    });
    redirecting.next().filter(|_| redirecting.next().is_none())
}

/// A path that the application does not know, after the route has changed it.
pub(super) fn rewrite<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    if request.facts.status != Some(404) {
        return None;
    }
    let (rule, node) = setting(request, |rule| rule.at(&["rewrite", "uri"]))?;
    Some(ConfigurationCause::new(&rule.resource, node, REWRITE).with("path", node.text()?))
}
