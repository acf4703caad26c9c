//! What stands in base64 in whatever people paste: certificates of config dumps and Secrets, and tokens. Never a private key, and never a
//! signature.

mod certificate;
mod token;

use std::borrow::Cow;

use serde::Serialize;

pub use certificate::CertificateInfo;
pub use token::TokenInfo;

/// Most that are looked at.
const MOST: usize = 20;

/// Something that was in base64. Its texts are untrusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Decoded {
    /// An X.509 certificate.
    Certificate(CertificateInfo),
    /// A JSON Web Token.
    Token(TokenInfo),
}

/// Finds certificates, in PEM or in base64 of it, and tokens; at most twenty.
#[must_use]
pub fn decoded(text: &str) -> Vec<Decoded> {
    let certificates = certificate::all(text).map(Decoded::Certificate);
    let tokens = token::all(text).map(Decoded::Token);
    let mut found: Vec<Decoded> = Vec::new();
    for decoded in certificates.chain(tokens) {
        if found.len() < MOST && !found.contains(&decoded) {
            found.push(decoded);
        }
    }
    found
}

/// The same text with `…` in place of what nobody may see who reads a report: signatures of tokens, and PEM behind its first line, in
/// base64 or not, since a private key may follow a certificate.
#[must_use]
pub fn without_secrets(text: &str) -> Cow<'_, str> {
    let mut secrets: Vec<_> = token::signatures(text).chain(certificate::bodies(text)).collect();
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    secrets.sort_by_key(|secret| secret.start);
    let (mut shown, mut done) = (String::new(), 0);
    for secret in secrets.into_iter().filter(|secret| !secret.is_empty()) {
        if secret.start >= done {
            shown.push_str(text.get(done..secret.start).unwrap_or_default());
            shown.push('…');
        }
        done = done.max(secret.end);
    }
    shown.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_shown() {
        let pem = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
        for text in
            [pem.to_owned(), pem.replace('\n', "\\n"), "key: LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCmMyVmpjbVYw end".to_owned()]
        {
            let shown = without_secrets(&text);
            assert!(!shown.contains("c2VjcmV0") && !shown.contains("CmMyVmpjbVYw") && shown.contains('…'), "{shown}");
        }
        assert_eq!(without_secrets("503 UH"), "503 UH");
    }
}
