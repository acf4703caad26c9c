//! What `meshwhy probe` was asked for, checked.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use meshwhy_envoyfilter::Name;
use meshwhy_probe::{Address, HttpVersion, Identity, Request, Resolver, Roots, ServerNameSent, Target, Tls, TraceContext};

use crate::args::{FormatArg, HttpVersionArgs, ProbeArgs};
use crate::escape;
use crate::failure::Failure;
use crate::way::PodOrigin;

/// Largest file that is taken for a body, a certificate or a key, in bytes.
const MAX_FILE: u64 = 1024 * 1024;
/// Shorter texts are no secrets, and stand in too much else.
const MIN_SECRET: usize = 6;

/// A probe.
pub(crate) struct ProbeOptions {
    pub(crate) request: Request,
    pub(crate) here: Resolver,
    /// The pod that it sets out from.
    pub(crate) from: Option<PodOrigin>,
    pub(crate) tls: Tls,
    /// What must not be printed, even where the server repeats it.
    pub(crate) secrets: Vec<String>,
    pub(crate) matrix: bool,
    pub(crate) format: FormatArg,
}

impl ProbeOptions {
    /// Checks what clap cannot. No message repeats a header's value.
    ///
    /// # Errors
    /// [`Failure::Usage`] for what is not written as it must be, [`Failure::Input`] for files.
    pub(crate) fn new(args: ProbeArgs) -> Result<Self, Failure> {
        let target = Target::parse(&args.url).map_err(|error| Failure::Usage(error.to_string()))?;
        let (headers, secrets) = headers(&args.headers)?;
        let body = args.body.as_deref().map(body).transpose()?;
        let method = match args.request {
            Some(method) => Method::from_bytes(method.as_bytes())
                .map_err(|_| Failure::Usage(format!("`{}` is no method of HTTP", escape::line(&method))))?,
            None if body.is_some() => Method::POST,
            None => Method::GET,
        };
        if method == Method::CONNECT {
            return Err(Failure::Usage("CONNECT opens a tunnel and cannot be probed".to_owned()));
        }
        let tls_only = [("--sni", args.sni.is_some()), ("--cacert", args.cacert.is_some()), ("--cert", args.cert.is_some())];
        if let Some((flag, _)) = tls_only.iter().find(|(_, given)| *given && !target.is_tls) {
            return Err(Failure::Usage(format!("{flag} is for https:// alone")));
        }
        let roots = args.cacert.as_deref().map(file).transpose()?;
        let identity = match (args.cert.as_deref(), args.key.as_deref()) {
            (Some(certificates), Some(key)) => Some((file(certificates)?, file(key)?)),
            _ => None,
        };
        let shown = identity.as_ref().map(|(certificates, key)| Identity { certificates, key });
        let tls = Tls::new(roots.as_deref().map_or(Roots::System, Roots::Pem), shown, args.insecure)
            .map_err(|error| Failure::Usage(escape::line(&format!("{:#}", anyhow::Error::new(error)))))?;
        let begins_trace =
            !args.no_trace_context && !["traceparent", "b3", "x-b3-traceid"].iter().any(|name| headers.contains_key(*name));
        let request = Request {
            version: version(&args.version),
            method,
            headers,
            without_host: args.no_host,
            filler: usize::try_from(args.header_size).unwrap_or(usize::MAX),
            trace: begins_trace.then(TraceContext::begin),
            is_grpc: args.grpc,
            body: body.unwrap_or_default().into(),
            server_name: args.sni.map_or(ServerNameSent::OfUrl, ServerNameSent::Asked),
            patience: Duration::from_secs(args.timeout),
            ..Request::get(target)
        };
        if args.connection.is_given() && args.from.is_none() {
            return Err(Failure::Usage("--context and --kubeconfig are for --from".to_owned()));
        }
        let from = args.from.as_deref().map(|from| {
            let (pod, container) =
                from.split_once('/').map_or((from, None), |(pod, container)| (pod, Some(container.to_owned())));
            let is_name = |name: &str| Name::parse(name).is_ok();
            if !is_name(pod) || !container.as_deref().is_none_or(is_name) {
                return Err(Failure::Usage("--from takes POD or POD/CONTAINER".to_owned()));
            }
            let (access, namespace) = (args.connection.access(), args.namespace.clone());
            Ok(PodOrigin { access, namespace, pod: pod.to_owned(), container })
        });
        let from = from.transpose()?;
        let here = Resolver { instead: args.connect_to.as_deref().map(address).transpose()? };
        Ok(Self { request, here, from, tls, secrets, matrix: args.matrix, format: args.output.format })
    }
}

const fn version(args: &HttpVersionArgs) -> HttpVersion {
    match args {
        HttpVersionArgs { http1_0: true, .. } => HttpVersion::Http10,
        HttpVersionArgs { http1_1: true, .. } => HttpVersion::Http11,
        HttpVersionArgs { http2: true, .. } => HttpVersion::Http2,
        HttpVersionArgs { http2_prior_knowledge: true, .. } => HttpVersion::Http2PriorKnowledge,
        _ => HttpVersion::Chosen,
    }
}

/// The headers, and what of them is secret.
pub(crate) fn headers(given: &[String]) -> Result<(HeaderMap, Vec<String>), Failure> {
    let (mut headers, mut secrets) = (HeaderMap::new(), Vec::new());
    for (at, header) in given.iter().enumerate() {
        let wrong = || Failure::Usage(format!("header {} is not written like -H 'NAME: VALUE'", at + 1));
        let (name, value) = header.split_once(':').ok_or_else(wrong)?;
        let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| wrong())?;
        let mut text = HeaderValue::from_str(value.trim()).map_err(|_| wrong())?;
        if is_secret(name.as_str()) {
            text.set_sensitive(true);
            secrets.extend(pieces(value));
        }
        headers.append(name, text);
    }
    // The longest first, so that no rest of one is left.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    Ok((headers, secrets))
}

/// Whether a header of this name holds what gives access.
fn is_secret(name: &str) -> bool {
    const WORDS: [&str; 9] = ["auth", "cookie", "token", "key", "secret", "passw", "session", "credential", "signature"];
    WORDS.iter().any(|word| name.contains(word))
}

/// The value, and its pieces that a server may repeat alone: the token behind `Bearer`, the values of cookies.
fn pieces(value: &str) -> impl Iterator<Item = String> {
    let pieces = value.split([' ', ';', ',']).flat_map(|word| [Some(word), word.split_once('=').map(|(_, value)| value)]);
    let pieces = std::iter::once(Some(value)).chain(pieces).flatten();
    pieces
        .map(|piece| piece.trim().trim_matches('"'))
        .filter(|piece| piece.len() >= MIN_SECRET && *piece != "Bearer")
        .map(str::to_owned)
}

fn body(given: &str) -> Result<Vec<u8>, Failure> {
    match given.strip_prefix('@') {
        Some(path) => file(Path::new(path)),
        None => Ok(given.as_bytes().to_vec()),
    }
}

pub(crate) fn file(path: &Path) -> Result<Vec<u8>, Failure> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE { Err(std::io::Error::other("it is larger than 1 MiB")) } else { Ok(bytes) }
    };
    read().map_err(|source| Failure::Input { name: path.display().to_string(), source })
}

fn address(given: &str) -> Result<Address, Failure> {
    let wrong = || Failure::Usage("--connect-to is written like 10.0.0.7:8080 or [::1]:8080".to_owned());
    let (host, port) = given.rsplit_once(':').ok_or_else(wrong)?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = bare.unwrap_or(host);
    let port = port.parse().ok().filter(|port| *port > 0);
    match port {
        Some(port) if !host.is_empty() && (bare.is_some() || !host.contains(':')) => Ok(Address { host: host.to_owned(), port }),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gives_access_is_secret() {
        let given =
            ["Authorization: Bearer abc.def.ghi", "Cookie: id=0123456789; lang=en", "x-user: envoy", "X-Api-Key: 42424242"];
        let (headers, secrets) = headers(&given.map(str::to_owned)).unwrap();
        assert_eq!(headers.len(), 4);
        for secret in ["Bearer abc.def.ghi", "abc.def.ghi", "0123456789", "42424242"] {
            assert!(secrets.iter().any(|known| known == secret), "{secret}: {secrets:?}");
        }
        assert!(!secrets.iter().any(|known| known.len() < MIN_SECRET || known == "envoy"), "{secrets:?}");
    }

    #[test]
    fn addresses() {
        for (given, host) in [("10.0.0.7:80", "10.0.0.7"), ("[::1]:80", "::1"), ("cart:80", "cart")] {
            assert_eq!(address(given).ok(), Some(Address { host: host.to_owned(), port: 80 }), "{given}");
        }
        for given in ["", "cart", ":80", "::1:80", "cart:0", "cart:x"] {
            assert!(address(given).is_err(), "{given}");
        }
    }
}
