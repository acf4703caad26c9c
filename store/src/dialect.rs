//! How the stores spell what a query needs. Regular expressions are those of RE2 in all of them.

use meshwhy_core::words;

words! {
    /// A dialect of SQL.
    pub enum Dialect {
        /// ClickHouse, 24.8 and later.
        ClickHouse = "clickhouse",
        /// DuckDB, 1.0 and later.
        DuckDb = "duckdb",
    }
}

impl Dialect {
    /// A text as a literal, whatever stands in it.
    pub(crate) fn literal(self, text: &str) -> String {
        let inner = match self {
            Self::ClickHouse => text.replace('\\', "\\\\").replace('\'', "\\'"),
            Self::DuckDb => text.replace('\'', "''"),
        };
        format!("'{inner}'")
    }

    /// A name of a column in quotes.
    pub(crate) fn name(self, name: &str) -> String {
        match self {
            Self::ClickHouse => format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`")),
            Self::DuckDb => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    /// Whether the text is one of these.
    pub(crate) fn one_of<'t>(self, text: &str, words: impl IntoIterator<Item = &'t str>) -> String {
        let words: Vec<String> = words.into_iter().map(|word| self.literal(word)).collect();
        match words.as_slice() {
            [] => "false".to_owned(),
            [word] => format!("{text} = {word}"),
            words => format!("{text} IN ({})", words.join(", ")),
        }
    }

    /// Whether the text begins so.
    pub(crate) fn begins(self, text: &str, head: &str) -> String {
        let head = self.literal(head);
        match self {
            Self::ClickHouse => format!("startsWith({text}, {head})"),
            Self::DuckDb => format!("starts_with({text}, {head})"),
        }
    }

    /// Whether the text ends so.
    pub(crate) fn ends(self, text: &str, tail: &str) -> String {
        let tail = self.literal(tail);
        match self {
            Self::ClickHouse => format!("endsWith({text}, {tail})"),
            Self::DuckDb => format!("ends_with({text}, {tail})"),
        }
    }

    /// Whether the pattern matches somewhere in the text.
    pub(crate) fn matches(self, text: &str, pattern: &str) -> String {
        let pattern = self.literal(pattern);
        match self {
            Self::ClickHouse => format!("match({text}, {pattern})"),
            Self::DuckDb => format!("regexp_matches({text}, {pattern})"),
        }
    }

    /// What a group of the pattern holds; empty where nothing matches.
    pub(crate) fn group(self, text: &str, pattern: &str, group: u8) -> String {
        let pattern = self.literal(pattern);
        match self {
            Self::ClickHouse => format!("regexpExtract({text}, {pattern}, {group})"),
            Self::DuckDb => format!("regexp_extract({text}, {pattern}, {group})"),
        }
    }

    /// The text with underscores for spaces.
    pub(crate) fn underscored(self, text: &str) -> String {
        match self {
            Self::ClickHouse => format!("replaceAll({text}, ' ', '_')"),
            Self::DuckDb => format!("replace({text}, ' ', '_')"),
        }
    }

    /// The text with small ASCII letters.
    pub(crate) fn lower(self, text: &str) -> String {
        match self {
            Self::ClickHouse => format!("lower({text})"),
            Self::DuckDb => format!("translate({text}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"),
        }
    }

    /// A text of digits as a number of 64 bits; NULL where it is none.
    pub(crate) fn number(self, digits: &str) -> String {
        match self {
            Self::ClickHouse => format!("toUInt64OrNull({digits})"),
            Self::DuckDb => format!("TRY_CAST({digits} AS UBIGINT)"),
        }
    }

    /// Whether any of these bits is set.
    pub(crate) fn has_bits(self, number: &str, bits: u64) -> String {
        match self {
            Self::ClickHouse => format!("bitAnd({number}, toUInt64({bits})) != 0"),
            Self::DuckDb => format!("({number} & {bits}::UBIGINT) <> 0"),
        }
    }

    /// A number without a sign.
    pub(crate) fn unsigned(self, number: u64) -> String {
        match self {
            Self::ClickHouse => format!("toUInt64({number})"),
            Self::DuckDb => format!("{number}::UBIGINT"),
        }
    }

    /// The value of any column as a text, NULL where it has none.
    pub(crate) fn text(self, column: &str) -> String {
        match self {
            Self::ClickHouse => format!("toString({column})"),
            Self::DuckDb => {
                format!("CASE WHEN typeof({column}) = 'JSON' THEN to_json({column}) ->> '$' ELSE CAST({column} AS VARCHAR) END")
            }
        }
    }
}

/// The first of these that holds decides; a `CASE` without any case is what is left.
pub(crate) fn case(cases: impl IntoIterator<Item = (String, String)>, otherwise: &str) -> String {
    let cases: String = cases.into_iter().map(|(when, then)| format!(" WHEN {when} THEN {then}")).collect();
    if cases.is_empty() { otherwise.to_owned() } else { format!("CASE{cases} ELSE {otherwise} END") }
}
