//! The URL.

use http::Uri;
use http::uri::PathAndQuery;

/// What a URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Whether it is `https`.
    pub is_tls: bool,
    /// A name, an IPv4 address, or an IPv6 address without brackets.
    pub host: String,
    /// The port; that of the scheme where the URL names none.
    pub port: u16,
    /// Path and query.
    pub path_and_query: PathAndQuery,
    /// Host and port as the URL has them.
    pub authority: String,
}

/// Why a text is no URL that can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// No URL.
    #[error("this is no URL; one is written like http://reviews:9080/ or https://shop.example.com/cart")]
    NotUrl,
    /// Another scheme.
    #[error("only http:// and https:// can be asked")]
    Scheme,
    /// A user or a password.
    #[error("a URL with a user or a password would be printed; give them with -H 'authorization: …'")]
    Credentials,
}

impl Target {
    /// Reads a URL; without a scheme it is `http`.
    ///
    /// # Errors
    /// Those of [`TargetError`].
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        // A fragment never leaves the client.
        let url = url.split('#').next().unwrap_or_default();
        let whole = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let uri: Uri = whole.parse().map_err(|_| TargetError::NotUrl)?;
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            Some(_) => return Err(TargetError::Scheme),
            None => return Err(TargetError::NotUrl),
        };
        let authority = uri.authority().ok_or(TargetError::NotUrl)?;
        if authority.as_str().contains('@') {
            return Err(TargetError::Credentials);
        }
        let host = authority.host();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = match authority.port_u16() {
            Some(port) => port,
            None if authority.as_str().len() > authority.host().len() => return Err(TargetError::NotUrl),
            None if is_tls => 443,
            None => 80,
        };
        if host.is_empty() || port == 0 {
            return Err(TargetError::NotUrl);
        }
        Ok(Self {
            is_tls,
            host: host.to_owned(),
            port,
            path_and_query: uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")),
            authority: authority.as_str().to_owned(),
        })
    }

    /// The URL without its query, which may hold secrets.
    #[must_use]
    pub fn shown(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        let query = if self.path_and_query.query().is_some() { "?…" } else { "" };
        format!("{scheme}://{}{}{query}", self.authority, self.path_and_query.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (url, is_tls, host, port, shown) in [
            ("http://reviews", false, "reviews", 80, "http://reviews/"),
            ("reviews:9080/a?token=x", false, "reviews", 9080, "http://reviews:9080/a?…"),
            ("https://[::1]/cart#top", true, "::1", 443, "https://[::1]/cart"),
        ] {
            let target = Target::parse(url).unwrap();
            assert_eq!((target.is_tls, target.host.as_str(), target.port), (is_tls, host, port), "{url}");
            assert_eq!(target.shown(), shown);
        }
    }

    #[test]
    fn no_urls() {
        for (url, error) in [
            ("", TargetError::NotUrl),
            ("http://", TargetError::NotUrl),
            ("http://a b/", TargetError::NotUrl),
            ("http://reviews:99999/", TargetError::NotUrl),
            ("http://reviews:0/", TargetError::NotUrl),
            ("ftp://reviews/", TargetError::Scheme),
            ("http://me:secret@reviews/", TargetError::Credentials),
        ] {
            assert_eq!(Target::parse(url), Err(error), "{url}");
        }
    }
}
