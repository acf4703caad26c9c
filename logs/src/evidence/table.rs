//! Access logs as tables: CSV with a header, Markdown, columns with spaces between them; one request per row.

use std::borrow::Cow;

use meshwhy_core::Facts;
use meshwhy_core::facts::Fact;

use super::words::holds_any;

/// Longest header, in bytes.
const MAX_HEADER: usize = 2000;
/// And in columns.
const MAX_COLUMNS: usize = 64;

/// What stands between cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separator {
    /// A mark of CSV; cells may be quoted.
    Mark(char),
    /// `|` of Markdown and of databases, also at both ends.
    Bar,
    /// Two spaces or more, or a tabulator.
    Spaces,
}

/// The columns that say something of a request.
#[derive(Debug)]
pub(crate) struct Columns {
    separator: Separator,
    facts: Vec<Option<Fact>>,
}

impl Columns {
    /// Reads a header; `None` where no column holds flags or details of a response, since other tables have columns of these names, too.
    pub(crate) fn of(header: &str) -> Option<Self> {
        let header = header.trim();
        // A quick look before a thorough one: most lines are no header.
        if header.len() > MAX_HEADER || !holds_any(header, &["flag", "details"]) {
            return None;
        }
        let separators = [Separator::Bar, Separator::Mark(','), Separator::Mark(';'), Separator::Mark('\t'), Separator::Spaces];
        separators.into_iter().find_map(|separator| {
            let names = cells(header, separator);
            // A cell that gives a value is of a request, and no name.
            let gives_value = |name: &Cow<'_, str>| name.contains(['=', '{']) || name.contains("\":");
            if !(2..=MAX_COLUMNS).contains(&names.len()) || names.iter().any(gives_value) {
                return None;
            }
            let facts: Vec<_> = names.iter().map(|name| fact(name)).collect();
            let has = |wanted: &[Fact]| facts.iter().flatten().any(|fact| wanted.contains(fact));
            let of_response = names.iter().any(|name| name.to_ascii_lowercase().contains("response"));
            let says_why = has(&[Fact::Flags]) && has(&[Fact::Status]) || of_response && has(&[Fact::Flags, Fact::Details]);
            says_why.then_some(Self { separator, facts })
        })
    }

    /// The facts of a row; `None` where it has other columns.
    pub(crate) fn read<'r>(&self, row: &'r str) -> Option<Facts<'r>> {
        let cells = cells(row.trim(), self.separator);
        if cells.len() != self.facts.len() {
            return None;
        }
        let mut facts = Facts::default();
        for (fact, value) in self.facts.iter().zip(cells) {
            if let Some(fact) = fact.filter(|_| !matches!(value.as_ref(), "" | "-" | "null" | "<none>")) {
                facts.put(fact, value);
            }
        }
        Some(facts)
    }

    /// Whether the line only parts the header from the rows.
    pub(crate) fn is_rule(line: &str) -> bool {
        let line = line.trim();
        line.len() > 2 && line.bytes().all(|byte| matches!(byte, b'-' | b'|' | b':' | b'+' | b' ' | b'='))
    }
}

/// Reads a table from its header on.
pub(crate) fn read(text: &str) -> Option<Vec<Facts<'static>>> {
    let mut lines = text.lines();
    let columns = Columns::of(lines.next()?)?;
    Some(lines.filter_map(|row| columns.read(row)).map(Facts::into_owned).collect())
}

/// The fact that a column is of: by its name, or by how its name ends.
fn fact(name: &str) -> Option<Fact> {
    const ENDS: [(&str, Fact); 12] = [
        ("response_code_details", Fact::Details),
        ("termination_details", Fact::Termination),
        ("details", Fact::Details),
        ("flags", Fact::Flags),
        ("flag", Fact::Flags),
        ("grpc_status", Fact::GrpcStatus),
        ("status_code", Fact::Status),
        ("response_code", Fact::Status),
        ("status", Fact::Status),
        ("code", Fact::Status),
        ("transport_failure_reason", Fact::UpstreamTransport),
        ("upstream_cluster", Fact::Cluster),
    ];
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' };
    let name: String = name.trim().trim_matches(['*', '`', '_', '%']).chars().map(letter).collect();
    Fact::of_key(&name).or_else(|| ENDS.iter().find(|(end, _)| name.ends_with(end)).map(|(_, fact)| *fact))
}

fn cells(line: &str, separator: Separator) -> Vec<Cow<'_, str>> {
    match separator {
        Separator::Mark(mark) => quoted(line, mark),
        Separator::Bar => {
            let inner = line.strip_prefix('|').unwrap_or(line);
            let inner = inner.strip_suffix('|').unwrap_or(inner);
            bars(inner)
        }
        Separator::Spaces => {
            let gaps = line.split('\t').flat_map(|part| part.split("  "));
            gaps.map(str::trim).filter(|cell| !cell.is_empty()).map(Cow::Borrowed).collect()
        }
    }
}

/// Cells between bars; a bar behind a backslash belongs to its cell.
fn bars(line: &str) -> Vec<Cow<'_, str>> {
    let mut cells: Vec<Cow<'_, str>> = Vec::new();
    let mut goes_on = false;
    for part in line.split('|') {
        let kept = part.strip_suffix('\\');
        let text = kept.unwrap_or(part);
        match cells.last_mut().filter(|_| goes_on) {
            Some(cell) => cell.to_mut().extend(["|", text]),
            None => cells.push(Cow::Borrowed(text)),
        }
        goes_on = kept.is_some();
    }
    cells.into_iter().map(|cell| cell.trim().trim_matches(['*', '`']).to_owned().into()).collect()
}

/// Cells of CSV (RFC 4180): a quote inside a quoted cell is doubled.
fn quoted(line: &str, mark: char) -> Vec<Cow<'_, str>> {
    let mut cells = Vec::new();
    let mut rest = Some(line);
    while let Some(text) = rest {
        if let Some(inner) = text.strip_prefix('"') {
            let mut cell = String::new();
            let mut inner = inner;
            rest = loop {
                let Some((before, after)) = inner.split_once('"') else {
                    cell.push_str(inner);
                    break None;
                };
                cell.push_str(before);
                match after.strip_prefix('"') {
                    Some(after) => {
                        cell.push('"');
                        inner = after;
                    }
                    None => break after.split_once(mark).map(|(_, rest)| rest),
                }
            };
            cells.push(Cow::Owned(cell));
        } else {
            let (cell, behind) = text.split_once(mark).map_or((text, None), |(cell, behind)| (cell, Some(behind)));
            cells.push(Cow::Borrowed(cell.trim()));
            rest = behind;
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_every_sort() {
        let texts = |line, separator| cells(line, separator).into_iter().map(Cow::into_owned).collect::<Vec<_>>();
        assert_eq!(texts(r#"503,"a,""b""",UC"#, Separator::Mark(',')), ["503", r#"a,"b""#, "UC"]);
        assert_eq!(texts(r#""open"#, Separator::Mark(',')), ["open"]);
        assert_eq!(texts(r"| 503 | outbound\|80\|\|web | `UC` |", Separator::Bar), ["503", "outbound|80||web", "UC"]);
        assert_eq!(texts("503   UC\t reviews:9080", Separator::Spaces), ["503", "UC", "reviews:9080"]);
    }

    #[test]
    fn a_header_needs_what_only_envoy_writes() {
        for header in [
            "Name  Flags  Size",
            "name;status;details",
            "id,details",
            "NAME  READY  STATUS  RESTARTS",
            "time,status,code,host",
            "flags",
            "",
            "a|b|c",
        ] {
            assert!(Columns::of(header).is_none(), "{header}");
        }
        for header in
            ["CODE  FLAGS  HOST", "response_code;response_flags", "| Status | Response Flags |", "status\tresponse_code_details"]
        {
            assert!(Columns::of(header).is_some(), "{header}");
        }
    }
}
