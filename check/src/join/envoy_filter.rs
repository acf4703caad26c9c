//! What EnvoyFilters put into proxies: limits, and hosts that are already there.

use meshwhy_core::Side;
use meshwhy_core::details::{Details, Word};
use meshwhy_core::facts::text;

use super::ConfigurationCause;
use super::duration::was_over;
use super::host::without_port;
use super::request::FailedRequest;
use crate::document::Node;
use crate::mesh::ROOT_NAMESPACE;
use crate::mesh::covers;
use crate::model::{ConfigPatch, EnvoyFilter, ResourceKind, selects};
use crate::rules::Message;

const TIME: Message =
    Message { en: "{resource} lets the proxy wait no longer than {value}", zh: "{resource} 让代理最多等待 {value}" };
const SIZE: Message = Message {
    en: "{resource} sets this limit to {value}, and the request or its answer exceeds it",
    zh: "{resource} 把这个上限设为 {value}，请求或响应超过了它",
};
const RATE: Message = Message {
    en: "{resource} lets {value} requests through until the bucket is filled again",
    zh: "{resource} 在令牌桶重新填充之前只放行 {value} 个请求",
};
const FAULT: Message = Message { en: "{resource} injects this failure", zh: "这个失败是 {resource} 注入的" };
const UPGRADE: Message = Message { en: "{resource} turns this upgrade off", zh: "{resource} 关闭了这种协议升级" };
const DUPLICATE: Message = Message {
    en: "{resource} adds the domain {value}, which another virtual host of the proxy already has",
    zh: "{resource} 添加了域名 {value}，代理的另一个 virtual host 已经有它",
};

/// The patches that reach the proxy which speaks.
fn patches<'a>(request: &FailedRequest<'_, 'a, '_>) -> Vec<(EnvoyFilter<'a>, ConfigPatch<'a>)> {
    let reaches = |filter: &EnvoyFilter<'a>| {
        let is_there =
            request.client_namespace().is_none_or(|namespace| [namespace, ROOT_NAMESPACE].contains(&filter.0.namespace));
        let labels = request.proxy.map(|proxy| proxy.labels);
        is_there && filter.0.selector().is_none_or(|selector| labels.is_none_or(|labels| selects(selector, labels)))
    };
    let filters = request.mesh.of(ResourceKind::EnvoyFilter).map(EnvoyFilter).filter(reaches);
    let all = filters.flat_map(|filter| filter.patches().map(move |patch| (filter, patch)).collect::<Vec<_>>());
    all.filter(|(_, patch)| is_for(request, *patch)).collect()
}

/// Whether a patch is for the way that the request went.
fn is_for(request: &FailedRequest<'_, '_, '_>, patch: ConfigPatch<'_>) -> bool {
    let context = patch.matched().and_then(|wanted| wanted.get("context")).and_then(Node::text);
    match (context, request.facts.side) {
        (None | Some("ANY"), _) | (_, None) => true,
        (Some("SIDECAR_INBOUND"), Some(side)) => side == Side::Inbound,
        (Some("SIDECAR_OUTBOUND"), Some(side)) => side == Side::Outbound,
        (Some("GATEWAY"), Some(side)) => side == Side::Gateway,
        _ => false,
    }
}

/// The only value that a patch gives one of these fields, the first field that has any.
fn setting<'a>(request: &FailedRequest<'_, 'a, '_>, fields: &[&str], message: Message) -> Option<ConfigurationCause<'a>> {
    setting_where(request, fields, message, |_| true)
}

/// The same of times that were over when the request ended.
fn time<'a>(request: &FailedRequest<'_, 'a, '_>, fields: &[&str]) -> Option<ConfigurationCause<'a>> {
    setting_where(request, fields, TIME, |node| was_over(request, node))
}

fn setting_where<'a>(
    request: &FailedRequest<'_, 'a, '_>,
    fields: &[&str],
    message: Message,
    is_possible: impl Fn(Node<'a>) -> bool,
) -> Option<ConfigurationCause<'a>> {
    let patches = patches(request);
    fields.iter().find_map(|field| {
        let values = |(filter, patch): &(EnvoyFilter<'a>, ConfigPatch<'a>)| {
            let mut found = Vec::new();
            patch.value().into_iter().for_each(|value| collect(value, field, &mut found));
            found.into_iter().map(|node| (*filter, node)).collect::<Vec<_>>()
        };
        let all: Vec<_> = patches.iter().flat_map(values).filter(|(_, node)| is_possible(*node)).collect();
        let [(filter, node)] = all.as_slice() else { return None };
        Some(ConfigurationCause::new(&filter.0, *node, message).with("value", node.text()?))
    })
}

/// The scalars under a key, however deep.
fn collect<'a>(node: Node<'a>, field: &str, found: &mut Vec<Node<'a>>) {
    for (key, value) in node.entries() {
        if key.text().is_some_and(|key| key == field || is_camel_case_of(key, field)) && value.text().is_some() {
            found.push(value);
        } else {
            collect(value, field, found);
        }
    }
    for item in node.items() {
        collect(item, field, found);
    }
}

/// Whether a key is the other spelling of a field that protobuf's JSON accepts.
fn is_camel_case_of(key: &str, field: &str) -> bool {
    key.len() + field.matches('_').count() == field.len() && key.eq_ignore_ascii_case(&field.replace('_', ""))
}

pub(super) fn stream_idle_timeout<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    time(request, &["stream_idle_timeout", "idle_timeout"])
}

pub(super) fn max_duration<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    time(request, &["max_stream_duration", "max_connection_duration", "max_downstream_connection_duration"])
}

pub(super) fn request_timeout<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let fields: &[&str] = match request.facts.parsed_details() {
        Some(Details::Word(Word::RequestHeaderTimeout)) => &["request_headers_timeout"],
        Some(Details::Word(Word::RequestOverallTimeout)) => &["request_timeout"],
        _ => &["request_timeout", "request_headers_timeout"],
    };
    time(request, fields)
}

pub(super) fn request_header_size<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    setting(request, &["max_request_headers_kb"], SIZE)
}

pub(super) fn header_count<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    setting(request, &["max_headers_count"], SIZE)
}

pub(super) fn response_header_size<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    setting(request, &["max_response_headers_kb", "max_headers_count"], SIZE)
}

pub(super) fn request_body_size<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    setting(request, &["max_request_bytes", "per_connection_buffer_limit_bytes"], SIZE)
}

pub(super) fn response_body_size<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    setting(request, &["per_connection_buffer_limit_bytes"], SIZE)
}

pub(super) fn token_bucket<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    setting(request, &["max_tokens"], RATE)
}

pub(super) fn fault<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    setting(request, &["http_status", "grpc_status", "fixed_delay"], FAULT)
}

/// An upgrade that an EnvoyFilter turns off.
pub(super) fn upgrade<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let turned_off = |node: &Node<'_>| node.as_bool() == Some(false);
    let mut found = patches(request).into_iter().filter_map(|(filter, patch)| {
        let mut values = Vec::new();
        let upgrades = patch
            .value()?
            .at(&["typed_config", "upgrade_configs"])
            .or_else(|| patch.value()?.at(&["route", "upgrade_configs"]))?;
        collect(upgrades, "enabled", &mut values);
        Some((filter, values.into_iter().find(turned_off)?))
    });
    let (filter, node) = found.next().filter(|_| found.next().is_none())?;
    Some(ConfigurationCause::new(&filter.0, node, UPGRADE))
}

/// A virtual host that an EnvoyFilter adds for a host which Istio's own configuration has as well.
pub(super) fn duplicate_domain<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let asked = || request.hosts.iter().map(String::as_str).chain(request.authority);
    let is_asked_for = |domain: &Node<'_>| {
        let domain = without_port(domain.text().unwrap_or_default());
        text(request.facts.context.authority.as_ref()).is_none() || asked().any(|host| covers(domain, host))
    };
    let added = patches(request)
        .into_iter()
        .filter(|(_, patch)| patch.apply_to() == Some("VIRTUAL_HOST") && patch.operation().and_then(Node::text) == Some("ADD"));
    let mut domains = added.flat_map(|(filter, patch)| {
        let listed = patch.value().into_iter().flat_map(|value| value.list("domains"));
        listed.map(move |domain| (filter, domain)).collect::<Vec<_>>()
    });
    let (filter, domain) = domains.find(|(_, domain)| domain.text() != Some("*") && is_asked_for(domain))?;
    Some(ConfigurationCause::new(&filter.0, domain, DUPLICATE).with("value", domain.text()?))
}
