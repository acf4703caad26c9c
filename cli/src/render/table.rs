//! A plain table: columns as wide as their cells, wide characters counted as two.

use std::io;

use unicode_width::UnicodeWidthStr;

use super::page::Page;

/// Writes a heading and rows; the last column is not padded.
pub(crate) fn write<const N: usize>(page: &mut Page<'_>, heading: [&str; N], rows: &[[String; N]]) -> io::Result<()> {
    let mut widths = heading.map(UnicodeWidthStr::width);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let line = |cells: &[&str]| {
        let padded =
            cells.iter().zip(widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width()))));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    page.dim(&format!("  {}", line(&heading)))?;
    for row in rows {
        page.line(&line(&row.each_ref().map(String::as_str)))?;
    }
    Ok(())
}
