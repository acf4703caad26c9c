//! What a certificate says of its server.

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Most names of a certificate that are kept.
const MAX_NAMES: usize = 20;

/// What a server's certificate says. Whoever made it chose every text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerCertificate {
    /// The distinguished name of the server.
    pub subject: String,
    /// The distinguished name of the authority.
    pub issuer: String,
    /// The names it is for: DNS names, addresses, URIs such as SPIFFE ids; at most 20.
    pub names: Vec<String>,
    /// From when on it is valid, in UTC.
    pub not_before: String,
    /// Until when, in UTC.
    pub not_after: String,
}

impl ServerCertificate {
    /// Reads DER; `None` where it is no certificate.
    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let names = certificate.subject_alternative_name().ok().flatten();
        let names = names.map(|names| names.value.general_names.iter().filter_map(name).take(MAX_NAMES).collect());
        let validity = certificate.validity();
        Some(Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            names: names.unwrap_or_default(),
            not_before: validity.not_before.to_string(),
            not_after: validity.not_after.to_string(),
        })
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) | GeneralName::URI(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match *bytes {
            &[a, b, c, d] => Some(std::net::Ipv4Addr::new(a, b, c, d).to_string()),
            bytes => <[u8; 16]>::try_from(bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string()),
        },
        _ => None,
    }
}
