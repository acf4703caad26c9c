//! What stood in base64 in the input, for people.

use std::io;

use jiff::Timestamp;
use meshwhy_logs::decoded::Decoded;
use meshwhy_report::decoded::rows;

use super::{Labels, page::Page};
use crate::escape;

/// Writes each with what it says.
pub(super) fn write(page: &mut Page<'_>, labels: &Labels, all: &[Decoded]) -> io::Result<()> {
    for decoded in all {
        let (title, rows) = rows(labels, decoded, Timestamp::now());
        page.heading(title)?;
        // As wide as the longest name of its kind, whatever it says.
        let width = match decoded {
            Decoded::Certificate(_) => "trust domain".len(),
            Decoded::Token(_) => "iss".len(),
        };
        for (name, value) in rows {
            page.line(&format!("{name:width$}  {}", escape::line(&value)))?;
        }
    }
    if all.is_empty() { Ok(()) } else { page.blank() }
}
