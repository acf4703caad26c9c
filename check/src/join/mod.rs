//! From a failed request to the line of configuration that explains it.
//!
//! Each locator takes what the proxy said of one request and finds the one place in the files that leads to this very failure. Where
//! the facts select no single place, it finds none: a wrong line costs its reader more than no line.

mod authorization;
mod destination;
mod destination_policy;
mod duration;
mod envoy_filter;
mod gateway;
mod host;
mod match_fit;
mod no_route;
mod proxy;
mod request;
mod route_setting;
mod transport_security;
mod visibility;
mod workload;

use std::borrow::Cow;

use meshwhy_core::catalogue::texts::Lang;
use meshwhy_core::causes as cause;
use meshwhy_core::{Cause, Facts};

use crate::document::{Node, Place};
use crate::edit::Edit;
use crate::finding::{Certainty, Finding, Related};
use crate::mesh::Mesh;
use crate::model::{Resource, ResourceName};
use crate::rules::{Message, Rule, RuleOutcome};

use request::FailedRequest;

/// The place in the files that explains a failed request.
#[derive(Debug, Clone)]
pub struct ConfigurationCause<'a> {
    /// The manifest.
    pub resource: ResourceName<'a>,
    /// What is to be changed.
    pub place: Place,
    /// Other places that it rests on.
    pub related: Vec<Related<'a>>,
    /// The rule of `check` that says the same of the files alone.
    pub rule: Option<&'static Rule>,
    /// What would cure it, where that rule knows.
    pub edits: Vec<Edit>,
    message: Message,
    values: Vec<(&'static str, Cow<'a, str>)>,
}

impl<'a> ConfigurationCause<'a> {
    fn new(resource: &Resource<'a>, node: Node<'a>, message: Message) -> Self {
        Self {
            resource: resource.id(),
            place: node.place(),
            related: Vec::new(),
            rule: None,
            edits: Vec::new(),
            message,
            values: vec![("resource", resource.id().to_string().into())],
        }
    }

    fn with(mut self, word: &'static str, value: impl Into<Cow<'a, str>>) -> Self {
        self.values.push((word, value.into()));
        self
    }

    fn beside(mut self, resource: &Resource<'a>, node: Node<'a>) -> Self {
        self.related.push(Related { resource: Some(resource.id()), place: node.place() });
        self
    }

    /// What is wrong there, in one sentence.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        self.message.filled(lang, &self.values)
    }

    fn of_rule(rule: &'static Rule, finding: &Finding<'a>) -> Option<Self> {
        Some(Self {
            resource: finding.resource?,
            place: finding.place,
            related: finding.related.clone(),
            rule: Some(rule),
            edits: finding.edits.clone(),
            message: rule.message,
            values: finding.values.clone(),
        })
    }

    /// With the rule that names this place for the same cause, as its own or beside it.
    fn beside_rule(mut self, cause: &Cause, findings: &RuleOutcome<'a>) -> Self {
        let names = |finding: &Finding<'a>| {
            finding.place == self.place || finding.related.iter().any(|related| related.place == self.place)
        };
        let same = findings.found.iter().find(|(rule, finding)| rule.explains.contains(&cause) && names(finding));
        if let Some((rule, finding)) = same {
            self.rule = Some(rule);
            self.edits.clone_from(&finding.edits);
            for related in &finding.related {
                if related.place != self.place && !self.related.iter().any(|known| known.place == related.place) {
                    self.related.push(related.clone());
                }
            }
        }
        self
    }
}

type Locator = for<'m, 'a, 'f> fn(&FailedRequest<'m, 'a, 'f>) -> Option<ConfigurationCause<'a>>;

/// The configuration that explains a failed request; `None` where nothing in the files does, or where the facts do not say which.
#[must_use]
pub fn explain<'a>(
    mesh: &Mesh<'a>,
    cause: &Cause,
    facts: &Facts<'_>,
    findings: &RuleOutcome<'a>,
) -> Option<ConfigurationCause<'a>> {
    let request = FailedRequest::new(mesh, facts);
    let located = locators(cause).iter().find_map(|locate| locate(&request));
    match located {
        Some(located) => Some(located.beside_rule(cause, findings)),
        None => of_rules(&request, cause, findings),
    }
}

/// What a line that shows no failure hides, where the files prove it: a redirect that leads back to itself, or TLS inside TLS.
#[must_use]
pub fn hidden_failure<'a>(mesh: &Mesh<'a>, facts: &Facts<'_>) -> Option<(&'static Cause, ConfigurationCause<'a>)> {
    let request = FailedRequest::new(mesh, facts);
    if facts.status.is_some_and(|status| (300..400).contains(&status)) {
        return Some((&cause::redirect_loop::CAUSE, route_setting::proven_redirect_loop(&request)?));
    }
    Some((&cause::tls_handshake_failed::CAUSE, transport_security::double_tls(&request)?))
}

/// What certainly leads to the cause, and concerns the host that was asked for; only where there is one.
fn of_rules<'a>(
    request: &FailedRequest<'_, 'a, '_>,
    cause: &Cause,
    findings: &RuleOutcome<'a>,
) -> Option<ConfigurationCause<'a>> {
    let concerns = |finding: &Finding<'_>| {
        let hosts = finding.values.iter().filter(|(word, _)| *word == "host").map(|(_, host)| host.as_ref());
        hosts.into_iter().any(|host| request.hosts.iter().any(|asked| asked == host))
    };
    let mut fitting = findings
        .found
        .iter()
        .filter(|(rule, finding)| rule.explains.contains(&cause) && finding.certainty == Certainty::Certain && concerns(finding));
    let (rule, finding) = fitting.next()?;
    fitting.next().is_none().then(|| ConfigurationCause::of_rule(rule, finding))?
}

/// What is looked at for a cause, the most telling first.
static LOCATORS: &[(&Cause, &[Locator])] = &[
    (&cause::no_cluster::CAUSE, &[destination::missing]),
    (&cause::no_route::CAUSE, &[envoy_filter::duplicate_domain, no_route::nearest_match, gateway::unrouted_host]),
    (&cause::no_virtual_host::CAUSE, &[envoy_filter::duplicate_domain, no_route::nearest_match, gateway::unrouted_host]),
    (&cause::duplicate_domain::CAUSE, &[envoy_filter::duplicate_domain]),
    (&cause::passthrough_blackhole::CAUSE, &[visibility::hidden_host]),
    (&cause::direct_response::CAUSE, &[route_setting::direct_response]),
    (&cause::redirect_loop::CAUSE, &[route_setting::redirect_loop]),
    (&cause::no_filter_chain::CAUSE, &[gateway::unmatched_server_name, transport_security::refused_plaintext]),
    (
        &cause::no_healthy_endpoints::CAUSE,
        &[destination::empty_subset, destination::empty_selector, destination_policy::ejection],
    ),
    (&cause::upstream_connection_refused::CAUSE, &[workload::default_endpoint, workload::target_port]),
    (&cause::upstream_connection_timeout::CAUSE, &[workload::default_endpoint]),
    (&cause::dns_resolution_failed::CAUSE, &[destination::unresolved_address]),
    (&cause::circuit_breaker_overflow::CAUSE, &[destination_policy::overflow]),
    (&cause::upgrade_not_allowed::CAUSE, &[envoy_filter::upgrade]),
    (&cause::fault_injected::CAUSE, &[route_setting::fault, envoy_filter::fault]),
    (&cause::request_timeout::CAUSE, &[route_setting::timeout]),
    (&cause::retry_exhausted::CAUSE, &[route_setting::per_try_timeout]),
    (&cause::stream_idle_timeout::CAUSE, &[envoy_filter::stream_idle_timeout]),
    (&cause::max_duration::CAUSE, &[envoy_filter::max_duration, destination_policy::connection_duration]),
    (&cause::client_too_slow::CAUSE, &[envoy_filter::request_timeout]),
    (&cause::headers_too_large::CAUSE, &[envoy_filter::request_header_size]),
    (&cause::too_many_headers::CAUSE, &[envoy_filter::header_count]),
    (&cause::response_headers_too_large::CAUSE, &[envoy_filter::response_header_size]),
    (&cause::payload_too_large::CAUSE, &[envoy_filter::request_body_size]),
    (&cause::response_payload_too_large::CAUSE, &[envoy_filter::response_body_size]),
    (&cause::rate_limited::CAUSE, &[envoy_filter::token_bucket]),
    (
        &cause::upstream_closed_connection::CAUSE,
        &[
            transport_security::contradiction,
            transport_security::client_certificate,
            destination_policy::h2_upgrade,
            workload::port_declared_http2,
            route_setting::retries_off,
        ],
    ),
    (&cause::keepalive_race::CAUSE, &[route_setting::retries_off]),
    (&cause::protocol_error_upstream::CAUSE, &[destination_policy::h2_upgrade, workload::port_declared_http2]),
    (&cause::protocol_error_downstream::CAUSE, &[gateway::protocol_conflict, workload::tls_port_declared_http]),
    (&cause::plaintext_to_tls_port::CAUSE, &[transport_security::refused_plaintext]),
    (
        &cause::tls_to_plaintext_port::CAUSE,
        &[transport_security::double_tls, transport_security::unexpected_tls, transport_security::claimed_mtls],
    ),
    (&cause::certificate_verify_failed::CAUSE, &[transport_security::verification]),
    (
        &cause::tls_handshake_failed::CAUSE,
        &[transport_security::double_tls, transport_security::client_certificate, transport_security::refused_client],
    ),
    (&cause::rbac_denied::CAUSE, &[authorization::denied]),
    (&cause::ext_authz_misconfigured::CAUSE, &[authorization::custom_provider]),
    (&cause::ext_authz_error::CAUSE, &[visibility::hidden_provider]),
    (&cause::jwt_rejected::CAUSE, &[authorization::jwt]),
    (&cause::jwks_fetch_failed::CAUSE, &[authorization::jwks]),
    (&cause::app_error::CAUSE, &[route_setting::rewrite]),
];

/// What is looked at for a cause.
fn locators(of: &Cause) -> &'static [Locator] {
    LOCATORS.iter().find(|(known, _)| *known == of).map_or(&[], |(_, locators)| locators)
}
