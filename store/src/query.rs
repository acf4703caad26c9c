//! The whole query: stages that each add columns to the one before, so that every text is understood once.

use std::fmt::Write as _;

use crate::column::{ANNOTATED, Column, FAILED, TARGET, VERDICT};
use crate::dialect::Dialect;
use crate::layout::Layout;
use crate::{member, text, transport, verdict};

/// A query that classifies the rows of a store.
#[derive(Debug, Clone, Copy)]
pub struct Query<'q> {
    /// The store's dialect.
    pub dialect: Dialect,
    /// What its rows are.
    pub layout: Layout,
    /// Where they are: whatever may stand behind `FROM`, as it is.
    pub from: &'q str,
    /// Whether every failing row is wanted, with all of its own columns.
    pub raw: bool,
}

impl Query<'_> {
    /// One `SELECT`: `code`, `slug`, `confidence`, `target` and `count` of failures that are the same in these, or of every failing row
    /// behind its own columns.
    #[must_use]
    pub fn sql(&self) -> String {
        let Self { dialect, layout, raw, .. } = *self;
        let source = self.source();
        let mut stages = Stages::from(source, self.carried(), &layout.prepared(dialect));
        stages.add(&text::texts(dialect, layout), None);
        stages.add(&member::author(dialect), Some(&format!("NOT ({})", text::is_plain(dialect))));
        stages.add(&member::relayed(dialect), None);
        stages.add(&text::parsed(dialect), None);
        stages.add(&transport::reasons(dialect), None);
        stages.add(&transport::parts(dialect), None);
        stages.add(&transport::errors(dialect), None);
        stages.add(&transport::kinds(dialect), None);
        stages.add(&verdict::failed(dialect), None);
        stages.add(&verdict::found(dialect), Some(&format!("{FAILED} OR {ANNOTATED} <> ''")));
        stages.keep_last(dialect);
        stages.add(&verdict::by_facts(dialect), None);
        stages.add(&verdict::verdict(dialect), None);
        stages.keep_last(dialect);
        let failing = format!("{VERDICT} <> ''");
        let named = listed(&verdict::named(dialect));
        let last = stages.last();
        let answer = if raw {
            let own = match dialect {
                Dialect::ClickHouse => format!("* EXCEPT ({})", stages.names.join(", ")),
                Dialect::DuckDb => format!("{ROW}.*"),
            };
            format!("SELECT {own}, {named}, {TARGET} AS target, 1 AS count\nFROM {last} WHERE {failing}")
        } else {
            format!(
                "SELECT {named}, {TARGET} AS target, mw_count AS count\nFROM (SELECT {VERDICT}, {TARGET}, count(*) AS mw_count \
                FROM {last} WHERE {failing} GROUP BY {VERDICT}, {TARGET}) AS mw_groups\nORDER BY mw_count DESC, code, target"
            )
        };
        format!("{}{answer}\n", stages.text)
    }

    /// Rows of which none lacks a column that the layout knows, whatever the table has.
    fn source(&self) -> String {
        let Self { dialect, layout, from, raw } = *self;
        let optional: Vec<String> =
            (layout.optional(dialect).into_iter()).map(|(name, value)| format!("{value} AS {}", dialect.name(name))).collect();
        let optional = optional.join(", ");
        match dialect {
            // A name that both sides of a join have is that of the left one.
            Dialect::ClickHouse => {
                format!("(SELECT * FROM {from}\n) AS mw_source CROSS JOIN (SELECT {optional}) AS mw_optional")
            }
            Dialect::DuckDb => {
                let row = if raw { format!(", mw_source AS {ROW}") } else { String::new() };
                format!(
                    "(SELECT {optional} WHERE false UNION ALL BY NAME SELECT *{row} FROM (SELECT * FROM {from}\n) AS mw_source) AS mw_rows"
                )
            }
        }
    }

    /// What of the rows is carried to the end.
    const fn carried(&self) -> &'static str {
        match (self.raw, self.dialect) {
            (false, _) => "",
            (true, Dialect::ClickHouse) => "mw_source.*, ",
            (true, Dialect::DuckDb) => "mw_row, ",
        }
    }
}

/// The row itself, in DuckDB.
const ROW: &str = "mw_row";

/// The stages so far.
struct Stages {
    text: String,
    number: usize,
    /// The columns that they added.
    names: Vec<String>,
}

impl Stages {
    fn from(source: String, carried: &str, columns: &[Column]) -> Self {
        let mut stages = Self { text: "WITH ".to_owned(), number: 0, names: Vec::new() };
        stages.push(carried, columns, &source);
        stages
    }

    /// Adds columns to all that the last stage has, of the rows of which the condition holds.
    fn add(&mut self, columns: &[Column], only: Option<&str>) {
        let only = only.map(|only| format!(" WHERE {only}")).unwrap_or_default();
        let from = format!("{}{only}", self.last());
        self.text.truncate(self.text.trim_end().len());
        self.text.push_str(",\n");
        self.number += 1;
        self.push("*, ", columns, &from);
    }

    fn push(&mut self, carried: &str, columns: &[Column], from: &str) {
        self.names.extend(columns.iter().map(|column| column.name.clone()));
        let (last, columns) = (self.last(), listed(columns));
        let _ = writeln!(self.text, "{last} AS (SELECT {carried}{columns} FROM {from})");
    }

    /// Has the rows of the last stage kept as they are. DuckDB would push what is asked of a verdict down through all that it is made of,
    /// and write that out again wherever it is named.
    fn keep_last(&mut self, dialect: Dialect) {
        let begin = format!("{} AS (", self.last());
        if let (Dialect::DuckDb, Some(at)) = (dialect, self.text.rfind(&begin)) {
            self.text.insert_str(at + begin.len() - 1, "MATERIALIZED ");
        }
    }

    fn last(&self) -> String {
        format!("mw_stage_{}", self.number)
    }
}

fn listed(columns: &[Column]) -> String {
    let listed: Vec<String> = columns.iter().map(|Column { name, expression }| format!("{expression} AS {name}")).collect();
    listed.join(", ")
}
