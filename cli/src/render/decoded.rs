//! What stood in base64 in the input, for people.

use std::io;

use jiff::Timestamp;
use meshwhy_logs::decoded::Decoded;

use super::{Labels, page::Page};
use crate::escape;

/// Writes each with what it says.
pub(super) fn write(page: &mut Page<'_>, labels: &Labels, all: &[Decoded]) -> io::Result<()> {
    for decoded in all {
        let (title, rows) = match decoded {
            Decoded::Certificate(certificate) => (
                labels.certificate,
                vec![
                    ("subject", certificate.subject.clone()),
                    ("issuer", certificate.issuer.clone()),
                    ("names", certificate.names.join(", ")),
                    ("trust domain", certificate.trust_domain.clone().unwrap_or_default()),
                    ("not before", begin(labels, certificate.not_before)),
                    ("not after", end(labels, certificate.not_after)),
                ],
            ),
            Decoded::Token(token) => (
                labels.token,
                vec![
                    ("iss", token.issuer.clone().unwrap_or_default()),
                    ("aud", token.audiences.join(", ")),
                    ("exp", end(labels, token.expires)),
                    ("nbf", begin(labels, token.not_before)),
                    ("alg", token.algorithm.clone().unwrap_or_default()),
                    ("kid", token.key_id.clone().unwrap_or_default()),
                ],
            ),
        };
        page.heading(title)?;
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
            page.line(&format!("{name:width$}  {}", escape::line(value)))?;
        }
    }
    if all.is_empty() { Ok(()) } else { page.blank() }
}

/// The time from which it holds.
fn begin(labels: &Labels, time: Option<Timestamp>) -> String {
    time.map(|time| format!("{time}{}", if time > Timestamp::now() { labels.not_yet } else { "" })).unwrap_or_default()
}

/// The time until which it holds.
fn end(labels: &Labels, time: Option<Timestamp>) -> String {
    time.map(|time| format!("{time}{}", if time < Timestamp::now() { labels.over } else { "" })).unwrap_or_default()
}
