//! A host that is routed, and a request that none of its matches fits.

use std::cmp::Reverse;

use super::ConfigurationCause;
use super::match_fit::{Fit, Miss, Subject};
use super::request::{FailedRequest, RouteRule, delegate};
use crate::document::Node;
use crate::rules::Message;

const NO_DELEGATE: Message = Message {
    en: "{resource} delegates to a VirtualService that is not there, so Istio leaves out the rule",
    zh: "{resource} 委托给的 VirtualService 不存在，Istio 会丢弃这条规则",
};
const NO_MATCH: Message = Message {
    en: "no match of {resource} fits the request; this condition is the nearest that it misses",
    zh: "{resource} 里没有匹配这个请求的规则；最接近的是这个不满足的条件",
};

/// How near a match is; the least is the nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    /// All but the port.
    Port,
    /// The path but for case, a slash, or its end.
    Path,
    /// All of the path, and one condition not.
    Condition,
    /// This many bytes of the path agree.
    Prefix(Reverse<usize>),
}

/// The condition that the request nearly met.
pub(super) fn nearest_match<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    missing_delegate(request).or_else(|| nearest(request))
}

fn missing_delegate<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let dangling = |rule: &RouteRule<'a>| {
        let name = rule.node.at(&["delegate", "name"])?;
        let is_met = delegate(request.mesh, &rule.resource, rule.node).is_some() || request.fit(rule.node) == Fit::Fails;
        (!is_met).then(|| ConfigurationCause::new(&rule.resource, name, NO_DELEGATE))
    };
    request.rules().iter().find_map(dangling)
}

fn nearest<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let rules: Vec<RouteRule<'a>> = request.rules().into_iter().filter(|rule| rule.node.get("delegate").is_none()).collect();
    if rules.iter().any(|rule| request.fit(rule.node) == Fit::Holds) {
        return None;
    }
    let matches = |rule: &RouteRule<'a>| -> Vec<Node<'a>> { rule.node.list("match").chain(rule.node.list("matches")).collect() };
    let near = |rule: RouteRule<'a>| {
        let misses = matches(&rule).into_iter().map(|wanted| request.misses(wanted)).collect::<Vec<_>>();
        misses.into_iter().filter_map(move |misses| Some((nearness(&misses)?, rule.resource)))
    };
    let ((_, miss), resource) = rules.into_iter().flat_map(near).min_by_key(|((nearness, _), _)| *nearness)?;
    Some(ConfigurationCause::new(&resource, miss.node, NO_MATCH))
}

/// How near a match is, and the condition to look at.
fn nearness<'a>(misses: &[Miss<'a>]) -> Option<(Nearness, Miss<'a>)> {
    let failing: Vec<&Miss<'a>> = misses.iter().filter(|miss| miss.fails).collect();
    let path = misses.iter().find(|miss| miss.subject == Subject::Path);
    let first = *failing.first().copied().or_else(|| misses.first())?;
    Some(match (path, failing.as_slice()) {
        (None, [one]) if one.subject == Subject::Port => (Nearness::Port, **one),
        (None, _) => (Nearness::Condition, first),
        (Some(path), [_]) if path.is_near => (Nearness::Path, *path),
        (Some(path), _) => (Nearness::Prefix(Reverse(path.common)), *path),
    })
}
