//! `local_reply_config`: one mapper per cause and confidence, chosen by the cause's condition in CEL.
//!
//! Envoy takes the first mapper that matches, so they go as `judge` goes: certain before likely, refinements first, and
//! `unknown` last. Source: Envoy 1.40, measured; expression nesting is limited to 32, a header value to 16 384 bytes.

use meshwhy_core::causes::{BY_PRECISION, unknown};
use meshwhy_core::condition::Condition;
use meshwhy_core::condition::cel::LATE_FLAGS;
use meshwhy_core::{Cause, Confidence};

use crate::yaml::{Document, quoted};

/// A cause as Envoy can recognise it at reply time.
struct Mapper {
    cause: &'static Cause,
    expression: String,
    fixed_details: bool,
}

pub fn render(document: &mut Document, indent: usize, side: &str) {
    document.line(indent, "local_reply_config:");
    document.line(indent + 2, "mappers:");
    document.comment(indent + 2, "Visibility: a peer without mutual TLS learns nothing; remove this mapper to tell everyone.");
    filter(document, indent + 2, "!connection.mtls");
    for mapper in mappers() {
        let name = "\"%ENVIRONMENT(POD_NAME)%.%ENVIRONMENT(POD_NAMESPACE)%\"";
        let error = mapper.cause.error.map(|error| format!("; error={}", error.as_str())).unwrap_or_default();
        let details = if mapper.fixed_details { "; details=\"%RESPONSE_CODE_DETAILS%\"" } else { "" };
        let member = format!("{name}{error}; mw-cause={}; mw-side={side}{details}", mapper.cause.code);
        document.comment(indent + 2, mapper.cause.slug);
        filter(document, indent + 2, &mapper.expression);
        document.text(indent + 4, "headers_to_add:\n- append_action: APPEND_IF_EXISTS_OR_ADD\n  header:\n    key: proxy-status");
        document.line(indent + 8, &format!("value: {}", quoted(&member)));
    }
}

fn filter(document: &mut Document, indent: usize, expression: &str) {
    document.text(
        indent,
        "\
- filter:
    extension_filter:
      name: envoy.access_loggers.extension_filters.cel
      typed_config:
        \"@type\": type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
    );
    document.line(indent + 8, &format!("expression: {}", quoted(expression)));
}

fn mappers() -> Vec<Mapper> {
    let of = |wanted: Confidence| {
        BY_PRECISION.iter().copied().filter(|cause| cause.error.is_some()).flat_map(move |cause| {
            let conditions = cause.conditions.iter().filter(move |(confidence, _)| *confidence == wanted);
            conditions.filter_map(move |(_, condition)| mapper(cause, condition))
        })
    };
    let last = Mapper { cause: &unknown::CAUSE, expression: "response.code >= 400".to_owned(), fixed_details: false };
    of(Confidence::Certain).chain(of(Confidence::Likely)).chain([last]).collect()
}

fn mapper(cause: &'static Cause, condition: &'static Condition) -> Option<Mapper> {
    let expression = condition.cel().filter(|_| !rests_on_late_flag(condition))?;
    Some(Mapper { cause, expression, fixed_details: condition.fixes_details() })
}

fn rests_on_late_flag(condition: &Condition) -> bool {
    match condition {
        Condition::Flag(flag) => LATE_FLAGS.contains(flag),
        Condition::All(parts) => parts.iter().any(rests_on_late_flag),
        Condition::Any(parts) => parts.iter().all(rests_on_late_flag),
        _ => false,
    }
}
