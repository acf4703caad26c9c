//! What stood in base64 in the input, in rows.

use jiff::Timestamp;
use meshwhy_logs::decoded::Decoded;

use crate::labels::Labels;

/// What it is, and its rows that say something: name and value, which is untrusted.
#[must_use]
pub fn rows(labels: &Labels, decoded: &Decoded, now: Timestamp) -> (&'static str, Vec<(&'static str, String)>) {
    // From when it holds, and until when.
    let begin = |time| printed(time, |time| time > now, labels.not_yet);
    let end = |time| printed(time, |time| time < now, labels.over);
    let (title, mut rows) = match decoded {
        Decoded::Certificate(certificate) => (
            labels.certificate,
            vec![
                ("subject", certificate.subject.clone()),
                ("issuer", certificate.issuer.clone()),
                ("names", certificate.names.join(", ")),
                ("trust domain", certificate.trust_domain.clone().unwrap_or_default()),
                ("not before", begin(certificate.not_before)),
                ("not after", end(certificate.not_after)),
            ],
        ),
        Decoded::Token(token) => (
            labels.token,
            vec![
                ("iss", token.issuer.clone().unwrap_or_default()),
                ("aud", token.audiences.join(", ")),
                ("exp", end(token.expires)),
                ("nbf", begin(token.not_before)),
                ("alg", token.algorithm.clone().unwrap_or_default()),
                ("kid", token.key_id.clone().unwrap_or_default()),
            ],
        ),
    };
    rows.retain(|(_, value)| !value.is_empty());
    (title, rows)
}

fn printed(time: Option<Timestamp>, is_remarkable: impl Fn(Timestamp) -> bool, remark: &str) -> String {
    time.map(|time| format!("{time}{}", if is_remarkable(time) { remark } else { "" })).unwrap_or_default()
}
