//! One condition, and what came of it for one request.

use super::{Expectation, Truth, Value};
use crate::proto_json::{Integer, Object, Text, read};
use crate::route::Request;
use serde_json::value::RawValue;

/// What a condition looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The path without its query.
    Path,
    /// A header, by its name in lower case; `:method` and `:authority` are headers, too.
    Header(String),
    /// A parameter of the query.
    QueryParameter(String),
    /// A cookie.
    Cookie(String),
    /// Whether the method is CONNECT.
    Connect,
    /// Whether the request is one of gRPC.
    Grpc,
    /// Whether the client has shown a certificate.
    PresentedCertificate,
    /// Whether the client's certificate was found valid.
    ValidatedCertificate,
    /// The share of requests that a runtime key says, or the default beside it.
    RuntimeFraction(String),
    /// The name of the server in the client's hello.
    ServerName,
    /// The port that the client connected to.
    DestinationPort,
    /// The address that the client connected to.
    DestinationAddress,
    /// The identity in the client's certificate.
    Principal,
    /// The address of who connected.
    SourceAddress,
    /// The address of the client, which proxies on the way may have passed on.
    RemoteAddress,
    /// A claim of the request's token, by its path.
    Claim(String),
    /// Anything else, by the name of its field.
    Other(String),
}

/// One condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What it looks at.
    pub subject: Subject,
    /// What it wants.
    pub expectation: Expectation,
    /// Whether the case of letters is overlooked.
    pub ignore_case: bool,
    /// Whether the opposite is wanted.
    pub inverted: bool,
    /// Whether a header that is missing is an empty one.
    pub missing_is_empty: bool,
}

/// What came of a condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// The condition.
    pub condition: Condition,
    /// The value that it saw.
    pub found: Value,
    /// Whether it holds.
    pub truth: Truth,
}

impl Condition {
    pub(crate) fn new(subject: Subject, expectation: Expectation) -> Self {
        Self { subject, expectation, ignore_case: false, inverted: false, missing_is_empty: false }
    }

    /// A condition that is not understood.
    pub(crate) fn other(field: &str) -> Self {
        Self::new(Subject::Other(field.to_owned()), Expectation::Other(field.to_owned()))
    }

    /// Reads an `envoy.config.route.v3.HeaderMatcher`.
    pub(crate) fn of_header_matcher(matcher: &Object<'_>) -> Self {
        let name: Text<'_> = matcher.read("name").unwrap_or_default();
        let mut condition = Self::new(Subject::Header(name.to_ascii_lowercase()), Expectation::Present);
        for (field, value) in matcher.fields() {
            let text = || read::<Text<'_>>(value).map(|text| text.to_string());
            let expectation = match field {
                "exact_match" => text().map(Expectation::Exact),
                "prefix_match" => text().map(Expectation::Prefix),
                "suffix_match" => text().map(Expectation::Suffix),
                "contains_match" => text().map(Expectation::Contains),
                "safe_regex_match" => Expectation::of_regex_matcher(value),
                "range_match" => Expectation::of_range(value),
                "present_match" => read(value).map(|is: bool| if is { Expectation::Present } else { Expectation::Absent }),
                "string_match" => {
                    let (expectation, ignore_case) = Expectation::of_string_matcher(value);
                    condition.ignore_case = ignore_case;
                    Some(expectation)
                }
                "invert_match" => {
                    condition.inverted = read(value).unwrap_or_default();
                    continue;
                }
                "treat_missing_header_as_empty" => {
                    condition.missing_is_empty = read(value).unwrap_or_default();
                    continue;
                }
                "name" => continue,
                _ => None,
            };
            condition.expectation = expectation.unwrap_or_else(|| Expectation::Other(field.to_owned()));
        }
        condition
    }

    /// Reads an `envoy.config.route.v3.QueryParameterMatcher` or a `CookieMatcher`.
    pub(crate) fn of_parameter_matcher(matcher: &Object<'_>, subject: fn(String) -> Subject) -> Self {
        let name: Text<'_> = matcher.read("name").unwrap_or_default();
        let mut condition = Self::new(subject(name.to_string()), Expectation::Present);
        for (field, value) in matcher.fields() {
            condition.expectation = match field {
                "string_match" => {
                    let (expectation, ignore_case) = Expectation::of_string_matcher(value);
                    condition.ignore_case = ignore_case;
                    expectation
                }
                "present_match" if read(value) == Some(false) => Expectation::Absent,
                "present_match" => Expectation::Present,
                "invert_match" => {
                    condition.inverted = read(value).unwrap_or_default();
                    continue;
                }
                "name" => continue,
                _ => Expectation::Other(field.to_owned()),
            };
        }
        condition
    }

    /// The conditions of an `envoy.config.route.v3.RouteMatch`, in the order in which people think of them. A field that is not understood is
    /// a condition that nothing is known of.
    #[must_use]
    pub fn of_route_match(route_match: &Object<'_>) -> Vec<Self> {
        let case_sensitive = route_match.read("case_sensitive").unwrap_or(true);
        let mut conditions = Vec::new();
        for (field, value) in route_match.fields() {
            let text = || read::<Text<'_>>(value).map(|text| text.to_string());
            let path = match field {
                "prefix" => text().map(Expectation::Prefix),
                "path" => text().map(Expectation::Exact),
                "path_separated_prefix" => text().map(Expectation::SeparatedPrefix),
                "safe_regex" => Expectation::of_regex_matcher(value),
                "path_match_policy" => template(value),
                "connect_matcher" => {
                    conditions.push(Self::new(Subject::Connect, Expectation::True));
                    continue;
                }
                "case_sensitive" => continue,
                _ => {
                    conditions.extend(further(field, value));
                    continue;
                }
            };
            let mut condition = path.map_or_else(|| Self::other(field), |path| Self::new(Subject::Path, path));
            // A pattern says itself how it takes the case.
            condition.ignore_case = !case_sensitive && matches!(field, "prefix" | "path" | "path_separated_prefix");
            conditions.insert(0, condition);
        }
        conditions
    }

    /// Whether it holds for a request.
    #[must_use]
    pub fn check(&self, request: &Request) -> Check {
        self.check_value(request.value(&self.subject))
    }

    /// Whether it holds for a value.
    #[must_use]
    pub fn check_value(&self, found: Value) -> Check {
        let truth = self.holds_for(&found);
        Check { condition: self.clone(), found, truth }
    }

    /// A header that is missing fails a condition on its value, the inverted one too.
    fn holds_for(&self, found: &Value) -> Truth {
        let empty = Value::Is(String::new());
        let value = if self.missing_is_empty && *found == Value::Missing { &empty } else { found };
        let about_presence = matches!(self.expectation, Expectation::Present | Expectation::Absent);
        if *value == Value::Missing && !about_presence && !matches!(self.expectation, Expectation::Other(_)) {
            return Truth::No;
        }
        let truth = self.expectation.is_met_by(value, self.ignore_case);
        if self.inverted { !truth } else { truth }
    }
}

/// The conditions of a field that is not about the path.
fn further(field: &str, value: &RawValue) -> Vec<Condition> {
    let list = || read::<Vec<Object<'_>>>(value);
    let conditions = match field {
        "headers" => list().map(|list| list.iter().map(Condition::of_header_matcher).collect()),
        "query_parameters" => {
            list().map(|list| list.iter().map(|it| Condition::of_parameter_matcher(it, Subject::QueryParameter)).collect())
        }
        "cookies" => list().map(|list| list.iter().map(|it| Condition::of_parameter_matcher(it, Subject::Cookie)).collect()),
        "grpc" => Some(vec![Condition::new(Subject::Grpc, Expectation::True)]),
        "tls_context" => read::<Object<'_>>(value).map(|context| tls_context(&context)),
        "runtime_fraction" => read::<Object<'_>>(value).map(|fraction| vec![runtime_fraction(&fraction)]),
        _ => None,
    };
    conditions.unwrap_or_else(|| vec![Condition::other(field)])
}

fn tls_context(context: &Object<'_>) -> Vec<Condition> {
    let condition = |(field, value): (&str, &RawValue)| {
        let subject = match field {
            "presented" => Subject::PresentedCertificate,
            "validated" => Subject::ValidatedCertificate,
            _ => return Condition::other(field),
        };
        Condition { inverted: read(value) == Some(false), ..Condition::new(subject, Expectation::True) }
    };
    context.fields().map(condition).collect()
}

/// A share of nothing or of all is decided, unless a runtime key can change it.
fn runtime_fraction(fraction: &Object<'_>) -> Condition {
    let key: Text<'_> = fraction.read("runtime_key").unwrap_or_default();
    let default: Object<'_> = fraction.read("default_value").unwrap_or_default();
    let numerator = default.read::<Integer>("numerator").unwrap_or_default().0;
    let denominator = match default.read::<Text<'_>>("denominator").as_deref() {
        Some("MILLION") => 1_000_000,
        Some("TEN_THOUSAND") => 10_000,
        _ => 100,
    };
    let share = match numerator {
        _ if !key.is_empty() => Expectation::Other(format!("{numerator}/{denominator}")),
        0 => Expectation::Absent,
        all if all >= denominator => Expectation::Present,
        _ => Expectation::Other(format!("{numerator}/{denominator}")),
    };
    Condition::new(Subject::RuntimeFraction(key.to_string()), share)
}

/// The template of an `envoy.path.match.uri_template`.
fn template(value: &RawValue) -> Option<Expectation> {
    let policy = read::<Object<'_>>(value)?;
    let config =
        policy.read::<crate::proto_json::Any<'_>>("typed_config").filter(|config| config.is(".UriTemplateMatchConfig"))?;
    let template: Text<'_> = config.decode::<Object<'_>>().ok()?.read("path_template")?;
    Some(Expectation::Template(template.to_string()))
}
