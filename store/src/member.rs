//! The logged header `Proxy-Status` in SQL: which member counts, and what it says, as `meshwhy_core::proxy_status` reads what proxies of
//! ours write. A record inside a member (`mw=:…:`, level `full`) is not read.

use meshwhy_core::causes::REGISTRY;
use meshwhy_core::condition::ClusterKind;
use meshwhy_core::details::Word;
use meshwhy_core::facts::Fact;
use meshwhy_core::{Cause, Nature};

use crate::column::{self, ANNOTATED, Column, NO_VIRTUAL_HOST, OWN_NO_VIRTUAL_HOST, PROXY_STATUS, RELAYED, of_fact, own};
use crate::dialect::{Dialect, case};

/// A string with its quotes.
const QUOTED: &str = r#""(?:[^"\\]|\\.)*""#;

const AUTHOR: &str = "mw_author";
/// The code that the hop itself gives.
const OWN_CODE: &str = "mw_own_code";

/// The member of the proxy that made the reply, where this hop only passes it on; and the code that the hop itself gives.
pub(crate) fn author(dialect: Dialect) -> Vec<Column> {
    let details = own(Fact::Details);
    let passed_on = dialect.one_of(&details, [Word::ViaUpstream.as_str()]);
    let any = format!("(?:[^\",]|{QUOTED})*");
    let parameters = format!(r#"(?:;(?:[^",;]|{QUOTED})*)"#);
    let name = format!(r#"(?:{QUOTED}|[^",;]+)"#);
    let side = r"; *mw-side=(?:inbound|outbound|gateway)";
    // What a member says of trace context explains no failure.
    let code = format!("; *mw-cause={}", explaining());
    let first = |member: &str| dialect.group(PROXY_STATUS, &format!("(?s)^(?:{any},)*? *({member}) *(?:,|$)"), 1);
    let telling = first(
        &format!(r#"{name}(?:; *error=[^",;]+)?(?:{code})?{side}{parameters}*?; *(?:mw-flags="[^"]+"|details="){parameters}*"#)
            .replace(r#"details=")"#, &format!("details={QUOTED})")),
    );
    let naming = first(&format!("{name}(?:; *error=[^\",;]+(?:{code})?|{code}){side}{parameters}*"));
    let own_code = dialect.group(PROXY_STATUS, &format!("(?s)^(?:{any},)* *{name}{parameters}*?{code}(?:[;, ]|$)"), 1);
    vec![
        Column::new(
            AUTHOR,
            case(
                [
                    (format!("{PROXY_STATUS} = '' OR NOT ({passed_on})"), "''".to_owned()),
                    (format!("{telling} <> ''"), telling.clone()),
                ],
                &naming,
            ),
        ),
        Column::new(OWN_CODE, case([(format!("{PROXY_STATUS} = '' OR {passed_on}"), "''".to_owned())], &own_code)),
    ]
}

/// What the author tells in place of what the hop knows of its own, healthy exchange.
pub(crate) fn relayed(dialect: Dialect) -> Vec<Column> {
    let relayed = format!("{AUTHOR} <> ''");
    let parameter = |key: &str, value: &str| {
        dialect.group(AUTHOR, &format!(r#"(?s)^(?:[^";]|{QUOTED})*(?:;(?:[^";]|{QUOTED})*)*?; *{key}={value}"#), 1)
    };
    let string = r#""((?:[^"\\]|\\.)*)""#;
    let special = dialect.one_of(&own(Fact::Cluster), ClusterKind::ALL.iter().map(|kind| kind.as_str()));
    let texts = column::FACTS.iter().map(|fact| {
        let (relayed, own) = (relayed.clone(), own(*fact));
        let nothing = "''".to_owned();
        let text = match fact {
            Fact::Flags => case([(relayed, parameter("mw-flags", string))], &own),
            Fact::Details => case([(relayed, parameter("details", string))], &own),
            Fact::Route => case([(relayed, parameter("mw-route", string))], &own),
            Fact::Cluster => case([(format!("{relayed} AND {special}"), nothing)], &own),
            Fact::UpstreamTransport | Fact::VirtualHost | Fact::UpstreamConnectionAge | Fact::GrpcStatus => {
                case([(relayed, nothing)], &own)
            }
            _ => own,
        };
        Column::new(&of_fact(*fact), text)
    });
    let mut columns: Vec<Column> = texts.collect();
    columns.push(Column::new(RELAYED, relayed.clone()));
    columns.push(Column::new(ANNOTATED, case([(relayed.clone(), parameter("mw-cause", &explaining()))], OWN_CODE)));
    columns.push(Column::new(NO_VIRTUAL_HOST, format!("{OWN_NO_VIRTUAL_HOST} AND NOT ({relayed})")));
    columns
}

/// The codes of causes that explain failures, as one group of a pattern.
fn explaining() -> String {
    let codes = REGISTRY.iter().filter(|cause| cause.nature != Nature::Telemetry).map(|cause: &&Cause| cause.code);
    format!("({})", codes.collect::<Vec<_>>().join("|"))
}
