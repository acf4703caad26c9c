//! A plain table: columns as wide as their cells, wide characters counted as two.

use std::io;

use unicode_width::UnicodeWidthStr;

use super::page::Page;

/// Between two columns.
const GAP: usize = 2;

/// Cells below a heading.
pub(crate) struct Column {
    heading: &'static str,
    cells: Vec<String>,
    /// What is left of the cells where the page is too narrow for them; nothing where there is no such page.
    narrow: Option<Vec<String>>,
}

impl Column {
    /// A column that stays.
    pub(crate) fn new(heading: &'static str, cells: impl Iterator<Item = String>) -> Self {
        Self { heading, cells: cells.collect(), narrow: None }
    }

    /// A column that makes room: what is left of it is this.
    pub(crate) fn or(self, narrow: impl Iterator<Item = String>) -> Self {
        Self { narrow: Some(narrow.collect()), ..self }
    }

    /// A column that makes room by leaving.
    pub(crate) fn or_nothing(self) -> Self {
        Self { narrow: Some(Vec::new()), ..self }
    }

    fn width(&self) -> usize {
        self.cells.iter().map(|cell| cell.width()).chain([self.heading.width()]).max().unwrap_or_default()
    }
}

/// Writes columns. As far as the page is too narrow, the last of those that can make room do so first.
pub(crate) fn fitting(page: &mut Page<'_>, mut columns: Vec<Column>) -> io::Result<()> {
    let wide = |columns: &[Column]| columns.iter().map(|column| column.width() + GAP).sum::<usize>();
    while page.columns().is_some_and(|available| wide(&columns) > available) {
        let Some(at) = columns.iter().rposition(|column| column.narrow.is_some()) else { break };
        let column = columns.remove(at);
        if let Some(cells) = column.narrow.filter(|cells| !cells.is_empty()) {
            columns.insert(at, Column { cells, narrow: None, ..column });
        }
    }
    let widths: Vec<usize> = columns.iter().map(Column::width).collect();
    let headings: Vec<&str> = columns.iter().map(|column| column.heading).collect();
    page.dim(&format!("  {}", padded(&headings, &widths)))?;
    let rows = columns.first().map_or(0, |column| column.cells.len());
    for row in 0..rows {
        let cells: Vec<&str> = columns.iter().filter_map(|column| column.cells.get(row)).map(String::as_str).collect();
        page.line(&padded(&cells, &widths))?;
    }
    Ok(())
}

/// Writes a heading, unless it is empty, and rows, however wide they are.
pub(crate) fn write<const N: usize>(page: &mut Page<'_>, heading: [&str; N], rows: &[[String; N]]) -> io::Result<()> {
    let mut widths = heading.map(UnicodeWidthStr::width);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    if heading.iter().any(|heading| !heading.is_empty()) {
        page.dim(&format!("  {}", padded(&heading, &widths)))?;
    }
    rows.iter().try_for_each(|row| page.line(&padded(&row.each_ref().map(String::as_str), &widths)))
}

/// The cells of a row; the last one is not padded.
fn padded(cells: &[&str], widths: &[usize]) -> String {
    let padded =
        cells.iter().zip(widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width()))));
    padded.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_page_loses_what_can_be_spared() {
        let cells = |text: &'static str| std::iter::repeat_n(text.to_owned(), 2);
        let written = |width| {
            let columns = vec![
                Column::new("N", cells("12")),
                Column::new("CAUSE", cells("MW2003 no-cluster")).or(cells("no-cluster")),
                Column::new("HOP", cells("网关")).or_nothing(),
            ];
            let mut out = Vec::new();
            fitting(&mut Page::of(&mut out, width), columns).unwrap();
            String::from_utf8(anstream::adapter::strip_bytes(&out).into_vec()).unwrap()
        };
        let rows = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(rows(&written(None)), ["  12  MW2003 no-cluster  网关"; 2]);
        assert_eq!(rows(&written(Some(29))), ["  12  MW2003 no-cluster  网关"; 2]);
        assert_eq!(rows(&written(Some(28))), ["  12  MW2003 no-cluster"; 2]);
        assert_eq!(rows(&written(Some(20))), ["  12  no-cluster"; 2]);
        assert_eq!(rows(&written(Some(4))), ["  12  no-cluster"; 2]);
    }
}
