//! What texts mean, in SQL: numbers, flags, code details, why connections were closed, what codecs say. Built from the tables of
//! `meshwhy_core`'s vocabulary.

use meshwhy_core::codec::{self, CodecFault};
use meshwhy_core::details::{self, CloseReason, Reset};
use meshwhy_core::facts::Fact;
use meshwhy_core::facts::kind::GRPC_STATUSES;
use meshwhy_core::{Flag, ResponseFlags};

use crate::column;
use crate::column::{
    CLOSED, Column, DENIED, DETAILS_BEGIN, DOWNSTREAM_CODEC, DURATION, FLAGS, GRPC, OWN_NO_VIRTUAL_HOST, PROXY_STATUS,
    RESET_AFTER, RESET_BEFORE, REUSED, STATUS, UPSTREAM_CODEC, of_fact, own,
};
use crate::dialect::{Dialect, case};
use crate::layout::Layout;

/// White space of ASCII, at both ends of what somebody wrote.
const SPACE: &str = r"[\t-\r ]*";

/// The texts of a row: `-` and nothing say that there is none.
pub(crate) fn texts(dialect: Dialect, layout: Layout) -> Vec<Column> {
    let present = |value: &str| format!("coalesce(nullif({value}, '-'), '')");
    let mut columns: Vec<Column> =
        column::FACTS.iter().map(|fact| Column::new(&own(*fact), present(&layout.value(dialect, *fact)))).collect();
    let virtual_host = layout.value(dialect, Fact::VirtualHost);
    columns.push(Column::new(OWN_NO_VIRTUAL_HOST, format!("coalesce({virtual_host} IN ('-', ''), false)")));
    columns.push(Column::new(PROXY_STATUS, present(&layout.proxy_status(dialect))));
    columns
}

/// Whether a row is a plain success, which most rows are: nothing else of it has to be looked at.
pub(crate) fn is_plain(dialect: Dialect) -> String {
    let [status, flags, details] = [Fact::Status, Fact::Flags, Fact::Details].map(own);
    let [grpc, downstream] = [Fact::GrpcStatus, Fact::DownstreamTransport].map(own);
    let answered = dialect.one_of(&details, [details::Word::ViaUpstream.as_str()]);
    format!(
        "{answered} AND {flags} = '' AND {downstream} = '' AND {} AND {}",
        dialect.one_of(&grpc, ["", "0", "OK"]),
        dialect.matches(&status, r"^2[0-9][0-9](?:\.0*)?$")
    )
}

/// Numbers, flags, and the parts of the code details.
pub(crate) fn parsed(dialect: Dialect) -> Vec<Column> {
    let details = of_fact(Fact::Details);
    let whole = |fact: Fact| dialect.number(&whole(dialect, &of_fact(fact)));
    let status = format!("coalesce({}, {})", whole(Fact::Status), dialect.unsigned(u64::from(u16::MAX) + 1));
    vec![
        Column::new(STATUS, format!("CASE WHEN {status} <= {} THEN CAST({status} AS INTEGER) ELSE -1 END", u16::MAX)),
        Column::new(GRPC, grpc(dialect)),
        Column::new(DURATION, whole(Fact::Duration)),
        Column::new(REUSED, format!("{} IS NOT NULL", whole(Fact::UpstreamConnectionAge))),
        Column::new(FLAGS, flags(dialect)),
        Column::new(DETAILS_BEGIN, dialect.underscored(&details)),
        Column::new(RESET_BEFORE, reset(dialect, details::RESET_BEFORE)),
        Column::new(RESET_AFTER, reset(dialect, details::RESET_AFTER)),
        Column::new("mw_reset_transport", reset_transport(dialect)),
        Column::new(DENIED, denied(dialect)),
        Column::new(CLOSED, closed(dialect)),
        Column::new(UPSTREAM_CODEC, upstream_codec(dialect)),
        Column::new(DOWNSTREAM_CODEC, downstream_codec(dialect)),
    ]
}

/// The digits of a whole number; shippers turn it into `503.0`, and a unit may stand behind a duration.
fn whole(dialect: Dialect, text: &str) -> String {
    dialect.group(text, r"^\+?([0-9]+)(?:\.[0-9]*)?(?:ms)?$", 1)
}

fn grpc(dialect: Dialect) -> String {
    let text = of_fact(Fact::GrpcStatus);
    let lower = dialect.lower(&text);
    let named = (0_u32..).zip(GRPC_STATUSES).map(|(number, (camel, snake))| {
        let is_camel = dialect.one_of(&text, [camel]);
        (format!("{is_camel} OR {}", dialect.one_of(&lower, [snake.to_lowercase().as_str()])), number.to_string())
    });
    let number = dialect.number(&dialect.group(&text, r"^\+?([0-9]+)$", 1));
    let number = format!("coalesce({number}, {})", dialect.unsigned(u64::from(u32::MAX) + 1));
    let other = (format!("{number} <= {}", u32::MAX), format!("CAST({number} AS BIGINT)"));
    case([(format!("{text} = ''"), "-1".to_owned())].into_iter().chain(named).chain([other]), "-1")
}

/// The mask of the flags: `-`, the commonest alone, a mask in decimal, or names between commas of which some may not be known.
fn flags(dialect: Dialect) -> String {
    let text = of_fact(Fact::Flags);
    let none = dialect.unsigned(0);
    let alone = Flag::ALL.iter().map(|flag| (dialect.one_of(&text, [flag.short(), flag.long()]), dialect.unsigned(flag.mask())));
    let listed = format!(r"^{SPACE}[A-Z][A-Za-z0-9_]{{0,63}}{SPACE}(?:,{SPACE}[A-Z][A-Za-z0-9_]{{0,63}}{SPACE})*$");
    let each = Flag::ALL.iter().map(|flag| {
        let has = dialect.matches(&text, &format!("(?:^|,){SPACE}(?:{}|{}){SPACE}(?:,|$)", flag.short(), flag.long()));
        case([(has, dialect.unsigned(flag.mask()))], &none)
    });
    let sum = each.collect::<Vec<_>>().join(" + ");
    let mask = format!("coalesce({}, {none})", dialect.number(&text));
    let cases = [(format!("{text} = ''"), none.clone())]
        .into_iter()
        .chain(alone)
        .chain([(dialect.matches(&text, "^[0-9]+$"), mask), (dialect.matches(&text, &listed), sum)]);
    case(cases, &none)
}

fn reset_pattern(head: &str) -> String {
    format!(r"(?s)^{}([^|,]*)(?:[|,](.*))?\}}$", quoted(head))
}

/// Why the stream ended; empty where the details are others, or the reason is not known.
fn reset(dialect: Dialect, head: &str) -> String {
    let reason = dialect.underscored(&dialect.group(&of_fact(Fact::Details), &reset_pattern(head), 1));
    let known = dialect.one_of(&reason, Reset::ALL.iter().map(|reset| reset.as_str()));
    case([(known, reason.clone())], "''")
}

/// The copy of the upstream transport failure that the details have behind a reason that is known.
fn reset_transport(dialect: Dialect) -> String {
    let details = of_fact(Fact::Details);
    let of = |head: &str| (format!("{} <> ''", reset(dialect, head)), dialect.group(&details, &reset_pattern(head), 2));
    case([details::RESET_BEFORE, details::RESET_AFTER].map(of), "''")
}

/// The policy that denied, by the code details or by those of the connection's end.
fn denied(dialect: Dialect) -> String {
    let pattern = format!(r"(?s)^{}(.*\])$", quoted(details::RBAC_DENIED));
    let [details, termination] = [Fact::Details, Fact::Termination].map(|fact| dialect.group(&of_fact(fact), &pattern, 1));
    case([(format!("{details} <> ''"), details.clone())], &termination)
}

/// Why Envoy closed the downstream connection, by the code details; a handshake also by why the connection was ended.
fn closed(dialect: Dialect) -> String {
    let disconnect = format!(r"(?s)^{}(.*)\)$", quoted(details::LOCAL_DISCONNECT));
    let details = of_fact(Fact::Details);
    let inner = dialect.underscored(&dialect.group(&details, &disconnect, 1));
    let termination = dialect.underscored(&of_fact(Fact::Termination));
    let name = |reason: CloseReason| dialect.literal(&close_name(reason));
    let heads = |text: &str| -> Vec<(String, String)> {
        CloseReason::BEGINNINGS.iter().map(|(head, reason)| (dialect.begins(text, head), name(*reason))).collect()
    };
    let by_details = case(heads(&inner), &name(CloseReason::Other));
    let by_end = case(heads(&termination), "''");
    let handshake = name(CloseReason::Handshake);
    case([(dialect.matches(&details, &disconnect), by_details), (format!("{by_end} = {handshake}"), handshake.clone())], "''")
}

/// The name of a reason in the column [`CLOSED`].
pub(crate) fn close_name(reason: CloseReason) -> String {
    format!("{reason:?}")
}

fn fault(dialect: Dialect, text: &str) -> Vec<(String, String)> {
    let mut cases: Vec<(String, String)> = CodecFault::ALL
        .iter()
        .map(|fault| {
            let texts: Vec<String> =
                codec::TEXTS.iter().filter(|(_, of)| of == fault).map(|(text, _)| text.replace(' ', "_")).collect();
            (dialect.one_of(text, texts.iter().map(String::as_str)), dialect.literal(fault.as_str()))
        })
        .collect();
    let gone = dialect.matches(text, "^stream_*[0-9]+_is_already_gone$");
    cases.push((gone, dialect.literal(CodecFault::Closing.as_str())));
    cases
}

/// What stands before the text of a codec, in this order; each may be missing.
const CODEC_HEADS: &str = r"(?:codec_error:)?(?:http/1\.1_protocol_error:_)?";

fn codec_text(dialect: Dialect, text: &str) -> String {
    let underscored = dialect.underscored(&dialect.group(text, &format!("(?s)^{SPACE}(.*?){SPACE}$"), 1));
    dialect.group(&underscored, &format!("(?s)^{CODEC_HEADS}(.*)$"), 1)
}

/// What the upstream codec reported: a close reason need not be a codec's.
fn upstream_codec(dialect: Dialect) -> String {
    let close = of_fact(Fact::UpstreamLocalClose);
    let text = codec_text(dialect, &close);
    let named = dialect.matches(&close, &format!("^{SPACE}(?:codec[_ ]error:|http/1\\.1[_ ]protocol[_ ]error:[_ ])"));
    let cases = [(format!("{close} = ''"), "''".to_owned())]
        .into_iter()
        .chain(fault(dialect, &text))
        .chain([(named, dialect.literal(CodecFault::Malformed.as_str()))]);
    case(cases, "''")
}

/// What the downstream codec reported, by the code details, else by why Envoy closed the connection.
fn downstream_codec(dialect: Dialect) -> String {
    let [details, close] = [Fact::Details, Fact::DownstreamLocalClose].map(of_fact);
    let said = r"(?s)^(?:downstream_local_disconnect\()?codec_error:(.*?)\)*$";
    let closed = r"(?s)^codec_error:(.*?)\)*$";
    let by_details = dialect.matches(&details, said);
    let text = case([(by_details.clone(), dialect.group(&details, said, 1))], &dialect.group(&close, closed, 1));
    let text = codec_text(dialect, &format!("({text})"));
    let nothing = format!("NOT ({by_details}) AND NOT {}", dialect.matches(&close, closed));
    case([(nothing, "''".to_owned())].into_iter().chain(fault(dialect, &text)), &dialect.literal(CodecFault::Malformed.as_str()))
}

/// A text as a pattern that matches nothing else.
pub(crate) fn quoted(text: &str) -> String {
    let escape = |letter: char| {
        let plain = letter.is_ascii_alphanumeric() || matches!(letter, '_' | ' ' | ':' | ',' | '/' | '-');
        if plain { letter.to_string() } else { format!("\\{letter}") }
    };
    text.chars().map(escape).collect()
}

/// All bits but these.
pub(crate) const fn beside(flags: ResponseFlags) -> u64 {
    !flags.0
}
