//! The words of what policies make of a request.

use meshwhy_core::Lang;

use super::Request;
use super::overrides::Effective;
use super::report::{ReportedCondition, ReportedPolicy};
use crate::config::HttpConnectionManager;
use crate::matching::{Truth, Value};
use crate::policy::{Action, Decision, Policy};
use crate::words::say;

/// Where tokens may stand beside the usual places.
const ELSEWHERE: [&str; 3] = ["\"from_headers\"", "\"from_params\"", "\"from_cookies\""];

/// Whether no token is in the places that the proxy looks at.
pub(super) fn has_no_token(manager: &HttpConnectionManager<'_>, request: &Request) -> bool {
    let readers = manager.http_filters.iter().filter(|filter| filter.is(".JwtAuthentication"));
    let mut configurations = readers.filter_map(|filter| filter.typed_config).map(|config| config.0.get()).peekable();
    let usual = request.header("authorization") == Value::Missing && !request.path.contains("access_token=");
    configurations.peek().is_none() || (usual && !configurations.any(|json| ELSEWHERE.iter().any(|place| json.contains(place))))
}

/// How istiod names what it denies since it cannot have it decided.
///
/// Source: Istio `pilot/pkg/security/authz/builder/builder.go`, 1.29.
const BAD_CUSTOM: &str = "-deny-due-to-bad-CUSTOM-action";

/// What a filter does, in Istio's words.
pub(super) const fn name(action: Action) -> &'static str {
    match action {
        Action::Allow => "ALLOW",
        Action::Deny => "DENY",
    }
}

/// Where the policies come from, unless from the filter itself.
pub(super) fn source(effective: &Effective, lang: Lang) -> Option<String> {
    match effective {
        Effective::Own => None,
        Effective::OfRoute(_) => Some(say!(
            lang,
            "rules of the route: `typed_per_filter_config` replaces the filter's",
            "使用路由自己的规则：`typed_per_filter_config` 取代了过滤器的规则"
        )),
        Effective::Open => Some(say!(
            lang,
            "the route may have rules of its own in `typed_per_filter_config`, and which route it is, is not known",
            "路由可能在 `typed_per_filter_config` 中有自己的规则，而命中哪条路由未知"
        )),
    }
}

pub(super) fn detail(decision: &Decision, count: usize, lang: Lang) -> String {
    let by = decision.by.as_deref().map_or_else(|| "?".to_owned(), |name| resource(name, lang));
    match (decision.action, decision.passes) {
        (Action::Allow, Truth::Yes) | (Action::Deny, Truth::No) => say!(lang, "{by} matches", "{by} 匹配"),
        (_, Truth::Unknown) => say!(lang, "whether {by} matches is not known", "{by} 是否匹配未知"),
        _ => say!(lang, "none of {count} rules matches", "{count} 条规则均不匹配"),
    }
}

pub(super) fn headline(decision: &Decision, is_connection: bool, lang: Lang) -> String {
    let what = if is_connection {
        say!(lang, "Envoy closes the connection", "Envoy 会关闭连接")
    } else {
        say!(lang, "Envoy answers 403 (RBAC: access denied)", "Envoy 会回复 403（RBAC: access denied）")
    };
    match (decision.action, decision.by.as_deref()) {
        (Action::Deny, Some(by)) => {
            let by = resource(by, lang);
            say!(lang, "{what}: {by} denies it.", "{what}：被 {by} 拒绝。")
        }
        _ => say!(lang, "{what}: there are ALLOW policies, and none matches.", "{what}：存在 ALLOW 策略，但没有一条匹配。"),
    }
}

pub(super) fn near(decision: &Decision, lang: Lang) -> Vec<ReportedPolicy> {
    let reported = decision.near.iter().map(|(name, misses)| ReportedPolicy {
        name: name.clone(),
        resource: Policy::authorization_policy(name).is_some().then(|| resource(name, lang)),
        conditions: misses.iter().map(|check| ReportedCondition { holds: check.truth, detail: check.prose(lang) }).collect(),
    });
    reported.collect()
}

/// `AuthorizationPolicy shop/pay rule 0`, or the name as it is.
fn resource(name: &str, lang: Lang) -> String {
    match Policy::authorization_policy(name) {
        Some((policy, rule)) if name.ends_with(BAD_CUSTOM) => say!(
            lang,
            "{policy} rule {rule} (CUSTOM, and its provider is not in the mesh configuration)",
            "{policy} 规则 {rule}（CUSTOM，但网格配置中没有其 provider）"
        ),
        Some((policy, rule)) => say!(lang, "{policy} rule {rule}", "{policy} 规则 {rule}"),
        None => format!("`{name}`"),
    }
}
