//! `local_reply_config`: who is told, and the mappers that name the cause.
//!
//! Envoy tries mappers in order and takes the first that matches; each attribute that an expression reads costs about a microsecond. So
//! the usual failures come first, each behind a native filter; then three expressions find most others by their details and the cause
//! by halves. What they leave – a transport failure beside other details, replies without details – is tried cause by cause, as `judge`
//! does: certain before likely, refinements first, and `unknown` last. Source: Envoy 1.40, measured.

use meshwhy_core::causes::{REGISTRY, unknown};
use meshwhy_core::condition::Condition;
use meshwhy_core::condition::cel::LATE_FLAGS;
use meshwhy_core::details::{Family, Word};

use crate::decision::{Chain, Known, Place, chain, conditions};
use crate::search::{From, MAX_NESTING, by_halves, nesting, runs};
use crate::usual::{Sign, USUAL, Usual};
use crate::yaml::{Document, quoted};

/// Envoy's limit on a header value in the configuration.
const MAX_VALUE: usize = 16_384;
/// Texts compared one after the other at the end of a search.
const BUCKET: usize = 12;
/// How the details of a failed upstream stream begin.
const RESET: &str = "upstream_reset_before_response_started{";

/// A condition on the reply and the member it gets.
#[derive(Debug)]
struct Mapper {
    /// What it is for.
    comment: String,
    /// When it is chosen.
    test: Test,
    /// What follows the name in the member, up to `mw-side`.
    cause: String,
    /// Whether the details are one fixed word, safe to write into a header.
    fixed_details: bool,
}

/// What Envoy tests on a reply.
#[derive(Debug)]
enum Test {
    /// What it knows without an expression.
    Native(Sign),
    /// CEL.
    Expression(String),
    /// The first spares the second.
    Both(Sign, String),
}

pub fn render(document: &mut Document, indent: usize, side: &str) {
    document.line(indent, "local_reply_config:");
    document.line(indent + 2, "mappers:");
    document.comment(indent + 2, "Replies that are no failures, such as redirects.");
    document.text(indent + 2, "- filter:\n    status_code_filter: {comparison: {op: LE, value: {default_value: 399}}}");
    document.comment(indent + 2, "Visibility: a peer without mutual TLS learns nothing; remove this mapper to tell everyone.");
    document.line(indent + 2, "- filter:");
    expression(document, indent + 6, "!connection.mtls");
    for mapper in accepted() {
        document.comment(indent + 2, &mapper.comment);
        document.line(indent + 2, "- filter:");
        mapper.test.render(document, indent + 6);
        document.text(indent + 4, "headers_to_add:\n- append_action: APPEND_IF_EXISTS_OR_ADD\n  header:\n    key: proxy-status");
        document.folded(indent + 8, "value", &mapper.member(side));
    }
}

fn native(document: &mut Document, indent: usize, sign: Sign) {
    match sign {
        Sign::Flag(flag) => document.line(indent, &format!("response_flag_filter: {{flags: [{}]}}", flag.short())),
        Sign::Status(status) => {
            document.line(indent, &format!("status_code_filter: {{comparison: {{op: EQ, value: {{default_value: {status}}}}}}}"));
        }
    }
}

fn expression(document: &mut Document, indent: usize, expression: &str) {
    document.text(
        indent,
        "\
extension_filter:
  name: envoy.access_loggers.extension_filters.cel
  typed_config:
    \"@type\": type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
    );
    if expression.len() > 100 {
        document.folded(indent + 4, "expression", expression);
    } else {
        document.line(indent + 4, &format!("expression: {}", quoted(expression)));
    }
}

impl Mapper {
    fn member(&self, side: &str) -> String {
        let details = if self.fixed_details { "; details=\"%RESPONSE_CODE_DETAILS%\"" } else { "" };
        format!("\"%ENVIRONMENT(POD_NAME)%.%ENVIRONMENT(POD_NAMESPACE)%\"{}; mw-side={side}{details}", self.cause)
    }

    /// Whether Envoy takes it. One that it would refuse takes the whole configuration with it.
    fn is_accepted(&self) -> bool {
        // A side is a short word.
        let test = self.test.expression().map_or(0, nesting);
        test <= MAX_NESTING && nesting(&self.cause) <= MAX_NESTING && self.member("outbound").len() <= MAX_VALUE
    }
}

impl Test {
    fn render(&self, document: &mut Document, indent: usize) {
        match self {
            Self::Native(sign) => native(document, indent, *sign),
            Self::Expression(text) => expression(document, indent, text),
            Self::Both(sign, text) => {
                document.text(indent, "and_filter:\n  filters:");
                document.element(indent + 2, |element| native(element, 0, *sign));
                document.element(indent + 2, |element| expression(element, 0, text));
            }
        }
    }

    fn expression(&self) -> Option<&str> {
        match self {
            Self::Native(_) => None,
            Self::Expression(text) | Self::Both(_, text) => Some(text),
        }
    }
}

/// Without the quick ones that Envoy would refuse, the slow ones give the same member.
fn accepted() -> impl Iterator<Item = Mapper> {
    mappers().into_iter().filter(Mapper::is_accepted)
}

fn mappers() -> Vec<Mapper> {
    let last = Mapper {
        comment: unknown::CAUSE.slug.to_owned(),
        test: Test::Expression("response.code >= 400".to_owned()),
        cause: parameters(unknown::CAUSE.code),
        fixed_details: false,
    };
    let slow = conditions().filter_map(|(cause, condition)| {
        let test = Test::Expression(condition.cel().filter(|_| !rests_on_late_flag(condition))?);
        let comment = cause.slug.to_owned();
        Some(Mapper { comment, test, cause: parameters(cause.code), fixed_details: condition.fixes_details() })
    });
    USUAL.iter().map(usual).chain([resets(), words(), families()]).chain(slow).chain([last]).collect()
}

fn usual(usual: &Usual) -> Mapper {
    let (condition, causes) = usual.condition();
    let test = match condition {
        Some(condition) => Test::Both(usual.sign, condition),
        None => Test::Native(usual.sign),
    };
    let comment = causes.slugs().join(", ");
    let cause = match causes.last {
        Some(code) if causes.when.is_empty() => parameters(code),
        _ => computed(&chosen(causes, unknown::CAUSE.code)),
    };
    Mapper { comment, test, cause, fixed_details: matches!(usual.details, Known::Word(_)) }
}

/// A stream that the upstream, or the way to it, ended before the response.
fn resets() -> Mapper {
    let of = |transport| chosen(chain(Place { details: Known::Begin(RESET), transport }), unknown::CAUSE.code);
    Mapper {
        comment: "A request that the upstream did not answer: by why no connection came about, and how its stream ended."
            .to_owned(),
        test: Test::Expression(format!("response.code_details.startsWith('{RESET}')")),
        cause: computed(&format!("has(upstream.transport_failure_reason) ? ({}) : ({})", of(true), of(false))),
        fixed_details: false,
    }
}

/// Details that are one of the catalogue's words.
fn words() -> Mapper {
    let of = |word: &'static str| (word, by_details(Known::Word(word)));
    let known: Vec<_> = Word::ALL.iter().map(|(text, _)| of(text)).filter(|(_, chain)| !chain.is_empty()).collect();
    Mapper {
        comment: "Details that are one word.".to_owned(),
        test: Test::Expression(among(&known, |words| match words {
            [word] => format!("response.code_details == '{word}'"),
            words => format!("response.code_details in ['{}']", words.join("', '")),
        })),
        cause: computed(&first_of(known)),
        fixed_details: true,
    }
}

/// Details that begin as those of a family.
fn families() -> Mapper {
    let of = |prefix: &'static str| (prefix, by_details(Known::Begin(prefix)));
    let mut prefixes: Vec<&'static str> = Family::ALL.iter().flat_map(|family| family.prefixes()).copied().collect();
    prefixes.sort_unstable();
    // One that begins as another does is recognised within that one's.
    prefixes.dedup_by(|next, first| next.starts_with(*first));
    let known: Vec<_> = prefixes.into_iter().map(of).filter(|(_, chain)| !chain.is_empty()).collect();
    Mapper {
        comment: "Details with a known beginning; what follows may come from a peer and is not repeated.".to_owned(),
        test: Test::Expression(among(&known, |prefixes| {
            let one = |prefix: &&str| format!("response.code_details.startsWith('{prefix}')");
            prefixes.iter().map(one).collect::<Vec<_>>().join(" || ")
        })),
        cause: computed(&first_of(known)),
        fixed_details: false,
    }
}

/// What is left for some details where nothing else tells.
fn by_details(details: Known<'_>) -> Chain {
    chain(Place { details, transport: false }).without(&whatever_the_details())
}

/// Causes that are recognised by something else than the details: by cluster, route or flag.
fn whatever_the_details() -> Chain {
    chain(Place { details: Known::Word(""), transport: false })
}

/// Whether the details are among the known ones, and a cause is left for them. `test` says that they are one of several.
fn among(known: &[(&'static str, Chain)], test: impl Fn(&[&str]) -> String) -> String {
    let bucket = |bucket: &[(&'static str, Chain)]| {
        let (text, _) = bucket.first()?;
        let certain: Vec<_> = bucket.iter().filter(|(_, chain)| chain.holds().is_none()).map(|(text, _)| *text).collect();
        let certain = Some(certain).filter(|texts| !texts.is_empty()).map(|texts| test(&texts));
        let other = |(text, chain): &(&'static str, Chain)| Some(format!("{} && ({})", test(&[*text]), chain.holds()?));
        let expression = certain.into_iter().chain(bucket.iter().filter_map(other)).collect::<Vec<_>>().join(" || ");
        Some(From { text, expression })
    };
    let found = by_halves(&known.chunks(BUCKET).filter_map(bucket).collect::<Vec<_>>());
    let others = whatever_the_details().when.into_iter().map(|(condition, _)| format!("!({condition})"));
    let first = "!has(upstream.transport_failure_reason)".to_owned();
    [first].into_iter().chain(others).chain([format!("({found})")]).collect::<Vec<_>>().join(" && ")
}

/// The parameters of the first cause that is left, for details that are known to be among them.
fn first_of(known: Vec<(&'static str, Chain)>) -> String {
    let items = known.into_iter().map(|(text, mut chain)| {
        let last = chain.last.or_else(|| chain.when.pop().map(|(_, code)| code)).unwrap_or(unknown::CAUSE.code);
        From { text, expression: chosen(chain, last) }
    });
    by_halves(&runs(items.collect()))
}

/// The parameters of the first cause of a chain whose condition holds.
fn chosen(chain: Chain, otherwise: &str) -> String {
    let literal = |code: &str| format!("'{}'", parameters(code));
    let when: String = chain.when.iter().map(|(condition, code)| format!("{condition} ? {} : ", literal(code))).collect();
    when + &literal(chain.last.unwrap_or(otherwise))
}

fn computed(expression: &str) -> String {
    format!("%CEL({expression})%")
}

fn parameters(code: &str) -> String {
    let cause = REGISTRY.iter().find(|cause| cause.code == code);
    let error = cause.and_then(|cause| cause.error).map(|error| format!("; error={}", error.as_str())).unwrap_or_default();
    format!("{error}; mw-cause={code}")
}

fn rests_on_late_flag(condition: &Condition) -> bool {
    match condition {
        Condition::Flag(flag) => LATE_FLAGS.contains(flag),
        Condition::All(parts) => parts.iter().any(rests_on_late_flag),
        Condition::Any(parts) => parts.iter().all(rests_on_late_flag),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapper(filter: &str, cause: &str) -> Mapper {
        Mapper {
            comment: String::new(),
            test: Test::Expression(filter.to_owned()),
            cause: cause.to_owned(),
            fixed_details: false,
        }
    }

    #[test]
    fn every_mapper_of_the_catalogue_is_accepted() {
        for mapper in mappers() {
            let (filter, cause) = (mapper.test.expression().map_or(0, nesting), nesting(&mapper.cause));
            let length = mapper.member("outbound").len();
            assert!(mapper.is_accepted(), "{}: nested {filter} and {cause} deep, {length} bytes", mapper.comment);
        }
    }

    #[test]
    fn what_envoy_would_refuse_is_not_written() {
        let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
        assert!(mapper(&nested(MAX_NESTING), "").is_accepted());
        assert!(!mapper(&nested(MAX_NESTING + 1), "").is_accepted());
        assert!(!mapper("", &format!("%CEL({})%", nested(MAX_NESTING))).is_accepted());
        let room = MAX_VALUE - mapper("", "").member("outbound").len();
        assert!(mapper("", &"x".repeat(room)).is_accepted());
        assert!(!mapper("", &"x".repeat(room + 1)).is_accepted());
    }

    #[test]
    fn every_word_that_has_a_mapper_of_its_own_is_found_by_halves() {
        let words = words();
        for (word, _) in Word::ALL {
            let named = format!("response.code_details == '{word}'");
            let slow = mappers().into_iter().skip(USUAL.len() + 3).any(|mapper| mapper.test.expression() == Some(&named));
            assert!(!slow || words.test.expression().is_some_and(|test| test.contains(&format!("'{word}'"))), "{word}");
        }
    }

    #[test]
    fn no_expression_ends_the_command_that_it_is_in() {
        for mapper in mappers() {
            assert!(mapper.cause.matches(")%").count() <= 1, "{}", mapper.comment);
        }
    }
}
