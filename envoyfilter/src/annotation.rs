//! `local_reply_config`: Envoy marks its own replies with what proves their cause; who reads a member knows the catalogue.
//!
//! Envoy tries mappers in order and takes the first that matches. So each of ours matches only what it marks, the usual failures come
//! first behind a native filter, and their details are a constant of Envoy's. Of other replies one guard decides whether the details may
//! stand in a header; exact causes are looked up by the details' word. Decision 11 has the numbers.

use meshwhy_core::details::Word;
use meshwhy_core::proxy_status::Level;
use meshwhy_core::{Decisive, Flag, ResponseFlags, Side, judge};

use crate::filters::{all, expression, status};
use crate::install::Visibility;
use crate::yaml::{element, folded, indented};

/// Printable ASCII without `"` and `\`: nothing then needs an escape, and nothing can break out.
const PRINTABLE: &str = r"response.code_details.matches('^[ !#-\\[\\]-~]+$')";
/// What a peer must have that gets the member on the inbound side.
const MTLS: &str = "connection.mtls";

const TERMINATED: &str = "upstream_reset_before_response_started{connection_termination}";
const OVERFLOW: &str = "upstream_reset_before_response_started{overflow}";

/// Causes that the details prove beside some flag.
const FLAGGED: [(Flag, &str); 7] = [
    (Flag::NC, Word::ClusterNotFound.as_str()),
    (Flag::UC, TERMINATED),
    (Flag::UO, OVERFLOW),
    (Flag::UT, Word::ResponseTimeout.as_str()),
    (Flag::UAEX, Word::ExtAuthzDenied.as_str()),
    (Flag::UAEX, Word::ExtAuthzError.as_str()),
    (Flag::FI, Word::FaultFilterAbort.as_str()),
];

/// Those that come in storms have mappers of their own behind the flag alone: an expression costs more than all the rest of a mapper.
/// Envoy sets the first two together with these details. Should another filter of the same proxy replace such a reply, the details say
/// it, and readers go by them.
const NO_ROUTE: (Flag, &str) = (Flag::NR, Word::RouteNotFound.as_str());
const NO_ENDPOINT: (Flag, &str) = (Flag::UH, Word::NoHealthyUpstream.as_str());
/// The other details of this flag come from Envoy's sockets and from BoringSSL, and need no escape either.
const REFUSED: (Flag, &str) =
    (Flag::UF, "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}");

/// Causes that the details prove alone; Envoy sets the flags of these too late, or none.
const UNFLAGGED: [(u16, &str); 6] = [
    (426, Word::LowVersion.as_str()),
    (431, Word::Http1HeadersTooLarge.as_str()),
    (431, Word::Http1TooManyHeaders.as_str()),
    (400, Word::Http1CodecError.as_str()),
    (429, Word::RequestRateLimited.as_str()),
    (429, Word::LocalRateLimited.as_str()),
];

/// Who gets the member of a mapper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MapperAudience {
    /// Every client: on the outbound side the workload itself.
    Everyone,
    /// Peers with mutual TLS.
    Peers,
}

/// Which members a proxy writes: [`Level::Full`] takes the module, and is [`Level::Standard`] here.
#[derive(Debug, Clone, Copy)]
pub struct Annotation {
    /// Which way the traffic goes.
    pub side: Side,
    /// Who gets them.
    pub visibility: Visibility,
    /// How much they have.
    pub level: Level,
}

/// A condition on the reply and the member it gets.
struct ReplyMapper {
    filter: String,
    /// What follows the name in the member, up to `mw-side`.
    cause: String,
    flags: bool,
    details: bool,
}

impl Annotation {
    /// The field of an HTTP connection manager.
    pub fn local_reply_config(self) -> String {
        let mappers: String = self.mappers().iter().map(|mapper| element(&mapper.render(self.side))).collect();
        format!("local_reply_config:\n  mappers:\n{}", indented(2, &mappers))
    }

    fn audience(self) -> MapperAudience {
        match (self.side, self.visibility) {
            (Side::Inbound, Visibility::Mesh) => MapperAudience::Peers,
            _ => MapperAudience::Everyone,
        }
    }

    fn is_minimal(self) -> bool {
        self.level == Level::Minimal
    }

    fn mappers(self) -> Vec<ReplyMapper> {
        let audience = self.audience();
        let failed = status("GE", 400);
        let flagged = "response_flag_filter: {}\n".to_owned();
        // On the inbound side every connection manager has one route, and it names a cluster with an endpoint. Who may get it takes an
        // expression there, and that one can match the usual details as well.
        let (storms, looked_up) = match audience {
            // A member without details has to say by itself that the connection was refused.
            MapperAudience::Everyone if self.is_minimal() => (vec![self.no_route(), self.by_flag(NO_ENDPOINT)], vec![REFUSED]),
            MapperAudience::Everyone => {
                let unproven = self.mapper(flag_filter(REFUSED.0), String::new());
                (vec![self.no_route(), self.by_flag(NO_ENDPOINT), unproven], vec![])
            }
            MapperAudience::Peers => (vec![self.refused()], vec![NO_ROUTE, NO_ENDPOINT]),
        };
        let unprintable = guarded(audience, &format!("!{PRINTABLE}"));
        let peer = (audience == MapperAudience::Peers).then(|| expression(MTLS));
        let allowed = |filters: &[&String]| all_of(filters.iter().copied().chain(&peer).cloned().collect());
        let words = FLAGGED.into_iter().chain(looked_up).map(|(flag, details)| (details, self.proven(flag, details)));
        let guard = ReplyMapper { details: false, ..self.mapper(all(&[failed.clone(), unprintable]), String::new()) };
        let last = [
            self.mapper(allowed(&[&failed, &flagged]), format!("%CEL({})%", looked_up_by_details(words))),
            ReplyMapper { flags: false, ..self.mapper(allowed(&[&failed]), format!("%CEL({})%", self.unflagged_causes())) },
        ];
        // Details that are left out need no guard.
        storms.into_iter().chain((!self.is_minimal()).then_some(guard)).chain(last).collect()
    }

    /// A gateway's route table may have no virtual host for the authority, which is a cause of its own. Istio ends a sidecar's with one for
    /// every authority, `allow_any` or `block_all`.
    fn no_route(self) -> ReplyMapper {
        if self.side != Side::Gateway {
            return self.by_flag(NO_ROUTE);
        }
        let (flag, details) = NO_ROUTE;
        let without_host = self.parameters(&Decisive { virtual_host: Some("".into()), ..facts(Some(flag), details) });
        let cause = format!("%CEL(has(xds.virtual_host_name) ? '{}' : '{without_host}')%", self.proven(flag, details));
        self.mapper(flag_filter(flag), cause)
    }

    fn by_flag(self, (flag, details): (Flag, &str)) -> ReplyMapper {
        self.mapper(flag_filter(flag), self.proven(flag, details))
    }

    fn refused(self) -> ReplyMapper {
        let (flag, details) = REFUSED;
        self.mapper(
            all(&[flag_filter(flag), guarded(MapperAudience::Peers, &format!("response.code_details == '{details}'"))]),
            self.proven(flag, details),
        )
    }

    fn mapper(self, filter: String, cause: String) -> ReplyMapper {
        ReplyMapper { filter, cause, flags: !self.is_minimal(), details: !self.is_minimal() }
    }

    /// By the beginning of details that hold a policy's name or a reason; of direct responses by the route; else by the details' word.
    fn unflagged_causes(self) -> String {
        let begins = |status: u16, head: &str, rest: &str| {
            let facts = Decisive { status: Some(status), ..facts(None, &format!("{head}{rest}")) };
            format!("response.code_details.startsWith('{head}') ? '{}'", self.parameters(&facts))
        };
        let blocked = Decisive { route: Some("block_all".into()), ..facts(None, Word::DirectResponse.as_str()) };
        let route = if self.is_minimal() { "" } else { "; mw-route=\"block_all\"" };
        let blocked = format!(
            "response.code_details == 'direct_response' && xds.route_name == 'block_all' ? '{}{route}'",
            self.parameters(&blocked)
        );
        let words = UNFLAGGED
            .iter()
            .map(|(status, details)| (*details, self.parameters(&Decisive { status: Some(*status), ..facts(None, details) })));
        [
            begins(403, "rbac_access_denied_matched_policy[", "none]"),
            begins(401, "jwt_authn_access_denied{Jwt_", "is_missing}"),
            blocked,
            looked_up_by_details(words),
        ]
        .join(" : ")
    }

    fn proven(self, flag: Flag, details: &str) -> String {
        self.parameters(&facts(Some(flag), details))
    }

    /// What the member says of the cause that these facts prove.
    fn parameters(self, facts: &Decisive<'_>) -> String {
        let Some(verdict) = judge(facts) else { return String::new() };
        let error = verdict.cause.error.map(|error| format!("; error={}", error.as_str())).unwrap_or_default();
        let cause = if self.is_minimal() { String::new() } else { format!("; mw-cause={}", verdict.cause.code) };
        error + &cause
    }
}

impl ReplyMapper {
    fn render(&self, side: Side) -> String {
        let flags = if self.flags { "; mw-flags=\"%RESPONSE_FLAGS%\"" } else { "" };
        let details = if self.details { "; details=\"%RESPONSE_CODE_DETAILS%\"" } else { "" };
        let name = "\"%ENVIRONMENT(POD_NAME)%.%ENVIRONMENT(POD_NAMESPACE)%\"";
        let member = format!("{name}{}; mw-side={}{flags}{details}", self.cause, side.as_str());
        format!(
            "filter:\n{}headers_to_add:\n- header:\n    key: proxy-status\n{}",
            indented(2, &self.filter),
            indented(4, &folded("value", &member))
        )
    }
}

fn flag_filter(flag: Flag) -> String {
    format!("response_flag_filter: {{flags: [{}]}}\n", flag.short())
}

fn all_of(filters: Vec<String>) -> String {
    match filters.as_slice() {
        [only] => only.clone(),
        filters => all(filters),
    }
}

/// The expression, for those alone who may get the member.
fn guarded(audience: MapperAudience, condition: &str) -> String {
    match audience {
        MapperAudience::Everyone => expression(condition),
        MapperAudience::Peers => expression(&format!("{MTLS} && {condition}")),
    }
}

/// The parameters by the details; for other details the command gives nothing.
fn looked_up_by_details<'d>(causes: impl Iterator<Item = (&'d str, String)>) -> String {
    let entries: Vec<_> = causes.map(|(details, parameters)| format!("'{details}': '{parameters}'")).collect();
    format!("{{{}}}[response.code_details]", entries.join(", "))
}

fn facts(flag: Option<Flag>, details: &str) -> Decisive<'static> {
    let flags = flag.map(|flag| ResponseFlags(flag.mask()));
    Decisive { status: Some(503), flags, details: Some(details.to_owned().into()), ..Decisive::default() }
}

#[cfg(test)]
mod tests;
