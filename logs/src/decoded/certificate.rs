//! Certificates.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use memchr::memmem;
use serde::Serialize;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;
use x509_parser::prelude::{ASN1Time, X509Certificate};

/// How PEM of a certificate begins, and the same in base64. What begins otherwise, a private key above all, is not looked at.
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
const BEGIN_BASE64: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t";

/// Longest name that is kept, and most of them.
const LONGEST: usize = 256;
const MOST_NAMES: usize = 10;
/// Most beginnings that are looked at: one that does not end is looked for to the end of the text.
const MOST: usize = 50;

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct CertificateInfo {
    /// Whose it is; empty in certificates of workloads.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The names that it is for: DNS names, URIs and addresses; at most ten.
    pub names: Vec<String>,
    /// The trust domain of its SPIFFE identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_domain: Option<String>,
    /// From when it is valid.
    #[cfg_attr(feature = "schemas", schemars(with = "Option<String>"))]
    pub not_before: Option<Timestamp>,
    /// Until when.
    #[cfg_attr(feature = "schemas", schemars(with = "Option<String>"))]
    pub not_after: Option<Timestamp>,
}

/// Certificates in PEM, and those inside base64.
pub(super) fn all(text: &str) -> impl Iterator<Item = CertificateInfo> {
    let plain = blocks(text);
    let packed = memmem::find_iter(text.as_bytes(), BEGIN_BASE64).take(MOST).filter_map(|at| unpacked(text.get(at..)?));
    plain.chain(packed.flat_map(|text| blocks(&text).collect::<Vec<_>>()))
}

/// Where PEM stands behind the line that it begins with, and the same in base64.
pub(super) fn bodies(text: &str) -> impl Iterator<Item = Range<usize>> {
    const PEM: &str = "-----BEGIN ";
    const PEM_BASE64: &str = "LS0tLS1CRUdJTi";
    let plain = memmem::find_iter(text.as_bytes(), PEM).map(|at| {
        let start = at.saturating_add(PEM.len());
        let ends = memmem::find(text.as_bytes().get(start..).unwrap_or_default(), b"-----END ");
        start..ends.map_or(text.len(), |length| start.saturating_add(length))
    });
    let packed = memmem::find_iter(text.as_bytes(), PEM_BASE64).map(|at| {
        let start = at.saturating_add(PEM_BASE64.len());
        let rest = text.as_bytes().get(start..).unwrap_or_default();
        start..start.saturating_add(rest.iter().take_while(|byte| is_base64(**byte)).count())
    });
    plain.chain(packed)
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// The base64 at the start of the text, as text.
fn unpacked(text: &str) -> Option<String> {
    let length = text.bytes().position(|byte| !is_base64(byte)).unwrap_or(text.len());
    String::from_utf8(STANDARD.decode(text.get(..length)?).ok()?).ok()
}

fn blocks(text: &str) -> impl Iterator<Item = CertificateInfo> {
    memmem::find_iter(text.as_bytes(), BEGIN).take(MOST).filter_map(|at| {
        let rest = text.get(at..)?;
        let end = memmem::find(rest.as_bytes(), END.as_bytes())?.checked_add(END.len())?;
        // JSON and YAML in one line have escapes where lines end.
        let block = rest.get(..end)?.replace("\\n", "\n");
        let pem = Pem::iter_from_buffer(block.as_bytes()).next()?.ok()?;
        Some(info(&pem.parse_x509().ok()?))
    })
}

fn info(certificate: &X509Certificate<'_>) -> CertificateInfo {
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let names = alternative.iter().flat_map(|names| &names.value.general_names).filter_map(name);
    let names: Vec<String> = names.take(MOST_NAMES).map(|name| bounded(&name)).collect();
    let spiffe = names.iter().find_map(|name| name.strip_prefix("spiffe://"));
    CertificateInfo {
        subject: bounded(&certificate.subject().to_string()),
        issuer: bounded(&certificate.issuer().to_string()),
        trust_domain: spiffe.and_then(|identity| identity.split('/').next()).map(str::to_owned),
        names,
        not_before: time(certificate.validity().not_before),
        not_after: time(certificate.validity().not_after),
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) | GeneralName::URI(name) => Some((*name).to_owned()),
        GeneralName::IPAddress([a, b, c, d]) => Some(format!("{a}.{b}.{c}.{d}")),
        _ => None,
    }
}

fn time(time: ASN1Time) -> Option<Timestamp> {
    Timestamp::from_second(time.timestamp()).ok()
}

fn bounded(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
