//! Numbers and modes of the DestinationRule that holds for a cluster.

use super::ConfigurationCause;
use super::destination::endpoints;
use super::duration::was_over;
use super::request::FailedRequest;
use crate::document::Node;
use crate::model::{DestinationRule, TrafficPolicy};
use crate::rules::Message;

const OVERFLOW: Message =
    Message { en: "{resource} allows no more than {limit} of these at once", zh: "{resource} 限制同时最多 {limit} 个" };
const CONNECTION_DURATION: Message =
    Message { en: "{resource} ends every connection after {time}", zh: "{resource} 让每条连接在 {time} 后结束" };
const EJECTION: Message = Message {
    en: "{resource} ejects endpoints that fail this often, and none is left",
    zh: "{resource} 会摘除失败达到这个次数的 endpoint，现在一个都不剩",
};
const H2_UPGRADE: Message = Message {
    en: "{resource} makes the proxy speak HTTP/2 to an upstream that does not answer in it",
    zh: "{resource} 让代理用 HTTP/2 访问上游，而上游不会用 HTTP/2 应答",
};

/// The policies that hold for the cluster, the most exact first: of the subset's port, the subset, the port, the host.
pub(super) fn policies<'a>(request: &FailedRequest<'_, 'a, '_>) -> Vec<(DestinationRule<'a>, TrafficPolicy<'a>)> {
    let of_rule = |rule: DestinationRule<'a>| {
        let subset =
            request.subset.and_then(|name| rule.subset(name)).and_then(|subset| subset.get("trafficPolicy")).map(TrafficPolicy);
        let both = [subset, rule.policy()].into_iter().flatten();
        both.flat_map(|policy| {
            let own = policy.ports().find(|port| port.port().is_some() && port.port() == request.port);
            own.into_iter().chain([policy])
        })
        .map(move |policy| (rule, policy))
        .collect::<Vec<_>>()
    };
    request.destination_rules().into_iter().flat_map(of_rule).collect()
}

/// The setting that holds for the cluster.
fn setting<'a>(request: &FailedRequest<'_, 'a, '_>, path: &[&str]) -> Option<(DestinationRule<'a>, Node<'a>)> {
    policies(request).into_iter().find_map(|(rule, policy)| Some((rule, policy.0.at(path)?)))
}

/// The limit that was reached: the least of those that are written.
pub(super) fn overflow<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    const LIMITS: [[&str; 3]; 4] = [
        ["connectionPool", "http", "http1MaxPendingRequests"],
        ["connectionPool", "http", "http2MaxRequests"],
        ["connectionPool", "tcp", "maxConnections"],
        ["connectionPool", "http", "maxRetries"],
    ];
    let written = LIMITS.iter().filter_map(|path| setting(request, path));
    let (_, rule, node) =
        written.filter_map(|(rule, node)| Some((node.as_integer()?, rule, node))).min_by_key(|(limit, ..)| *limit)?;
    Some(ConfigurationCause::new(&rule.0, node, OVERFLOW).with("limit", node.text()?))
}

/// How long a connection may last.
pub(super) fn connection_duration<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let (rule, node) =
        setting(request, &["connectionPool", "tcp", "maxConnectionDuration"]).filter(|(_, node)| was_over(request, *node))?;
    Some(ConfigurationCause::new(&rule.0, node, CONNECTION_DURATION).with("time", node.text()?))
}

/// Outlier detection, where there are endpoints and none is left.
pub(super) fn ejection<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let (rule, detection) = setting(request, &["outlierDetection"]).filter(|_| !endpoints(request).is_empty())?;
    const NUMBERS: [&str; 4] =
        ["consecutive5xxErrors", "consecutiveGatewayErrors", "consecutiveLocalOriginFailures", "consecutiveErrors"];
    let node = NUMBERS.iter().find_map(|number| detection.get(number)).unwrap_or(detection);
    Some(ConfigurationCause::new(&rule.0, node, EJECTION))
}

/// HTTP/2 that a policy asks for towards an upstream that was not declared to speak it.
pub(super) fn h2_upgrade<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let (rule, node) = setting(request, &["connectionPool", "http", "h2UpgradePolicy"])?;
    (node.text() == Some("UPGRADE")).then(|| ConfigurationCause::new(&rule.0, node, H2_UPGRADE))
}
