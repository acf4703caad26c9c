//! Permissions and principals: conditions under and, or, not.

use serde_json::value::RawValue;

use crate::matching::{Check, Condition, Expectation, Range, Subject, Truth};
use crate::proto_json::{Any, Integer, Object, Text, read};
use crate::route::Request;

/// Conditions that belong together.
#[derive(Debug, Clone)]
pub enum Tree {
    /// All have to hold.
    All(Vec<Tree>),
    /// One has to hold.
    Any(Vec<Tree>),
    /// It must not hold.
    Not(Box<Tree>),
    /// One condition.
    Leaf(Condition),
    /// Always holds.
    Always,
}

impl Tree {
    pub(super) fn other(field: &str) -> Self {
        Self::Leaf(Condition::other(field))
    }

    /// Reads an `envoy.config.rbac.v3.Permission` or `Principal`: one field, which says what it is.
    pub(super) fn read(raw: &RawValue) -> Self {
        let message: Object<'_> = read(raw).unwrap_or_default();
        let Some((field, value)) = message.fields().next() else { return Self::other("?") };
        let list = |field: &str| -> Option<Vec<Self>> {
            let list: Vec<&RawValue> = read::<Object<'_>>(value)?.read(field)?;
            Some(list.into_iter().map(Self::read).collect())
        };
        let leaf = |subject, expectation| Self::Leaf(Condition::new(subject, expectation));
        let text = |subject: Subject, raw: &RawValue| {
            let (expectation, ignore_case) = Expectation::of_string_matcher(raw);
            Self::Leaf(Condition { ignore_case, ..Condition::new(subject, expectation) })
        };
        let of_message = |name: &str| read::<Object<'_>>(value).and_then(|message| message.get(name));
        let tree = match field {
            "and_rules" => list("rules").map(Self::All),
            "or_rules" => list("rules").map(Self::Any),
            "and_ids" => list("ids").map(Self::All),
            "or_ids" => list("ids").map(Self::Any),
            "not_rule" | "not_id" => Some(Self::Not(Box::new(Self::read(value)))),
            "any" => Some(Self::Always),
            "header" => read(value).map(|matcher: Object<'_>| Self::Leaf(Condition::of_header_matcher(&matcher))),
            "url_path" => of_message("path").map(|path| text(Subject::Path, path)),
            "uri_template" => template(value).map(|template| leaf(Subject::Path, template)),
            "destination_port" => {
                read(value).map(|port: Integer| leaf(Subject::DestinationPort, Expectation::Exact(port.0.to_string())))
            }
            "destination_port_range" => Expectation::of_range(value).map(|range| leaf(Subject::DestinationPort, range)),
            "destination_ip" => range(value).map(|range| leaf(Subject::DestinationAddress, range)),
            "source_ip" | "direct_remote_ip" => range(value).map(|range| leaf(Subject::SourceAddress, range)),
            "remote_ip" => range(value).map(|range| leaf(Subject::RemoteAddress, range)),
            "requested_server_name" => Some(text(Subject::ServerName, value)),
            "authenticated" => Some(match of_message("principal_name") {
                Some(name) => text(Subject::Principal, name),
                None => leaf(Subject::Principal, Expectation::Present),
            }),
            "filter_state" => filter_state(value).map(Self::Leaf),
            "metadata" => read(value).and_then(|metadata: Object<'_>| metadata_condition(&metadata)).map(Self::Leaf),
            _ => None,
        };
        tree.unwrap_or_else(|| Self::other(field))
    }

    /// Whether it holds for a request.
    #[must_use]
    pub fn holds(&self, request: &Request) -> Truth {
        match self {
            Self::All(all) => Truth::all(all.iter().map(|tree| tree.holds(request))),
            Self::Any(all) => Truth::any(all.iter().map(|tree| tree.holds(request))),
            Self::Not(tree) => !tree.holds(request),
            Self::Leaf(condition) => condition.check(request).truth,
            Self::Always => Truth::Yes,
        }
    }

    /// The fewest conditions that keep it from holding.
    #[must_use]
    pub fn misses(&self, request: &Request) -> Vec<Check> {
        self.misses_of(request, false)
    }

    fn misses_of(&self, request: &Request, negated: bool) -> Vec<Check> {
        match (self, negated) {
            (Self::Not(tree), _) => tree.misses_of(request, !negated),
            (Self::All(all), false) | (Self::Any(all), true) => {
                all.iter().flat_map(|tree| tree.misses_of(request, negated)).collect()
            }
            (Self::Any(all), false) | (Self::All(all), true) => {
                let misses = all.iter().map(|tree| tree.misses_of(request, negated));
                misses
                    .min_by_key(|misses| (misses.iter().filter(|miss| miss.truth == Truth::No).count(), misses.len()))
                    .unwrap_or_default()
            }
            (Self::Leaf(condition), _) => {
                let mut check = condition.check(request);
                if negated {
                    // A missing value fails the condition either way, so that only the outcome is turned round.
                    check.truth = !check.truth;
                    check.condition.inverted = !check.condition.inverted;
                }
                if check.truth == Truth::Yes { Vec::new() } else { vec![check] }
            }
            (Self::Always, false) => Vec::new(),
            (Self::Always, true) => vec![Condition::other("any").check(request)],
        }
    }
}

fn range(value: &RawValue) -> Option<Expectation> {
    Some(Expectation::Within(Range::new(&read(value)?)?))
}

fn template(value: &RawValue) -> Option<Expectation> {
    let config =
        read::<Object<'_>>(value)?.read::<Any<'_>>("typed_config").filter(|config| config.is(".UriTemplateMatchConfig"))?;
    let template: Text<'_> = config.decode::<Object<'_>>().ok()?.read("path_template")?;
    Some(Expectation::Template(template.to_string()))
}

/// Istio keeps the peer's identity in the state of filters.
fn filter_state(value: &RawValue) -> Option<Condition> {
    let matcher = read::<Object<'_>>(value)?;
    let key: Text<'_> = matcher.read("key")?;
    let (expectation, ignore_case) = Expectation::of_string_matcher(matcher.get("string_match")?);
    let subject = if &*key == "io.istio.peer_principal" { Subject::Principal } else { Subject::Other(key.to_string()) };
    Some(Condition { ignore_case, ..Condition::new(subject, expectation) })
}

/// A claim of a token, where the filter for tokens puts it, or anything else that filters say of a request.
fn metadata_condition(metadata: &Object<'_>) -> Option<Condition> {
    let filter: Text<'_> = metadata.read("filter")?;
    let path: Vec<Object<'_>> = metadata.read("path")?;
    let path: Vec<String> =
        path.iter().filter_map(|segment| segment.read::<Text<'_>>("key")).map(|key| key.to_string()).collect();
    let path = path.join(".");
    let is_of_token = matches!(&*filter, "envoy.filters.http.jwt_authn" | "istio_authn");
    let subject = if is_of_token { Subject::Claim(path) } else { Subject::Other(format!("{}:{path}", &*filter)) };
    let inverted = metadata.read("invert").unwrap_or_default();
    let expectation = value_matcher(metadata.get("value")?);
    Some(Condition { inverted, ..Condition::new(subject, expectation) })
}

/// `envoy.type.matcher.v3.ValueMatcher`.
fn value_matcher(raw: &RawValue) -> Expectation {
    let matcher: Object<'_> = read(raw).unwrap_or_default();
    let Some((field, value)) = matcher.fields().next() else { return Expectation::Other("value".to_owned()) };
    let of = |name: &str| read::<Object<'_>>(value).and_then(|message| message.get(name));
    let expectation = match field {
        "string_match" => Some(Expectation::of_string_matcher(value).0),
        "present_match" => Some(if read(value) == Some(false) { Expectation::Absent } else { Expectation::Present }),
        "list_match" => of("one_of").map(value_matcher),
        "or_match" => of("value_matchers")
            .and_then(read::<Vec<&RawValue>>)
            .map(|list| Expectation::AnyOf(list.into_iter().map(value_matcher).collect())),
        _ => None,
    };
    expectation.unwrap_or_else(|| Expectation::Other(field.to_owned()))
}
