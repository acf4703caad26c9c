//! Where the rows of a store have the facts.

use meshwhy_core::facts::Fact;
use meshwhy_core::words;

use crate::column::{self, Column};
use crate::dialect::{Dialect, case};

words! {
    /// What the rows are.
    pub enum Layout {
        /// A column for every key of Istio's JSON access log.
        IstioJson = "istio-json",
        /// OpenTelemetry's table `otel_logs`, as the Collector's ClickHouse exporter makes it: facts are attributes of the record, or its
        /// body is the line in JSON.
        OtelLogs = "otel-logs",
        /// One column `log` or `message` with the line in JSON, as shippers leave it.
        JsonText = "json-text",
    }
}

/// The key of a logged `Proxy-Status` header.
const PROXY_STATUS: &str = "proxy_status";

impl Layout {
    /// The columns that rows may have, and a value of the type that each has where the rows lack it.
    pub(crate) fn optional(self, dialect: Dialect) -> Vec<(&'static str, &'static str)> {
        let text = match dialect {
            Dialect::ClickHouse => "CAST(NULL, 'Nullable(String)')",
            Dialect::DuckDb => "NULL",
        };
        let attributes = match dialect {
            Dialect::ClickHouse => "CAST(map(), 'Map(String, String)')",
            Dialect::DuckDb => "NULL",
        };
        match self {
            Self::IstioJson => keys().map(|key| (key, text)).collect(),
            Self::OtelLogs => vec![("Body", text), ("LogAttributes", attributes)],
            Self::JsonText => vec![("log", text), ("message", text)],
        }
    }

    /// What the texts are taken from, made once of the columns of a row.
    pub(crate) fn prepared(self, dialect: Dialect) -> Vec<Column> {
        let name = |column: &str| dialect.name(column);
        match self {
            Self::IstioJson => keys().map(|key| Column::new(&raw(key), dialect.text(&name(key)))).collect(),
            Self::OtelLogs => vec![
                Column::new("mw_attributes", attributes(dialect, &name("LogAttributes"))),
                Column::new("mw_object", object(dialect, &dialect.text(&name("Body")))),
            ],
            Self::JsonText => {
                let line = format!("coalesce({}, {})", dialect.text(&name("log")), dialect.text(&name("message")));
                vec![Column::new("mw_object", object(dialect, &line))]
            }
        }
    }

    /// The value of a fact as a row has it; NULL where the row does not say.
    pub(crate) fn value(self, dialect: Dialect, fact: Fact) -> String {
        let names = fact.key().into_iter().chain(fact.record_attribute().filter(|_| self == Self::OtelLogs));
        self.first(dialect, names)
    }

    /// The logged header `Proxy-Status`.
    pub(crate) fn proxy_status(self, dialect: Dialect) -> String {
        self.first(dialect, [PROXY_STATUS])
    }

    fn first(self, dialect: Dialect, names: impl IntoIterator<Item = &'static str>) -> String {
        let of = |name: &'static str| match self {
            Self::IstioJson => vec![raw(name)],
            Self::OtelLogs => vec![attribute(dialect, name), member(dialect, name)],
            Self::JsonText => vec![member(dialect, name)],
        };
        let values: Vec<String> = names.into_iter().flat_map(of).collect();
        match values.as_slice() {
            [value] => value.clone(),
            values => format!("coalesce({})", values.join(", ")),
        }
    }
}

fn keys() -> impl Iterator<Item = &'static str> {
    column::FACTS.iter().filter_map(|fact| fact.key()).chain([PROXY_STATUS])
}

fn raw(key: &str) -> String {
    format!("{}raw_{key}", column::PREFIX)
}

/// The attributes of a record as a map (ClickHouse) or an object (DuckDB, where they may be a map, a structure or JSON).
fn attributes(dialect: Dialect, attributes: &str) -> String {
    match dialect {
        Dialect::ClickHouse => attributes.to_owned(),
        Dialect::DuckDb => format!("to_json({attributes})"),
    }
}

fn attribute(dialect: Dialect, name: &str) -> String {
    match dialect {
        Dialect::ClickHouse => {
            let name = dialect.literal(name);
            format!("if(mapContains(mw_attributes, {name}), mw_attributes[{name}], NULL)")
        }
        Dialect::DuckDb => format!("mw_attributes ->> {}", dialect.literal(&path(name))),
    }
}

/// A line in JSON as a map of raw values (ClickHouse) or as it is (DuckDB); nothing where it is no object.
fn object(dialect: Dialect, line: &str) -> String {
    match dialect {
        Dialect::ClickHouse => {
            format!("CAST(JSONExtractKeysAndValuesRaw(ifNull({line}, '')), 'Map(String, String)')")
        }
        Dialect::DuckDb => format!("CASE WHEN json_valid({line}) THEN CAST({line} AS JSON) END"),
    }
}

/// A member of that line; empty where it is `null`.
fn member(dialect: Dialect, name: &str) -> String {
    let key = dialect.literal(name);
    match dialect {
        Dialect::ClickHouse => {
            let value = format!("mw_object[{key}]");
            case(
                [
                    (format!("NOT mapContains(mw_object, {key})"), "NULL".to_owned()),
                    (format!("{value} = 'null'"), "''".to_owned()),
                    (dialect.begins(&value, "\""), format!("JSONExtractString({value})")),
                ],
                &value,
            )
        }
        Dialect::DuckDb => {
            let path = dialect.literal(&path(name));
            case([(format!("json_type(mw_object, {path}) = 'NULL'"), "''".to_owned())], &format!("mw_object ->> {path}"))
        }
    }
}

/// The way to a member whose name may hold dots.
fn path(name: &str) -> String {
    format!("$.\"{name}\"")
}
