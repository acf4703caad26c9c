//! The verdict in SQL: which cause, as `meshwhy_core::judge` chooses it.

use meshwhy_core::causes::{Confidence, REGISTRY, unknown};
use meshwhy_core::condition::{FAILS, in_order};
use meshwhy_core::facts::Fact;
use meshwhy_core::{Cause, Nature};

use crate::column::{ANNOTATED, Column, FAILED, FLAGS, FOUND, RELAYED, STATUS, TARGET, VERDICT, of_fact};
use crate::dialect::{Dialect, case};
use crate::predicate::Predicate;

/// Code and confidence, as a verdict is written until the end.
fn written(code: &str, confidence: Confidence) -> String {
    format!("{code} {}", confidence.as_str())
}

/// The verdict that facts and annotation give, as if nobody had passed anything on.
const BY_FACTS: &str = "mw_by_facts";

fn code(verdict: &str) -> String {
    format!("substr({verdict}, 1, 6)")
}

fn as_likely(dialect: Dialect, code: &str) -> String {
    format!("concat({code}, {})", dialect.literal(&format!(" {}", Confidence::Likely.as_str())))
}

/// Whether anything failed.
pub(crate) fn failed(dialect: Dialect) -> Vec<Column> {
    vec![Column::new(FAILED, FAILS.fold(&Predicate(dialect)))]
}

/// What the facts alone say: the conditions in the order of judging.
pub(crate) fn found(dialect: Dialect) -> Vec<Column> {
    let entries = in_order().iter().map(|(cause, confidence, condition)| {
        (condition.fold(&Predicate(dialect)), dialect.literal(&written(cause.code, *confidence)))
    });
    let nothing_failed = (format!("NOT {FAILED}"), "''".to_owned());
    vec![Column::new(FOUND, case([nothing_failed].into_iter().chain(entries), "''"))]
}

/// What comes of that beside what was annotated.
pub(crate) fn by_facts(dialect: Dialect) -> Vec<Column> {
    let unknown = dialect.literal(&written(unknown::CAUSE.code, Confidence::Likely));
    let is_likely = |verdict: &str| dialect.ends(verdict, Confidence::Likely.as_str());
    let as_likely = |code: &str| as_likely(dialect, code);
    // A claim counts where no fact says why; a plain success is looked at no further.
    let silent = [
        Fact::Details,
        Fact::Termination,
        Fact::UpstreamTransport,
        Fact::DownstreamTransport,
        Fact::UpstreamLocalClose,
        Fact::DownstreamLocalClose,
        Fact::PolicyStatus,
    ];
    let silent: Vec<String> = silent.iter().map(|fact| format!("{} = ''", of_fact(*fact))).collect();
    let claimed = format!("{ANNOTATED} <> '' AND {FLAGS} = 0 AND {}", silent.join(" AND "));
    let unlike_success = format!("({STATUS} NOT BETWEEN 200 AND 299 OR {RELAYED})");
    let refined = dialect.one_of(&format!("concat({}, {ANNOTATED})", code(FOUND)), pairs().iter().map(String::as_str));
    let confidence = format!("substr({FOUND}, 7)");
    let by_facts = case(
        [
            (format!("NOT {FAILED} AND {claimed} AND {unlike_success}"), as_likely(ANNOTATED)),
            (format!("NOT {FAILED}"), "''".to_owned()),
            (format!("({FOUND} = '' OR {}) AND {claimed}", is_likely(FOUND)), as_likely(ANNOTATED)),
            (format!("{FOUND} = ''"), unknown.clone()),
            (format!("{ANNOTATED} <> '' AND {refined}"), format!("concat({ANNOTATED}, {confidence})")),
        ],
        FOUND,
    );
    vec![Column::new(BY_FACTS, by_facts)]
}

/// What comes of that where another proxy made the reply; and the target.
pub(crate) fn verdict(dialect: Dialect) -> Vec<Column> {
    let unknown = dialect.literal(&written(unknown::CAUSE.code, Confidence::Likely));
    let as_likely = |code: &str| as_likely(dialect, code);
    let applications = || REGISTRY.iter().filter(|cause| cause.nature == Nature::Application).map(|cause| cause.code);
    let by_application = dialect.one_of(&code(BY_FACTS), applications());
    let annotated_other = format!("{ANNOTATED} <> '' AND NOT ({})", dialect.one_of(ANNOTATED, applications()));
    // The application is not the author of a reply that another proxy made.
    let relayed = case(
        [
            (format!("{BY_FACTS} = ''"), "''".to_owned()),
            (format!("({by_application}) AND {annotated_other}"), as_likely(ANNOTATED)),
            (by_application.clone(), unknown),
        ],
        &as_likely(&code(BY_FACTS)),
    );
    let relayed = case([(RELAYED.to_owned(), relayed)], BY_FACTS);
    let (cluster, authority) = (of_fact(Fact::Cluster), of_fact(Fact::Authority));
    vec![
        Column::new(VERDICT, relayed),
        Column::new(
            TARGET,
            case([(format!("{cluster} <> ''"), cluster.clone()), (format!("{authority} <> ''"), authority.clone())], "'-'"),
        ),
    ]
}

/// The codes of causes, each with that of one that refines it behind it.
fn pairs() -> Vec<String> {
    let special = |general: &'static Cause| REGISTRY.iter().filter(move |cause| cause.refines(general));
    let pair = |general: &'static Cause| special(general).map(move |cause| format!("{}{}", general.code, cause.code));
    REGISTRY.iter().flat_map(|cause| pair(cause)).collect()
}

/// Columns of the answer: code, slug, confidence.
pub(crate) fn named(dialect: Dialect) -> Vec<Column> {
    let code = code(VERDICT);
    let slugs = REGISTRY.iter().map(|cause| (dialect.one_of(&code, [cause.code]), dialect.literal(cause.slug)));
    vec![
        Column::new("code", code.clone()),
        Column::new("slug", case(slugs, "''")),
        Column::new("confidence", format!("substr({VERDICT}, 8)")),
    ]
}
