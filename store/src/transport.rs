//! Transport failure reasons in SQL, as `meshwhy_core::transport::parse` understands them, in three stages for each side: which text, what
//! it consists of, which kind it is.

use meshwhy_core::Flag;
use meshwhy_core::details::Word;
use meshwhy_core::facts::Fact;
use meshwhy_core::transport::{BEGINNINGS, ERROR_NUMBERS, SSL_LIBRARY, SSL_REASONS, SYSTEM_RESET, TransportKind, VALIDITY};

use crate::column::{Column, FLAGS, of_fact};
use crate::dialect::{Dialect, case};

/// Which end of the proxy a connection is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Upstream,
    Downstream,
}

impl End {
    const ALL: [Self; 2] = [Self::Upstream, Self::Downstream];

    fn column(self, part: &str) -> String {
        let end = if self == Self::Upstream { "upstream" } else { "downstream" };
        format!("mw_{end}_{part}")
    }

    /// The reason without what stands around it; empty for none.
    pub(crate) fn reason(self) -> String {
        self.column("reason")
    }

    /// The kind by its name; empty where it is none that is known.
    pub(crate) fn kind(self) -> String {
        self.column("kind")
    }
}

/// The reasons.
pub(crate) fn reasons(dialect: Dialect) -> Vec<Column> {
    let trimmed = |text: &str| dialect.group(text, r#"(?s)^[" _]*(.*?)[" _]*$"#, 1);
    let said = |text: &str| format!("{text} NOT IN ('', '-')");
    let own = trimmed(&of_fact(Fact::UpstreamTransport));
    let copy = trimmed("mw_reset_transport");
    let upstream = case([(said(&own), own.clone()), (said(&copy), copy.clone())], "''");
    // What the TLS inspector says counts only where no filter chain took the connection.
    let downstream = of_fact(Fact::DownstreamTransport);
    let of_inspector = dialect.matches(&downstream, r#"^[" _]*TLS[_ ]error\|error:"#);
    let no_chain = dialect.one_of(&of_fact(Fact::Details), [Word::FilterChainNotFound.as_str()]);
    let no_chain = format!("{} OR {no_chain}", dialect.has_bits(FLAGS, Flag::NR.mask()));
    let text = trimmed(&downstream);
    let downstream = case([(format!("{of_inspector} AND NOT ({no_chain})"), "''".to_owned()), (said(&text), text.clone())], "''");
    vec![Column::new(&End::Upstream.reason(), upstream), Column::new(&End::Downstream.reason(), downstream)]
}

/// What the reasons consist of: the name behind a socket's error, the errors of the SSL library.
pub(crate) fn parts(dialect: Dialect) -> Vec<Column> {
    let mut columns = Vec::new();
    for end in End::ALL {
        let reason = end.reason();
        let socket = r"(?s)^(?:delayed|immediate)[\x00-\x7f]connect[\x00-\x7f]error:[_ ]*([^|]*)";
        columns.push(Column::new(&end.column("is_socket"), dialect.matches(&reason, socket)));
        columns.push(Column::new(&end.column("socket"), dialect.underscored(&dialect.group(&reason, socket, 1))));
        let inspected = r"(?s)^TLS[_ ]error\|error:[^:]*:[^:]*:[^:]*:([^:]*)";
        let is_inspected = dialect.matches(&reason, r"^TLS[_ ]error\|error:");
        let inspected_name = case([(dialect.matches(&reason, inspected), dialect.group(&reason, inspected, 1))], "'?'");
        columns.push(Column::new(&end.column("inspected"), case([(is_inspected, dialect.underscored(&inspected_name))], "''")));
        let underscored = dialect.matches(&reason, "TLS_error:");
        let body = |head: &str| dialect.group(&reason, &format!("(?s){head}[_ ]*(.*)$"), 1);
        let body = case([(underscored, body("TLS_error:"))], &body("TLS error:"));
        let body = dialect.group(&body, "(?s)^(.*?)(?::TLS_error_end.*)?$", 1);
        columns.push(Column::new(&end.column("errors"), body));
    }
    columns
}

/// The error of the SSL library that decides: the first of it, else the first of any.
pub(crate) fn errors(dialect: Dialect) -> Vec<Column> {
    let columns = End::ALL.map(|end| {
        let errors = end.column("errors");
        let code = packed_range(SSL_LIBRARY);
        let ssl = format!(r"(?s)(?:^|\|)(\+?0*{code}(?::[^|]*)?)(?:\||$)");
        let first = dialect.group(&errors, r"(?s)^\|*([^|]+)", 1);
        Column::new(&end.column("error"), case([(dialect.matches(&errors, &ssl), dialect.group(&errors, &ssl, 1))], &first))
    });
    columns.into()
}

/// The kinds.
pub(crate) fn kinds(dialect: Dialect) -> Vec<Column> {
    End::ALL.map(|end| Column::new(&end.kind(), kind(dialect, end))).into()
}

fn kind(dialect: Dialect, end: End) -> String {
    let known = |name: &str| dialect.one_of(name, TransportKind::ALL.iter().map(|kind| kind.as_str()));
    let literal = |kind: TransportKind| dialect.literal(kind.as_str());
    let other = literal(TransportKind::OtherTls);
    let named = |name: &str| (known(name), name.to_owned());
    let (reason, socket, inspected, error) = (end.reason(), end.column("socket"), end.column("inspected"), end.column("error"));
    let mut cases = vec![(format!("{reason} = ''"), "''".to_owned()), named(&socket)];
    cases.extend(ERROR_NUMBERS.iter().map(|(number, kind)| (dialect.one_of(&socket, [*number]), literal(*kind))));
    cases.push((format!("{inspected} NOT IN ('', '?')"), case([named(&inspected)], &other)));
    cases.push((format!("{inspected} = '' AND {error} <> ''"), tls(dialect, &error)));
    cases.push((end.column("is_socket"), "''".to_owned()));
    let underscored = dialect.underscored(&reason);
    cases.extend(BEGINNINGS.iter().map(|kind| (dialect.begins(&underscored, kind.as_str()), literal(*kind))));
    cases.push(named(&underscored));
    case(cases, "''")
}

/// The kind of one error: `CODE:LIBRARY:FUNCTION:NAME[:DETAIL]`.
fn tls(dialect: Dialect, error: &str) -> String {
    let literal = |kind: TransportKind| dialect.literal(kind.as_str());
    let other = literal(TransportKind::OtherTls);
    let part = |pattern: &str| dialect.underscored(&dialect.group(error, pattern, 1));
    let (head, name) = (part("(?s)^([^:]*)"), part("(?s)^[^:]*:[^:]*:[^:]*:([^:]*)"));
    let detail = part("(?s)^[^:]*:[^:]*:[^:]*:[^:]*:(.*)$");
    let code = format!(
        "coalesce({}, {})",
        dialect.number(&dialect.group(error, r"(?s)^\+?([0-9]+)(?::|$)", 1)),
        dialect.unsigned(u64::MAX)
    );
    let known = |name: &str| (dialect.one_of(name, TransportKind::ALL.iter().map(|kind| kind.as_str())), name.to_owned());
    let is_ssl = dialect.matches(error, &format!(r"(?s)^\+?0*{}(?::|$)", packed_range(SSL_LIBRARY)));
    let name = case([(format!("{name} <> ''"), name.clone())], &head);
    // The reason is the lower 16 bits.
    let reason = format!("{code} % {}", dialect.unsigned(1 << 16));
    let reasons = SSL_REASONS.iter().map(|(number, kind)| (format!("{reason} = {number}"), literal(*kind)));
    let refused = format!(
        "{name} = {} OR NOT ({}) AND {reason} = {}",
        literal(TransportKind::CertificateVerifyFailed),
        known(&name).0,
        refused_reason()
    );
    let dated = VALIDITY.map(|kind| (format!("({refused}) AND {}", dialect.ends(&detail, kind.as_str())), literal(kind)));
    let of_ssl = case(dated.into_iter().chain([known(&name)]).chain(reasons), &other);
    case(
        [
            (format!("{code} > {}", dialect.unsigned(u32::MAX.into())), case([known(&head)], &other)),
            (is_ssl, of_ssl),
            (format!("{code} = {}", dialect.unsigned(SYSTEM_RESET.into())), literal(TransportKind::HandshakeReset)),
        ],
        &other,
    )
}

/// The number of the reason of a certificate that was refused.
fn refused_reason() -> u32 {
    let refused = SSL_REASONS.iter().find(|(_, kind)| *kind == TransportKind::CertificateVerifyFailed);
    refused.map_or(0, |(reason, _)| *reason)
}

/// A pattern for the decimal numbers whose upper 8 of 32 bits are these.
fn packed_range(library: u32) -> String {
    range(u64::from(library) << 24, ((u64::from(library) + 1) << 24) - 1)
}

/// A pattern for the decimal numbers of a range whose ends have equally many digits.
fn range(from: u64, to: u64) -> String {
    format!("(?:{})", branches(&from.to_string(), &to.to_string()).join("|"))
}

fn branches(from: &str, to: &str) -> Vec<String> {
    let (Some(low), Some(high)) = (from.chars().next(), to.chars().next()) else { return vec![String::new()] };
    let (rest, other) = (from.get(1..).unwrap_or_default(), to.get(1..).unwrap_or_default());
    let (zeros, nines) = ("0".repeat(rest.len()), "9".repeat(rest.len()));
    let begins = |digit: char, branches: Vec<String>| branches.into_iter().map(move |rest| format!("{digit}{rest}"));
    if rest == zeros && other == nines {
        let any = if rest.is_empty() { String::new() } else { format!("[0-9]{{{}}}", rest.len()) };
        return vec![format!("[{low}-{high}]{any}")];
    }
    if low == high {
        return begins(low, branches(rest, other)).collect();
    }
    let mut all: Vec<String> = begins(low, branches(rest, &nines)).collect();
    let digit = |offset: u8, from: char| char::from_digit(from.to_digit(10).unwrap_or_default().wrapping_add(offset.into()), 10);
    let below = char::from_digit(high.to_digit(10).unwrap_or_default().saturating_sub(1), 10);
    if let (Some(first), Some(last)) = (digit(1, low), below)
        && first <= last
    {
        all.extend(branches(&format!("{first}{zeros}"), &format!("{last}{nines}")));
    }
    all.extend(begins(high, branches(&zeros, other)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_the_ssl_library() {
        assert_eq!(range(8, 9), "(?:[8-9])");
        assert_eq!(range(18, 31), "(?:1[8-9]|[2-2][0-9]{1}|3[0-1])");
    }
}
