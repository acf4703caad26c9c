//! `meshwhy route`.

use std::io::Write;

use http::Uri;
use http::header::{HeaderName, HeaderValue};
use meshwhy_core::Lang;
use meshwhy_proxy::Clusters;
use meshwhy_proxy::route::{Peer, Question, Request, Side, route};

use crate::args::RouteArgs;
use crate::escape;
use crate::failure::{Failure, Outcome};
use crate::proxies;
use crate::render;

/// Reads what the proxy says, and says where the request would go.
///
/// # Errors
/// [`Failure::Usage`] for a request that is none, [`Failure::Input`] and [`Failure::NoDump`] for files.
pub(super) fn run(out: &mut dyn Write, args: &RouteArgs, lang: Lang) -> Result<Outcome, Failure> {
    let request = request(args)?;
    let answers = proxies::read(&args.proxy, lang)?;
    let proxy = match answers.as_slice() {
        [] => return Err(Failure::NoProxies { lang, pods: 0 }),
        [proxy] => proxy,
        // All of one workload hold the same; of a whole mesh nobody asks this.
        [first, ..] if args.proxy.proxy.is_some() => first,
        several => return Err(usage(&format!("there are {} proxies; name one with --proxy", several.len()))),
    };
    let data = proxy.data();
    let dump = proxies::dump(&data, &args.proxy, lang)?;
    let given = args.clusters.as_deref().map(proxies::answer).transpose()?;
    let clusters = given.as_deref().or(data.clusters).map(Clusters::read);
    let side = args.inbound.then_some(Side::Inbound);
    let question = Question { request: &request, side, listener: args.listener.as_deref(), lang };
    let report = route(&dump, clusters.as_ref(), &question);
    render::route::write(out, &report, lang, args.top, args.output.format)?;
    Ok(if report.is_failure() { Outcome::Findings } else { Outcome::Clean })
}

fn request(args: &RouteArgs) -> Result<Request, Failure> {
    let (method, url) = match args.request.as_slice() {
        [method, url] => (method.as_str(), url),
        [url] => ("GET", url),
        _ => return Err(usage("a method and a URL are wanted")),
    };
    if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-') {
        return Err(usage(&format!("`{method}` is no method; the method comes first, then the URL")));
    }
    let mut request = of_url(url)?;
    request.method = method.to_ascii_uppercase();
    for header in &args.headers {
        let (name, value) =
            header.split_once(':').ok_or_else(|| usage(&format!("`{header}`: a header is written `Name: value`")))?;
        let name =
            HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| usage(&format!("`{name}` is no name of a header")))?;
        HeaderValue::from_str(value.trim()).map_err(|_| usage(&format!("`{header}`: no value of a header")))?;
        match name.as_str() {
            "host" => value.trim().clone_into(&mut request.authority),
            name => request.headers.push((name.to_owned(), value.trim().to_owned())),
        }
    }
    request.port = args.port.unwrap_or(request.port);
    request.destination = args.ip;
    request.tls |= args.inbound && args.principal.is_some();
    request.server_name = args.sni.clone().or(request.server_name);
    request.peer = Peer { principal: args.principal.clone(), address: args.source_ip };
    Ok(request)
}

/// A request of GET for a URL.
pub(super) fn get(url: &str) -> Result<Request, Failure> {
    Ok(Request { method: "GET".to_owned(), ..of_url(url)? })
}

/// What a client makes of a URL: it sends the port only where it is not the usual one.
fn of_url(url: &str) -> Result<Request, Failure> {
    let malformed = || usage(&format!("`{url}` is no URL such as http://reviews:9080/reviews/1"));
    let uri: Uri = url.parse().map_err(|_| malformed())?;
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(malformed)?;
    let (tls, usual) = match uri.scheme_str() {
        Some("http") => (false, 80),
        Some("https") => (true, 443),
        _ => return Err(malformed()),
    };
    let port = authority.port_u16().unwrap_or(usual);
    let host = authority.host();
    let sent = if port == usual { host.to_owned() } else { format!("{host}:{port}") };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    Ok(Request {
        tls,
        authority: sent,
        path: if path.starts_with('/') { path.to_owned() } else { format!("/{path}") },
        server_name: Some(host.to_owned()),
        port,
        ..Request::default()
    })
}

fn usage(message: &str) -> Failure {
    Failure::Usage(escape::line(message))
}
