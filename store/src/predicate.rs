//! A condition in SQL: an engine of the fold, over columns that are never NULL where it compares them.

use meshwhy_core::Side;
use meshwhy_core::cluster_name::ClusterName;
use meshwhy_core::condition::{BAD_CUSTOM_ACTION, Condition, Engine, Field, Literal, SAYS_NOTHING, TLS_PORTS};
use meshwhy_core::details::{Details, Word};
use meshwhy_core::facts::Fact;
use meshwhy_core::transport::TransportKind;

use crate::column::{
    CLOSED, DENIED, DETAILS_BEGIN, DOWNSTREAM_CODEC, DURATION, FLAGS, GRPC, NO_VIRTUAL_HOST, RESET_AFTER, RESET_BEFORE, REUSED,
    STATUS, UPSTREAM_CODEC, of_fact,
};
use crate::dialect::Dialect;
use crate::text::{beside, close_name};
use crate::transport::End;

/// The engine. A row of an access log has no event and is no client's.
pub(crate) struct Predicate(pub(crate) Dialect);

const NEVER: &str = "false";

impl Engine for Predicate {
    type Out = String;

    const WHOLE_NEGATIONS: bool = true;

    fn literal(&self, Literal { condition, negated }: Literal) -> String {
        let holds = self.leaf(condition);
        if negated { format!("NOT ({holds})") } else { holds }
    }

    fn all(&self, parts: impl Iterator<Item = String>) -> String {
        let parts: Vec<String> = parts.map(|part| format!("({part})")).collect();
        if parts.is_empty() { "true".to_owned() } else { parts.join(" AND ") }
    }

    fn any(&self, parts: impl Iterator<Item = String>) -> String {
        let parts: Vec<String> = parts.map(|part| format!("({part})")).collect();
        if parts.is_empty() { NEVER.to_owned() } else { parts.join(" OR ") }
    }
}

impl Predicate {
    fn leaf(&self, leaf: &'static Condition) -> String {
        use Condition as C;
        let dialect = self.0;
        let is = |column: &str, word: &str| dialect.one_of(column, [word]);
        let details = of_fact(Fact::Details);
        match leaf {
            C::All(_) | C::Any(_) | C::Not(_) => leaf.fold(self),
            C::Details(word) => is(&details, word.as_str()),
            C::Family(family) => {
                let heads = family.prefixes().iter().map(|head| dialect.begins(DETAILS_BEGIN, &head.replace(' ', "_")));
                self.any(heads)
            }
            C::ResetBefore(reset) => is(RESET_BEFORE, reset.as_str()),
            C::ResetAfter(reset) => is(RESET_AFTER, reset.as_str()),
            C::Success => dialect.one_of(&details, words(Details::is_success)),
            C::Refusal => {
                let accepted = dialect.one_of(&details, words(|details| !details.refuses()));
                format!("{details} <> '' AND NOT ({accepted})")
            }
            C::Closed(reason) => is(CLOSED, &close_name(*reason)),
            C::RbacDenied => format!("{DENIED} <> ''"),
            C::BadCustomAction => dialect.ends(DENIED, &format!("{BAD_CUSTOM_ACTION}]")),
            C::UpstreamTransport(kind) => is(&End::Upstream.kind(), kind.as_str()),
            C::DownstreamTransport(kind) => is(&End::Downstream.kind(), kind.as_str()),
            C::UpstreamTls => self.is_tls(End::Upstream),
            C::DownstreamTls => self.is_tls(End::Downstream),
            C::UpstreamCodec(fault) => is(UPSTREAM_CODEC, fault.as_str()),
            C::DownstreamCodec(fault) => is(DOWNSTREAM_CODEC, fault.as_str()),
            C::Flag(flag) => dialect.has_bits(FLAGS, flag.mask()),
            C::FlagBeside(others) => dialect.has_bits(FLAGS, beside(*others)),
            C::Status(status) => format!("{STATUS} = {status}"),
            C::StatusAtLeast(status) => format!("{STATUS} >= {status}"),
            C::StatusClass(hundred) => format!("{STATUS} BETWEEN {} AND {}", hundred * 100, hundred * 100 + 99),
            C::GrpcFailed => format!("{GRPC} NOT IN (-1, 0) AND {STATUS} IN (-1, 200)"),
            C::DurationBelow(limit) => format!("coalesce({DURATION} < {limit}, false)"),
            C::Cluster(kind) => is(&of_fact(Fact::Cluster), kind.as_str()),
            C::Route(name) => is(&of_fact(Fact::Route), name.as_str()),
            C::UpstreamReused => REUSED.to_owned(),
            C::UpstreamIpv6 => dialect.begins(&of_fact(Fact::UpstreamHost), "["),
            C::TlsPort => self.has_tls_port(),
            C::External => self.is_external(),
            C::Present(field) => self.is_present(*field),
            C::Absent(Field::VirtualHost) => NO_VIRTUAL_HOST.to_owned(),
            C::Absent(field) => format!("NOT ({})", self.is_present(*field)),
            C::Event(_) => NEVER.to_owned(),
        }
    }

    fn is_present(&self, field: Field) -> String {
        let some = |column: &str| format!("{column} <> ''");
        match field {
            Field::Details => format!("{} NOT IN ('', {})", of_fact(Fact::Details), self.0.literal(SAYS_NOTHING.as_str())),
            Field::UpstreamTransportFailure => some(&End::Upstream.reason()),
            Field::VirtualHost => some(&of_fact(Fact::VirtualHost)),
            Field::UpstreamHost => some(&of_fact(Fact::UpstreamHost)),
            Field::Flags => format!("{FLAGS} <> 0"),
            Field::PolicyStatus => self.0.matches(&of_fact(Fact::PolicyStatus), "[^\"]"),
            Field::DownstreamTransportFailure => some(&End::Downstream.reason()),
            Field::UpstreamCodecError => some(UPSTREAM_CODEC),
            Field::DownstreamCodecError => some(DOWNSTREAM_CODEC),
            Field::TerminationDetails => some(&of_fact(Fact::Termination)),
            Field::Event => NEVER.to_owned(),
            Field::Duration => format!("{DURATION} IS NOT NULL"),
        }
    }

    fn is_tls(&self, end: End) -> String {
        let sockets = TransportKind::ALL.iter().filter(|kind| kind.is_socket()).map(|kind| kind.as_str());
        format!("{0} <> '' AND NOT ({1})", end.kind(), self.0.one_of(&end.kind(), sockets))
    }

    fn has_tls_port(&self) -> String {
        let (dialect, ports) = (self.0, TLS_PORTS.join("|"));
        let of_cluster = format!(r"^(?:{})\|(?:{ports})(?:\||$)", directions(|_| true));
        let of_host = format!(":(?:{ports})$");
        self.any(
            [dialect.matches(&of_fact(Fact::Cluster), &of_cluster), dialect.matches(&of_fact(Fact::UpstreamHost), &of_host)]
                .into_iter(),
        )
    }

    fn is_external(&self) -> String {
        let cluster = of_fact(Fact::Cluster);
        let host =
            self.0.group(&cluster, &format!(r"(?s)^(?:{})\|[^|]*\|[^|]*\|(.*)$", directions(|side| side == Side::Outbound)), 1);
        let [has_dot, is_service] = [r"\.", r"\.svc\."].map(|part| self.0.matches(&host, part));
        format!("{has_dot} AND NOT ({is_service})")
    }
}

/// The code details of which this is true, all of them words.
fn words(is: impl Fn(Details<'static>) -> bool) -> impl Iterator<Item = &'static str> {
    Word::ALL.iter().filter(move |(_, word)| is(Details::Word(*word))).map(|(text, _)| *text)
}

/// The first parts of the names of clusters whose traffic goes so.
fn directions(wanted: impl Fn(Side) -> bool) -> String {
    const DIRECTIONS: [&str; 4] = ["inbound-vip", "inbound-pod", "inbound", "outbound"];
    let side = |direction: &str| ClusterName::parse(&format!("{direction}|80||a")).side();
    DIRECTIONS.iter().filter(|direction| side(direction).is_some_and(&wanted)).copied().collect::<Vec<_>>().join("|")
}
