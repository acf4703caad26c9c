//! `meshwhy sql`.

use clap::{Args, ValueEnum};
use meshwhy_store::{Dialect, Layout};

#[derive(Debug, Args)]
pub(crate) struct SqlArgs {
    /// The store
    #[arg(long, value_enum)]
    pub(crate) dialect: DialectArg,
    /// What its rows are
    #[arg(long, value_enum)]
    pub(crate) layout: LayoutArg,
    /// Where they are, in SQL of the store: a table, a function that reads files, or a query in parentheses. It is printed as it stands
    #[arg(long, value_name = "EXPRESSION")]
    pub(crate) from: String,
    /// Every failing row with its own columns and these beside them, not their sums
    #[arg(long)]
    pub(crate) raw: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DialectArg {
    /// ClickHouse and chDB: not held to the law by a test yet, and slow
    Clickhouse,
    /// DuckDB
    Duckdb,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LayoutArg {
    /// Istio's JSON access log, a column for every key (JSON, Parquet, a table)
    IstioJson,
    /// The table `otel_logs` of OpenTelemetry's exporter: facts as attributes of the record, or a body in JSON
    OtelLogs,
    /// A column `log` or `message` with the line in JSON
    JsonText,
}

impl From<DialectArg> for Dialect {
    fn from(dialect: DialectArg) -> Self {
        match dialect {
            DialectArg::Clickhouse => Self::ClickHouse,
            DialectArg::Duckdb => Self::DuckDb,
        }
    }
}

impl From<LayoutArg> for Layout {
    fn from(layout: LayoutArg) -> Self {
        match layout {
            LayoutArg::IstioJson => Self::IstioJson,
            LayoutArg::OtelLogs => Self::OtelLogs,
            LayoutArg::JsonText => Self::JsonText,
        }
    }
}
